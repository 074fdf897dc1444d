package actionclient

import (
	"context"
	"net"
	"net/http"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
)

// faultyConn is a connection whose methods can be replaced.
type faultyConn struct {
	*countingConn
	write, read func(b []byte) (int, error)
}

func (c *faultyConn) Write(b []byte) (int, error) { return c.write(b) }
func (c *faultyConn) Read(b []byte) (int, error)  { return c.read(b) }

// faulty returns the container of a world whose connections are first given to a function, with their number from 1.
func faulty(w *world, change func(n int64, c *faultyConn)) *Container {
	w.accept(func(conn *virtualnet.Conn, _ int, _ *http.Request) bool { return answer(conn) })
	container := New(func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := w.dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		c := &faultyConn{countingConn: conn.(*countingConn)}
		c.write, c.read = c.countingConn.Write, c.countingConn.Read
		change(w.dials.Load(), c)
		return c, nil
	}).Container(address, 1)
	w.t.Cleanup(container.Close)
	return container
}

func TestAWriteThatFails(t *testing.T) {
	for name, want := range map[string]struct {
		reused         bool // the connection had served before
		written        int
		sent, succeeds bool
	}{
		"before a byte, on a connection that had served": {reused: true, succeeds: true, sent: true},
		"after a byte, on a connection that had served":  {reused: true, written: 1, sent: true},
		"before a byte, on a new connection":             {},
		"after a byte, on a new connection":              {written: 1, sent: true},
		"after all but a byte, on one that had served":   {reused: true, written: 200, sent: true},
		"after all but a byte, on a new connection":      {written: 200, sent: true},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				broken := !want.reused
				container := faulty(w, func(n int64, c *faultyConn) {
					write := c.write
					c.write = func(b []byte) (int, error) {
						if n > 1 || !broken {
							return write(b)
						}
						_ = c.Conn.CloseWrite()
						return want.written, syscall.EPIPE
					}
				})
				if want.reused {
					require.Equal(t, Success, container.Run(t.Context(), &RunRequest{Call: call()}).Outcome)
					broken = true
				}
				a := container.Run(t.Context(), &RunRequest{Call: call()})
				require.Equal(t, want.sent, a.Sent)
				require.Equal(t, want.succeeds, a.Outcome == Success)
				if !want.succeeds {
					require.ErrorIs(t, a.Err, syscall.EPIPE)
					require.EqualValues(t, 1, w.dials.Load())
				}
				require.False(t, a.Refused)
			})
		})
	}
}

// Nobody knows what the runtime makes of the next request on a connection on which a part of one was lost.
func TestAConnectionIsNotKeptAfterAWriteThatFailed(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		container := faulty(w, func(_ int64, c *faultyConn) {
			write := c.write
			c.write = func(b []byte) (int, error) {
				n, _ := write(b)
				return n - 1, syscall.EPIPE
			}
		})
		require.Equal(t, Success, container.Run(t.Context(), &RunRequest{Call: call()}).Outcome, "it has answered")
		require.Zero(t, w.open.Load())
	})
}

// A connection may break with the same errors as an attempt to make one.
func TestNothingIsRepeatedAfterATimeoutOfTCP(t *testing.T) {
	for _, reason := range []error{syscall.ETIMEDOUT, syscall.EHOSTUNREACH} {
		bubble(t, func(t *testing.T, w *world) {
			container := faulty(w, func(_ int64, c *faultyConn) {
				c.read = func([]byte) (int, error) { return 0, reason }
			})
			for _, a := range []Answer{
				container.Init(t.Context(), &InitRequest{Call: call(), Code: "echo"}), container.Run(t.Context(), &RunRequest{Call: call()}),
			} {
				require.True(t, a.Sent && a.Broken)
				require.False(t, a.Refused)
				require.ErrorIs(t, a.Err, reason)
				require.Equal(t, DeveloperError, a.Outcome)
			}
			require.EqualValues(t, 2, w.dials.Load())
		})
	}
}

// The context ends just when the answer arrives: what that does to the connection must not happen to the next call on it.
func TestAContextThatEndsWithTheAnswerTakesTheConnectionAlong(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		ctx, cancel := context.WithCancel(t.Context())
		container := faulty(w, func(n int64, c *faultyConn) {
			read := c.read
			c.read = func(b []byte) (int, error) {
				defer cancel()
				return read(b)
			}
		})
		require.Equal(t, Success, container.Run(ctx, &RunRequest{Call: call()}).Outcome)
		require.Zero(t, w.open.Load())
		require.Equal(t, Success, container.Run(t.Context(), &RunRequest{Call: call()}).Outcome)
	})
}
