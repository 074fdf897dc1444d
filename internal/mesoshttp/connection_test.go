package mesoshttp_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
)

// Calls share one connection, subscriptions never use it and never share theirs.
func TestConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var remote sync.Map // connection → what it was used for
		n := serve(t, func(w http.ResponseWriter, r *http.Request) {
			var call scheduler.Call
			body, err := io.ReadAll(r.Body)
			require.NoError(t, err)
			require.NoError(t, call.Unmarshal(body))
			if call.Type == scheduler.Call_SUBSCRIBE {
				openStream(w)
				return
			}
			remote.Store(r.RemoteAddr, call.Type)
			if call.Kill.TaskID.Value == "unknown" {
				w.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(w, "no")
				return
			}
			w.WriteHeader(http.StatusAccepted)
		})
		client := newClient(t, n, mesoshttp.Config{})
		for range 3 {
			require.NoError(t, client.Call(t.Context(), master, streamID, killCall("t"), nil))
		}
		require.ErrorIs(t, client.Call(t.Context(), master, streamID, killCall("unknown"), nil), mesoshttp.ErrBadRequest)
		require.EqualValues(t, 1, n.dials.Load())
		for range 3 {
			stream, err := client.Subscribe(t.Context(), master, subscribeCall(), nil)
			require.NoError(t, err)
			_, err = stream.Next()
			require.ErrorIs(t, err, io.EOF)
		}
		require.EqualValues(t, 4, n.dials.Load())
		require.NoError(t, client.Call(t.Context(), master, streamID, killCall("t"), nil))
		require.EqualValues(t, 4, n.dials.Load())

		time.Sleep(time.Minute + time.Second)
		require.NoError(t, client.Call(t.Context(), master, streamID, killCall("t"), nil))
		require.EqualValues(t, 5, n.dials.Load(), "the connection was idle for too long to be trusted")
	})
}

// With MaxConns, calls wait for a free connection.
func TestMaxConns(t *testing.T) {
	for conns, want := range map[int]time.Duration{0: 4 * time.Second, 1: 4 * time.Second, 2: 2 * time.Second, 4: time.Second} {
		synctest.Test(t, func(t *testing.T) {
			n := serve(t, func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(time.Second)
				w.WriteHeader(http.StatusAccepted)
			})
			client := newClient(t, n, mesoshttp.Config{MaxConns: conns})
			start := time.Now()
			var calls sync.WaitGroup
			for range 4 {
				calls.Go(func() { require.NoError(t, client.Call(t.Context(), master, streamID, killCall("t"), nil)) })
			}
			calls.Wait()
			require.Equal(t, want, time.Since(start))
			require.EqualValues(t, max(conns, 1), n.dials.Load())
		})
	}
}

// A call on a connection that breaks may have been accepted: it is an error to the caller and is not repeated.
func TestBrokenCallIsNotRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var requests int
		n := serveRaw(t, func(conn net.Conn, r *bufio.Reader) {
			requests++
			_, _ = io.WriteString(conn, "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
			if readRequest(r) == nil { // and close the connection instead of answering
				requests++
			}
		})
		client := newClient(t, n, mesoshttp.Config{})
		require.NoError(t, client.Call(t.Context(), master, streamID, killCall("1"), nil))
		require.ErrorIs(t, client.Call(t.Context(), master, streamID, killCall("2"), nil), io.EOF)
		synctest.Wait()
		require.Equal(t, 2, requests)
		require.EqualValues(t, 1, n.dials.Load())
	})
}

// After the master has closed a connection between two calls, the next call opens a new one.
func TestClosedIdleConnectionIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := serveRaw(t, func(conn net.Conn, _ *bufio.Reader) {
			_, _ = io.WriteString(conn, "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
		})
		client := newClient(t, n, mesoshttp.Config{})
		for i := range 3 {
			require.NoError(t, client.Call(t.Context(), master, streamID, killCall("t"), nil))
			synctest.Wait()
			require.EqualValues(t, i+1, n.dials.Load())
		}
	})
}

// Whatever the other side fails to do, the end of the context ends the wait, at that instant.
func TestContextEndsTheWait(t *testing.T) {
	for why, newServer := range map[string]func(*testing.T) *network{
		"nobody accepts": func(*testing.T) *network { return newNetwork() },
		"nobody reads": func(t *testing.T) *network {
			n := newNetwork()
			go func() {
				for conn := range n.conns {
					t.Cleanup(func() { conn.Close() })
				}
			}()
			t.Cleanup(func() { close(n.conns) })
			return n
		},
		"nobody answers": func(t *testing.T) *network {
			return serveRaw(t, func(_ net.Conn, r *bufio.Reader) { _, _ = r.ReadByte() })
		},
		"half a head": func(t *testing.T) *network {
			return serveRaw(t, func(conn net.Conn, r *bufio.Reader) {
				_, _ = io.WriteString(conn, head[:40])
				_, _ = r.ReadByte()
			})
		},
	} {
		for name, do := range map[string]func(context.Context, *mesoshttp.Client) error{
			"Subscribe": func(ctx context.Context, c *mesoshttp.Client) error {
				_, err := c.Subscribe(ctx, master, subscribeCall(), nil)
				return err
			},
			"Call": func(ctx context.Context, c *mesoshttp.Client) error {
				return c.Call(ctx, master, streamID, killCall("t"), nil)
			},
		} {
			t.Run(why+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					client := newClient(t, newServer(t), mesoshttp.Config{})
					for range 2 { // the second one finds the only connection free again
						start := time.Now()
						ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
						defer cancel()
						require.ErrorIs(t, do(ctx, client), context.DeadlineExceeded)
						require.Equal(t, 3*time.Second, time.Since(start))
					}
				})
			})
		}
	}
}

// A host that drops packets must not keep the only connection after its call has ended.
func TestHungDialDoesNotBlockTheLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := serve(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusAccepted) })
		var hang atomic.Bool
		hang.Store(true)
		client, err := mesoshttp.New(mesoshttp.Config{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if hang.Load() {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return n.DialContext(ctx, network, address)
		}})
		require.NoError(t, err)
		defer client.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, client.Call(ctx, master, streamID, killCall("t"), nil), context.DeadlineExceeded)
		hang.Store(false)
		start := time.Now()
		require.NoError(t, client.Call(t.Context(), master, streamID, killCall("t"), nil))
		require.Equal(t, start, time.Now())
	})
}
