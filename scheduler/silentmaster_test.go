package scheduler_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// accept runs one function per connection, and closes those that it leaves open at the end of the test.
func (h *harness) accept(address string, handle func(conn net.Conn)) {
	l := h.listen(address)
	var all sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, conn)
			mu.Unlock()
			all.Go(func() { handle(conn) })
		}
	})
	h.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, conn := range conns {
			_ = conn.Close()
		}
		mu.Unlock()
		all.Wait()
	})
}

// drip writes text again and again, with a pause after each time, until the other side closes.
func drip(conn net.Conn, text string, pause time.Duration) {
	for {
		if _, err := io.WriteString(conn, text); err != nil {
			return
		}
		time.Sleep(pause)
	}
}

// The first master of a list takes the connection, and then says nothing, or nothing of use: the next is tried 15 s later.
func TestSilentMasterIsLeft(t *testing.T) {
	const (
		silent = "silent.example:5050"
		head   = "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nMesos-Stream-Id: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
	)
	read := func(conn net.Conn) { _, _ = conn.Read(make([]byte, 64<<10)) } // SUBSCRIBE, in one piece
	for why, c := range map[string]struct {
		scheme string
		says   func(conn net.Conn)
		err    bool // there is an event for it: the subscription was opened
	}{
		"nothing is read":      {"http", func(net.Conn) {}, false},
		"no answer":            {"http", read, false},
		"no TLS handshake":     {"https", func(net.Conn) {}, false},
		"half a TLS handshake": {"https", func(conn net.Conn) { read(conn); _, _ = conn.Write([]byte{22, 3, 3, 1, 0, 2}) }, false},
		"a TLS handshake in bytes": {"https", func(conn net.Conn) {
			read(conn)
			_, _ = conn.Write([]byte{22, 3, 3, 1, 0})
			drip(conn, "\x02", time.Second)
		}, false},
		"half a head": {"http", func(conn net.Conn) { read(conn); _, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-") }, false},
		"one byte":    {"http", func(conn net.Conn) { read(conn); _, _ = io.WriteString(conn, "H") }, false},
		"a head in bytes": {"http", func(conn net.Conn) {
			read(conn)
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nX: ")
			drip(conn, "x", time.Second)
		}, false},
		"headers, slowly": {"http", func(conn net.Conn) {
			read(conn)
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
			drip(conn, "X: x\r\n", time.Second)
		}, false},
		"102 for ever": {"http", func(conn net.Conn) { read(conn); drip(conn, "HTTP/1.1 102 Processing\r\n\r\n", time.Second) }, false},
		"100 for ever": {"http", func(conn net.Conn) { read(conn); drip(conn, "HTTP/1.1 100 Continue\r\n\r\n", 4*time.Second) }, false},
		"a refusal without its end": {"http", func(conn net.Conn) {
			read(conn)
			_, _ = io.WriteString(conn, "HTTP/1.1 503 x\r\n\r\n")
			drip(conn, "x", time.Second)
		}, false},
		"no SUBSCRIBED": {"http", func(conn net.Conn) { read(conn); _, _ = io.WriteString(conn, head) }, true},
		"heartbeats": {"http", func(conn net.Conn) {
			read(conn)
			_, _ = io.WriteString(conn, head)
			drip(conn, "4\r\n2\n\x08\x08\r\n", time.Second)
		}, true},
		"a long event, slowly": {"http", func(conn net.Conn) {
			read(conn)
			_, _ = io.WriteString(conn, head+"5\r\n9999\n\r\n")
			drip(conn, "1\r\nx\r\n", time.Second)
		}, true},
		"a chunk's length, slowly": {"http", func(conn net.Conn) { read(conn); _, _ = io.WriteString(conn, head); drip(conn, "0", time.Second) }, true},
	} {
		t.Run(why, func(t *testing.T) {
			config := scheduler.Config{Master: c.scheme + "://" + silent + ",m0.example:5050"}
			withIdleScheduler(t, threeMasters(), mesostest.Config{}, config, func(ctx context.Context, h *harness) {
				h.accept(silent, c.says)
				h.lead(ctx, scheduler.Term{})
				h.at(15*time.Second - 1)
				events, _ := h.connections()
				require.Empty(h, events)
				h.at(16 * time.Second)
				events, times := h.connections()
				require.NotEmpty(h, events)
				if c.err {
					require.ErrorContains(h, events[0].Err, "http://"+silent)
					require.Equal(h, 15*time.Second, times[0])
					events = events[1:]
					require.NotEmpty(h, events)
				} else {
					require.Equal(h, 15*time.Second, times[0])
				}
				require.True(h, events[0].Connected)
				status, err := h.sched.Status(ctx)
				require.NoError(h, err)
				require.Equal(h, "http://m0.example:5050", status.Master)
				h.stop()
				require.ErrorIs(h, h.end(), context.Canceled)
			})
		})
	}
}

// A network that swallows the dial, and a silent master that another redirects to, are left as well: a
// whole list is gone through with 15 s each.
func TestSilentMasters(t *testing.T) {
	config := scheduler.Config{Master: "far.example:5050,s1.example:5050,m1.example:5050,m0.example:5050"}
	withIdleScheduler(t, []string{"m0.example:5050"}, mesostest.Config{}, config, func(ctx context.Context, h *harness) {
		h.dialing = func(ctx context.Context, address string) error {
			if strings.HasPrefix(address, "far.") {
				<-ctx.Done()
				return errors.New("swallowed")
			}
			return nil
		}
		h.accept("s1.example:5050", func(net.Conn) {})
		h.accept("s2.example:5050", func(net.Conn) {})
		h.serve(h.listen("m1.example:5050"), redirectTo("//s2.example:5050/master/api/v1/scheduler"))
		h.lead(ctx, scheduler.Term{})
		h.at(45*time.Second - 1)
		events, _ := h.connections()
		require.Empty(h, events)
		h.at(45 * time.Second)
		events, times := h.connections()
		require.Len(h, events, 1)
		require.True(h, events[0].Connected)
		require.Equal(h, 45*time.Second, times[0])
	})
}

// The first master of a list accepts SUBSCRIBE, and its stream is of no use: the next attempt is with the next master.
func TestStreamThatBreaksBeforeSubscribed(t *testing.T) {
	for why, body := range map[string]string{
		"the end":          "0\r\n\r\n",
		"a broken chunk":   "x",
		"no frame":         "5\r\nhello\r\n",
		"no event":         "5\r\n3\n???\r\n",
		"no ID":            "a\r\n8\n\x08\x01\x12\x04\x0a\x02\x0a\x00\r\n",
		"another ID":       "c\r\n10\n\x08\x01\x12\x06\x0a\x04\x0a\x02/x\r\n",
		"a long frame":     "b\r\n9999999999\n\r\n",
		"a length, slowly": "1\r\n1\r\n",
	} {
		t.Run(why, func(t *testing.T) {
			config := scheduler.Config{Master: "bad.example:5050,m0.example:5050"}
			withIdleScheduler(t, threeMasters(), mesostest.Config{}, config, func(ctx context.Context, h *harness) {
				h.accept("bad.example:5050", func(conn net.Conn) {
					_, _ = conn.Read(make([]byte, 64<<10))
					_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nMesos-Stream-Id: 1\r\nTransfer-Encoding: chunked\r\n\r\n")
					drip(conn, body, time.Second)
				})
				h.lead(ctx, scheduler.Term{})
				h.at(16 * time.Second)
				events, _ := h.connections()
				require.Len(h, events, 2)
				require.ErrorContains(h, events[0].Err, "http://bad.example:5050")
				require.True(h, events[1].Connected)
				h.stop()
				require.ErrorIs(h, h.end(), context.Canceled)
			})
		})
	}
}

// One master of a list, or a gateway in its place, wants to be left alone for a quarter of an hour. The leader comes back
// after 10 s.
func TestRetryAfterOfOneMaster(t *testing.T) {
	busy := func(seconds string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", seconds)
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}
	for _, list := range []string{"m0.example:5050,busy.example:5050", "busy.example:5050,m0.example:5050"} {
		config := scheduler.Config{Master: list}
		withIdleScheduler(t, threeMasters()[:1], mesostest.Config{}, config, func(ctx context.Context, h *harness) {
			h.serve(h.listen("busy.example:5050"), busy("900"))
			began := time.Now()
			h.dialing = func(_ context.Context, address string) error {
				if strings.HasPrefix(address, "m0.") && time.Since(began) < 10*time.Second {
					return &net.OpError{Op: "dial", Err: errors.New("refused")}
				}
				return nil
			}
			h.lead(ctx, scheduler.Term{})
			h.at(25 * time.Second)
			events, _ := h.connections()
			require.True(h, events[len(events)-1].Connected, list)
		})
	}
	config := scheduler.Config{Master: "busy.example:5050,busier.example:5050"} // all want to be left alone
	withIdleScheduler(t, threeMasters()[:1], mesostest.Config{}, config, func(ctx context.Context, h *harness) {
		h.serve(h.listen("busy.example:5050"), busy("100"))
		h.serve(h.listen("busier.example:5050"), busy("900"))
		h.lead(ctx, scheduler.Term{})
		h.at(time.Second)
		events, _ := h.connections()
		require.Len(h, events, 1)
		require.Equal(h, 100*time.Second, time.Until(events[0].NextAttempt).Round(time.Second)+time.Second)
	})
}
