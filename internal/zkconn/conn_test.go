package zkconn

import (
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What answers in place of a server is named, and does not make the client allocate what its first bytes say.
func TestNotAServer(t *testing.T) {
	near, far := net.Pipe()
	defer near.Close()
	var refused error
	c := New(near, Guard{Address: "h:80", MaxPacket: 1 << 20, Refused: func(err error) { refused = err }})
	go func() {
		defer far.Close()
		_, _ = far.Write([]byte("HTTP/1.1 400 Bad Request\r\n"))
	}()
	_, err := c.Read(make([]byte, 4))
	require.ErrorContains(t, err, `h:80 is not a ZooKeeper server: it says "HTTP"`)
	require.Equal(t, err, refused)
}

// A server that says nothing, such as one of an ensemble without a quorum, is named as well, without the port of this side.
func TestNoAnswer(t *testing.T) {
	for why, serve := range map[string]func(net.Conn){"EOF": func(c net.Conn) { c.Close() }, "i/o timeout": func(net.Conn) {}} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		near, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		defer near.Close()
		far, err := l.Accept()
		require.NoError(t, err)
		defer far.Close()
		serve(far)
		var refused error
		c := New(near, Guard{
			Address: "h:2181", MaxPacket: 1 << 20, Refused: func(err error) { refused = err },
			Patience: func(bool) time.Duration { return 10 * time.Millisecond },
		})
		if why != "EOF" {
			require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Hour)))
		}
		_, err = c.Read(make([]byte, 4))
		require.Error(t, err)
		require.EqualError(t, refused, "h:2181 gives no answer: "+why)
	}
}

// So does a server that sends more than this member takes, which is one all the same.
func TestLongPacket(t *testing.T) {
	near, far := net.Pipe()
	defer near.Close()
	c := New(near, Guard{Address: "h:2181", MaxPacket: 8 << 20, Refused: func(error) {}})
	go func() {
		defer far.Close()
		_, _ = far.Write(append([]byte{0, 0, 0, 16}, make([]byte, 16)...))
		_, _ = far.Write([]byte{1, 0, 0, 0})
	}()
	_, err := io.ReadFull(c, make([]byte, 24))
	require.EqualError(t, err, "h:2181 sends 16777216 bytes at once, and at most 8388608 are taken: are there too many nodes?")
}

// A write that fails closes the connection, and a read that fails ends a write that hangs: it is the reads that say so.
func TestWriteNeverFails(t *testing.T) {
	near, _ := net.Pipe()
	c := New(near, Guard{})
	written := make(chan struct{})
	go func() {
		defer close(written)
		for range 2 { // nobody reads, and then the connection is closed
			n, err := c.Write([]byte("hello"))
			require.NoError(t, err)
			require.Equal(t, 5, n)
		}
	}()
	require.NoError(t, near.SetReadDeadline(time.Now()))
	_, err := c.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	<-written

	near, far := net.Pipe()
	c = New(near, Guard{})
	far.Close()
	_, err = c.Write([]byte("hello"))
	require.NoError(t, err)
	_, err = near.Write([]byte("hello"))
	require.ErrorIs(t, err, io.ErrClosedPipe)
	_, err = c.Read(make([]byte, 1))
	require.Error(t, err)
}

// The session timeout is read from the first packet, however it arrives; 0 is none.
func TestGranted(t *testing.T) {
	var granted []time.Duration
	for _, ms := range []byte{200, 250, 150, 0} {
		near, far := net.Pipe()
		c := New(near, Guard{MaxPacket: 1 << 20, Granted: func(timeout time.Duration) { granted = append(granted, timeout) }})
		go func() {
			defer far.Close()
			packet := append([]byte{0, 0, 0, 37, 0, 0, 0, 0, 0, 0, 0, ms}, make([]byte, 29)...)
			for _, b := range append(packet, 0, 0, 0, 16, 1, 1, 1, 1, 1, 1, 1, 1) {
				_, _ = far.Write([]byte{b})
			}
		}()
		for {
			if _, err := c.Read(make([]byte, 7)); err != nil {
				break
			}
		}
		near.Close()
	}
	require.Equal(t, []time.Duration{200 * time.Millisecond, 250 * time.Millisecond, 150 * time.Millisecond}, granted)
}
