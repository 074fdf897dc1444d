package virtualnet

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// connected returns both ends of a connection.
func connected(t *testing.T) (client, server net.Conn) {
	t.Helper()
	var n Network
	l, err := n.Listen("master:5050")
	require.NoError(t, err)
	accepted := make(chan net.Conn, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			accepted <- c
		}
		_ = l.Close()
	}()
	client, err = n.DialContext(t.Context(), "tcp", "master:5050")
	require.NoError(t, err)
	return client, <-accepted
}

func TestNetworkAddresses(t *testing.T) {
	var n Network
	l, err := n.Listen("master:5050")
	require.NoError(t, err)
	require.Equal(t, "master:5050", l.Addr().String())
	_, err = n.Listen("master:5050")
	require.ErrorIs(t, err, syscall.EADDRINUSE)
	_, err = n.Listen("no port")
	require.Error(t, err)
	require.NoError(t, l.Close())
	require.NoError(t, l.Close(), "once more is harmless")
	_, err = l.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
	_, err = n.DialContext(t.Context(), "tcp", "master:5050")
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	l, err = n.Listen("master:5050")
	require.NoError(t, err, "the address is free again")
	require.NoError(t, l.Close())
	one, err := n.Listen("master:0")
	require.NoError(t, err)
	two, err := n.Listen("master:0")
	require.NoError(t, err)
	require.NotEqual(t, one.Addr().String(), two.Addr().String())
}

func TestDialEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n Network
		_, err := n.Listen("master:5050") // nobody accepts
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = n.DialContext(ctx, "tcp", "master:5050")
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := connected(t)
		big := bytes.Repeat([]byte("x"), 1<<20)
		_, err := client.Write(big) // nobody reads: a write never blocks
		require.NoError(t, err)
		require.NoError(t, client.(*Conn).CloseWrite())
		got, err := io.ReadAll(server)
		require.NoError(t, err)
		require.Equal(t, big, got)
		_, err = server.Write([]byte("answer")) // half closed: the other direction works
		require.NoError(t, err)
		require.NoError(t, server.Close())
		got, err = io.ReadAll(client)
		require.NoError(t, err)
		require.Equal(t, "answer", string(got), "what was sent before the end arrives")
		_, err = client.Write([]byte("more"))
		require.ErrorIs(t, err, net.ErrClosed)
		_, err = server.Read(make([]byte, 1))
		require.ErrorIs(t, err, net.ErrClosed)
	})
}

func TestReset(t *testing.T) {
	client, server := connected(t)
	_, err := server.Write([]byte("lost"))
	require.NoError(t, err)
	server.(*Conn).Reset()
	_, err = client.Read(make([]byte, 10))
	require.ErrorIs(t, err, syscall.ECONNRESET)
	_, err = client.Write([]byte("x"))
	require.ErrorIs(t, err, syscall.ECONNRESET)
}

func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := connected(t)
		start := time.Now()
		require.NoError(t, client.SetReadDeadline(start.Add(time.Second)))
		_, err := client.Read(make([]byte, 1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Equal(t, time.Second, time.Since(start))

		require.NoError(t, client.SetDeadline(time.Time{}))
		go func() {
			time.Sleep(time.Second)
			_ = client.SetReadDeadline(time.Now()) // wakes a waiting reader
		}()
		_, err = client.Read(make([]byte, 1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Equal(t, 2*time.Second, time.Since(start))

		require.NoError(t, client.SetDeadline(time.Time{}))
		_, err = server.Write([]byte("x"))
		require.NoError(t, err)
		_, err = client.Read(make([]byte, 1))
		require.NoError(t, err)
		require.NoError(t, server.SetWriteDeadline(time.Now()))
		_, err = server.Write([]byte("x"))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	})
}

func TestRefusingAndHolding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n Network
		listening, err := n.Listen("master:5050")
		require.NoError(t, err)
		l := listening.(*Listener)
		accepted := make(chan struct{})
		go func() {
			defer close(accepted)
			_, err := l.Accept()
			require.NoError(t, err)
		}()
		l.SetRefusing(true)
		_, err = n.DialContext(t.Context(), "tcp", "master:5050")
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		l.SetRefusing(false)

		start, until := time.Now(), make(chan struct{})
		l.Hold(until)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = n.DialContext(ctx, "tcp", "master:5050")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		go func() {
			time.Sleep(time.Second)
			l.Hold(nil)
			close(until)
		}()
		_, err = n.DialContext(t.Context(), "tcp", "master:5050")
		require.NoError(t, err)
		require.Equal(t, 2*time.Second, time.Since(start))
		<-accepted
	})
}
