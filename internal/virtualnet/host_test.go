package virtualnet

import (
	"context"
	"io"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// hosts are two processes, a and b, with a connection and packets between them.
type hosts struct {
	*testing.T
	Network
	a, b               *Host
	toB, toA           net.Conn
	packetsA, packetsB net.PacketConn
	began              time.Time
}

func between(t *testing.T, f func(h *hosts)) {
	synctest.Test(t, func(t *testing.T) {
		h := &hosts{T: t, began: time.Now()}
		h.a, h.b = h.Host("10.0.0.1"), h.Host("10.0.0.2")
		l, err := h.b.Listen("10.0.0.2:80")
		require.NoError(t, err)
		accepted := make(chan net.Conn)
		go func() {
			c, err := l.Accept()
			require.NoError(t, err)
			accepted <- c
		}()
		h.toB, err = h.a.DialContext(t.Context(), "tcp", "10.0.0.2:80")
		require.NoError(t, err)
		h.toA = <-accepted
		h.packetsA, err = h.a.ListenPacket("10.0.0.1:53")
		require.NoError(t, err)
		h.packetsB, err = h.b.ListenPacket("10.0.0.2:53")
		require.NoError(t, err)
		f(h)
	})
}

func (h *hosts) link(l Link) { h.SetLink("10.0.0.1", "10.0.0.2", l) }

func (h *hosts) write(c net.Conn, text string) {
	n, err := c.Write([]byte(text))
	require.NoError(h, err)
	require.Equal(h, len(text), n)
}

// read reads that text, at that time.
func (h *hosts) read(c net.Conn, text string, at time.Duration) {
	h.Helper()
	b := make([]byte, len(text))
	_, err := io.ReadFull(c, b)
	require.NoError(h, err)
	require.Equal(h, text, string(b))
	require.Equal(h, at, time.Since(h.began))
}

// after has f called after a while.
func after(d time.Duration, f func()) {
	go func() {
		time.Sleep(d)
		f()
	}()
}

func TestCutOneWay(t *testing.T) {
	between(t, func(h *hosts) {
		require.Equal(h, "10.0.0.1", Addr(h.toA.RemoteAddr().String()).host())
		h.link(Link{Cut: true})
		require.True(h, h.Link("10.0.0.1", "10.0.0.2").Cut)
		h.write(h.toB, "late")
		require.NoError(h, h.toB.(*Conn).CloseWrite())
		h.write(h.toA, "on time")
		h.read(h.toB, "on time", 0)
		after(time.Minute, func() { h.link(Link{}) })
		h.read(h.toA, "late", time.Minute)
		_, err := h.toA.Read(make([]byte, 1))
		require.Equal(h, io.EOF, err)
	})
}

// What is closed or reset behind a cut is told when that ends.
func TestEndsBehindACut(t *testing.T) {
	for _, broken := range []bool{false, true} {
		between(t, func(h *hosts) {
			h.link(Link{Cut: true})
			h.write(h.toB, "last words")
			if broken {
				h.toB.(*Conn).Reset()
			}
			require.NoError(h, h.toB.Close())
			_, err := h.toB.Read(make([]byte, 1))
			require.ErrorIs(h, err, net.ErrClosed)
			_, err = h.toB.Write([]byte("more"))
			require.ErrorIs(h, err, net.ErrClosed)
			h.write(h.toA, "nobody reads it")
			h.Restore()
			if broken {
				_, err = h.toA.Read(make([]byte, 1))
				require.ErrorIs(h, err, syscall.ECONNRESET)
				return
			}
			h.read(h.toA, "last words", 0)
			_, err = h.toA.Read(make([]byte, 1))
			require.Equal(h, io.EOF, err)
			_, err = h.toA.Write([]byte("more"))
			require.ErrorIs(h, err, syscall.EPIPE)
		})
	}
}

func TestDialsWaitForTheirLink(t *testing.T) {
	between(t, func(h *hosts) {
		h.Split([]string{"10.0.0.1"}, []string{"10.0.0.2", "10.0.0.3"})
		ctx, cancel := context.WithTimeout(h.Context(), time.Second)
		defer cancel()
		_, err := h.a.DialContext(ctx, "tcp", "10.0.0.2:81")
		require.ErrorIs(h, err, context.DeadlineExceeded)
		_, err = h.b.DialContext(h.Context(), "tcp", "10.0.0.3:81")
		require.ErrorIs(h, err, syscall.ECONNREFUSED, "that link works")
		after(time.Second, func() { h.Split([]string{"10.0.0.1"}, []string{"10.0.0.3"}) })
		_, err = h.a.DialContext(h.Context(), "tcp", "10.0.0.2:81")
		require.ErrorIs(h, err, syscall.ECONNREFUSED)
		require.Equal(h, 2*time.Second, time.Since(h.began))
		require.True(h, h.Link("10.0.0.1", "10.0.0.3").Cut)
	})
}

func TestDelay(t *testing.T) {
	between(t, func(h *hosts) {
		h.link(Link{Delay: 300 * time.Millisecond})
		h.write(h.toB, "slow")
		_, err := h.packetsA.WriteTo([]byte("slow packet"), h.packetsB.LocalAddr())
		require.NoError(h, err)
		h.link(Link{}) // what comes later does not overtake what is under way
		h.write(h.toB, " and steady")
		require.NoError(h, h.toB.Close())
		b := make([]byte, 100)
		n, from, err := h.packetsB.ReadFrom(b)
		require.NoError(h, err)
		require.Equal(h, "slow packet", string(b[:n]))
		require.Equal(h, h.packetsA.LocalAddr(), from)
		require.Equal(h, 300*time.Millisecond, time.Since(h.began))
		h.read(h.toA, "slow and steady", 300*time.Millisecond)
		_, err = h.toA.Read(b)
		require.Equal(h, io.EOF, err)
		h.SetLink("10.0.0.2", "10.0.0.1", Link{Delay: time.Second})
		_, err = h.a.DialContext(h.Context(), "tcp", "10.0.0.2:81")
		require.ErrorIs(h, err, syscall.ECONNREFUSED)
		require.Equal(h, 1300*time.Millisecond, time.Since(h.began), "there and back")
	})
}

// Packets are lost; what connections lose is sent again.
func TestLoss(t *testing.T) {
	between(t, func(h *hosts) {
		h.link(Link{Loss: 0.5, Jitter: 10 * time.Millisecond})
		arrived := 0
		for range 200 {
			_, err := h.packetsA.WriteTo([]byte{1}, h.packetsB.LocalAddr())
			require.NoError(h, err)
			h.write(h.toB, "x")
			time.Sleep(time.Second)
			synctest.Wait()
		}
		for len(h.packetsB.(*PacketConn).in) > 0 {
			arrived++
			<-h.packetsB.(*PacketConn).in
		}
		require.InDelta(h, 100, arrived, 30)
		_, err := io.ReadFull(h.toA, make([]byte, 200))
		require.NoError(h, err)
		h.link(Link{Cut: true})
		_, err = h.packetsA.WriteTo([]byte{1}, h.packetsB.LocalAddr())
		require.NoError(h, err)
		h.link(Link{})
		synctest.Wait()
		require.Empty(h, h.packetsB.(*PacketConn).in, "what was cut off does not come later")
	})
}

func TestPause(t *testing.T) {
	between(t, func(h *hosts) {
		h.write(h.toA, "unread")
		h.a.Pause()
		h.write(h.toA, " too")
		after(time.Minute, h.a.Resume)
		ctx, cancel := context.WithTimeout(h.Context(), time.Second)
		defer cancel()
		require.ErrorIs(h, h.a.Awake(ctx), context.DeadlineExceeded)
		h.read(h.toB, "unread too", time.Minute)
		h.a.Pause()
		after(time.Minute, h.a.Resume)
		h.write(h.toB, "held")
		h.read(h.toA, "held", 2*time.Minute)
		h.a.Pause()
		after(time.Minute, h.a.Resume)
		_, err := h.packetsB.WriteTo([]byte("packet"), h.packetsA.LocalAddr())
		require.NoError(h, err)
		_, _, err = h.packetsA.ReadFrom(make([]byte, 10))
		require.NoError(h, err)
		require.Equal(h, 3*time.Minute, time.Since(h.began))
	})
}

func TestKill(t *testing.T) {
	between(t, func(h *hosts) {
		h.a.Pause()
		after(time.Second, h.a.Kill)
		_, err := h.toB.Write([]byte("never sent"))
		require.ErrorIs(h, err, net.ErrClosed)
		_, err = h.toA.Read(make([]byte, 1))
		require.ErrorIs(h, err, syscall.ECONNRESET)
		_, err = h.packetsA.WriteTo([]byte{1}, h.packetsB.LocalAddr())
		require.ErrorIs(h, err, net.ErrClosed)
		_, _, err = h.packetsA.ReadFrom(make([]byte, 1))
		require.ErrorIs(h, err, net.ErrClosed)
		_, err = h.a.Listen("10.0.0.1:80")
		require.ErrorIs(h, err, net.ErrClosed)
		_, err = h.a.ListenPacket("10.0.0.1:80")
		require.ErrorIs(h, err, net.ErrClosed)
		_, err = h.a.DialContext(h.Context(), "tcp", "10.0.0.2:80")
		require.ErrorIs(h, err, net.ErrClosed)
		require.NoError(h, h.toB.Close())

		again := h.Host("10.0.0.1")
		_, err = again.ListenPacket("10.0.0.1:53")
		require.NoError(h, err, "the address is free")
		_, err = again.ListenPacket("10.0.0.1:53")
		require.ErrorIs(h, err, syscall.EADDRINUSE)
		h.b.Kill()
		_, err = again.DialContext(h.Context(), "tcp", "10.0.0.2:80")
		require.ErrorIs(h, err, syscall.ECONNREFUSED)
	})
}

func TestHostReset(t *testing.T) {
	between(t, func(h *hosts) {
		h.write(h.toB, "lost")
		h.a.Reset()
		_, err := h.toA.Read(make([]byte, 1))
		require.ErrorIs(h, err, syscall.ECONNRESET)
		_, err = h.toB.Write([]byte("x"))
		require.ErrorIs(h, err, net.ErrClosed)
		_, err = h.a.DialContext(h.Context(), "tcp", "10.0.0.2:81")
		require.ErrorIs(h, err, syscall.ECONNREFUSED, "the process goes on")
	})
}

// A host that dies behind a cut takes what it has not sent with it, and the other side learns of that later.
func TestKillBehindACut(t *testing.T) {
	between(t, func(h *hosts) {
		h.link(Link{Cut: true})
		h.write(h.toB, "never sent")
		h.a.Kill()
		require.NoError(h, h.toA.SetReadDeadline(time.Now().Add(time.Hour)))
		after(time.Minute, h.Restore)
		_, err := h.toA.Read(make([]byte, 1))
		require.ErrorIs(h, err, syscall.ECONNRESET)
		require.Equal(h, time.Minute, time.Since(h.began))
	})
}
