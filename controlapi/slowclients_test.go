package controlapi_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
)

// Whoever sends the head, or the body, of a request byte by byte loses the connection.
func TestSlowRequests(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		const head = "POST /v1/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n"
		for name, row := range map[string]struct{ at, drips string }{
			"nothing":             {"", ""},
			"the head":            {"GET /v1/status HTTP/1.1\r\n", "X: x\r\n"},
			"no end of line":      {"GET /v1/", "x"},
			"the body":            {head + "\r\n", " "},
			"nothing of the body": {head + "\r\n", ""},
		} {
			conn, err := w.network.DialContext(t.Context(), "tcp", address)
			require.NoError(t, err)
			began := time.Now()
			_, err = io.WriteString(conn, row.at)
			require.NoError(t, err)
			stop := make(chan struct{})
			var dripping sync.WaitGroup
			dripping.Go(func() {
				for row.drips != "" {
					select {
					case <-stop:
						return
					case <-time.After(time.Second):
						_, _ = io.WriteString(conn, row.drips)
					}
				}
			})
			_, _ = io.ReadAll(conn)
			require.LessOrEqual(t, time.Since(began), 11*time.Second, name)
			close(stop)
			dripping.Wait()
			require.NoError(t, conn.Close())
		}
		sleep(time.Minute)
	})
}

// pipes is a listener whose connections have no buffers: a write waits until the other side reads.
type pipes struct {
	conns chan net.Conn
	ended chan struct{}
	once  sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), ended: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.ended:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error { p.once.Do(func() { close(p.ended) }); return nil }

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "unix"} }

func (p *pipes) dial() net.Conn {
	near, far := net.Pipe()
	p.conns <- far
	return near
}

// A reader of events stops reading. It costs the server nothing but its place, and loses that after 30 s.
func TestReaderThatStopsReading(t *testing.T) {
	inWorld(t, func(c *controlapi.Config) { c.Insecure = true }, func(t *testing.T, w *world) {
		listener := newPipes()
		ctx, stop := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() { served <- w.server.Serve(ctx, listener) }()
		defer func() {
			stop()
			<-served
		}()
		conn := listener.dial()
		_, err := io.WriteString(conn, "GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
		require.NoError(t, err)
		began := time.Now()
		sleep(29 * time.Second)
		_, err = conn.Read(make([]byte, 1))
		require.NoError(t, err, "it is still there")
		sleep(2 * time.Minute)
		_, err = io.ReadAll(conn)
		require.NoError(t, err)
		require.Less(t, time.Since(began), 3*time.Minute)
	})
}

// A reader that is more than 4,096 events behind is told so, and its stream ends.
func TestReaderThatIsTooSlow(t *testing.T) {
	inWorld(t, func(c *controlapi.Config) { c.Insecure = true }, func(t *testing.T, w *world) {
		listener := newPipes()
		ctx, stop := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() { served <- w.server.Serve(ctx, listener) }()
		defer func() {
			stop()
			<-served
		}()
		conn := listener.dial()
		_, err := io.WriteString(conn, "GET /v1/events?view=summary HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		require.NoError(t, err)
		for beginning := ""; !strings.Contains(beginning, `"last":true`); { // the end of the snapshot
			part := make([]byte, 1000)
			n, err := conn.Read(part)
			require.NoError(t, err)
			beginning += string(part[:n])
		}
		for i := range 5000 {
			require.NoError(t, w.scheduler.Submit(t.Context(), spec("t"+encode(t, i))))
		}
		rest, err := io.ReadAll(conn)
		require.NoError(t, err)
		require.Contains(t, string(rest), "event: lag\ndata: {\"missed\":")
		require.True(t, strings.HasSuffix(string(rest), "}\n\n\r\n0\r\n\r\n"), "and then it ends")
	})
}

// sink is an answer to somebody who watches.
type sink struct {
	header http.Header
	status atomic.Int32
}

func (s *sink) Header() http.Header { return s.header }

func (s *sink) Write(p []byte) (int, error) { s.status.CompareAndSwap(0, 200); return len(p), nil }

func (s *sink) WriteHeader(status int) { s.status.CompareAndSwap(0, int32(status)) }

func (s *sink) FlushError() error { return nil }

func TestTenThousandWatchers(t *testing.T) {
	inWorld(t, func(c *controlapi.Config) { c.Insecure = true }, func(t *testing.T, w *world) {
		const watchers = 10_000
		for i := range 100 {
			require.NoError(t, w.scheduler.Submit(t.Context(), spec("t"+encode(t, i))))
		}
		sleep(time.Minute)
		before := heap()
		ctx, stop := context.WithCancel(t.Context())
		var all sync.WaitGroup
		sinks := make([]*sink, watchers)
		for i := range watchers {
			sinks[i] = &sink{header: http.Header{}}
			r := httptest.NewRequestWithContext(ctx, "GET", "/v1/events?view=summary", nil)
			all.Go(func() { w.server.ServeHTTP(sinks[i], r) })
		}
		sleep(time.Second)
		require.Less(t, heap()-before, int64(64<<20), "bytes")
		served, refused := 0, 0
		for _, s := range sinks {
			switch s.status.Load() {
			case 200:
				served++
			case 503:
				refused++
				require.Equal(t, "1", s.header.Get("Retry-After"))
			}
		}
		require.Equal(t, []int{1000, watchers - 1000}, []int{served, refused})
		a := w.request("GET", "/v1/tasks", "")
		require.Equal(t, 200, a.status, "what does not wait is still answered")
		stop()
		all.Wait()
		require.Equal(t, 201, w.request("POST", "/v1/tasks", encode(t, spec("more"))).status)
	})
}

// heap returns how many bytes are in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}
