package controlapi_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// onPipes serves on connections without buffers, until the function that it returns is called.
func (w *world) onPipes(server *controlapi.Server) (*pipes, func()) {
	listener := newPipes()
	ctx, stop := context.WithCancel(w.t.Context())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, listener) }()
	return listener, func() {
		stop()
		<-served
	}
}

// Who has no token does not keep a connection by being slow, whatever is asked for, nor the places of those who have one.
func TestSlowStrangers(t *testing.T) {
	inWorld(t, func(c *controlapi.Config) { c.Tokens = []string{token} }, func(t *testing.T, w *world) {
		const body = " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
		listener, stop := w.onPipes(w.server)
		defer stop()
		for _, request := range []string{"POST /v1/tasks", "GET /healthz", "GET /readyz", "GET /v1/openapi.json", "GET /", "POST /assets/app.js", "POST /nothing", "OPTIONS /v1/tasks"} {
			conn := listener.dial()
			_, err := io.WriteString(conn, request+body)
			require.NoError(t, err)
			began := time.Now()
			_, _ = io.Copy(io.Discard, conn)
			require.LessOrEqual(t, time.Since(began), 11*time.Second, "a body that does not come: %s", request)
		}
		for _, request := range []string{"GET /", "GET /assets/style.css", "GET /v1/openapi.json", "GET /healthz", "GET /v1/tasks", "OPTIONS /v1/tasks"} {
			conn := listener.dial()
			_, err := io.WriteString(conn, request+" HTTP/1.1\r\nHost: x\r\n\r\n")
			require.NoError(t, err)
			sleep(31 * time.Second)
			answer, err := io.ReadAll(conn)
			require.NoError(t, err)
			require.Empty(t, string(answer), "an answer that is not read: %s", request)
		}
		var conns []net.Conn
		for range 300 {
			conn := listener.dial()
			_, err := io.WriteString(conn, "GET /healthz"+body)
			require.NoError(t, err)
			conns = append(conns, conn)
		}
		synctest.Wait()
		require.Equal(t, 200, w.request("GET", "/v1/tasks", "", "Authorization: Bearer "+token).status)
		require.Equal(t, 200, w.request("GET", "/healthz", "").status)
		for _, conn := range conns {
			require.NoError(t, conn.Close())
		}
	})
}

// Those who watch take no place of those who change something, nor of Prometheus.
func TestWatchersLeaveRoomForOthers(t *testing.T) {
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "x 1") })
	inWorld(t, func(c *controlapi.Config) { c.Insecure, c.Metrics = true, metrics }, func(t *testing.T, w *world) {
		ctx, stop := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for range 1100 {
			r := httptest.NewRequestWithContext(ctx, "GET", "/v1/events?view=summary", nil)
			all.Go(func() { w.server.ServeHTTP(&sink{header: http.Header{}}, r) })
		}
		sleep(time.Second)
		require.Equal(t, 503, w.request("GET", "/v1/tasks/web/logs", "").status, "a control: no more can watch")
		require.Equal(t, 201, w.request("POST", "/v1/tasks?wait=running", encode(t, spec("web"))).status)
		require.Equal(t, 200, w.request("POST", "/v1/tasks/web/kill", "").status)
		require.Equal(t, 200, w.request("GET", "/metrics", "").status)
		stop()
		all.Wait()
	})
}

// stalling is a connection whose side reads nothing while it is stalled.
type stalling struct {
	net.Conn
	stalled chan struct{} // closed when it goes on
	on      atomic.Bool
}

func (s *stalling) Read(p []byte) (int, error) {
	if s.on.Load() {
		<-s.stalled
	}
	return s.Conn.Read(p)
}

// overHTTP2 returns a client of a server that speaks HTTP/2, and its connection.
func (w *world) overHTTP2() (*http.Client, *stalling, func()) {
	mine, pool := selfSigned(w.t)
	server, err := controlapi.New(controlapi.Config{Framework: w.scheduler, Insecure: true, TLS: &tls.Config{Certificates: []tls.Certificate{mine}}})
	require.NoError(w.t, err)
	listener, stop := w.onPipes(server)
	conn := &stalling{stalled: make(chan struct{})}
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			conn.Conn = listener.dial()
			return conn, nil
		},
	}
	return &http.Client{Transport: transport}, conn, func() {
		transport.CloseIdleConnections()
		stop()
	}
}

// The output of a task that says nothing for a while goes on, also over HTTP/2.
func TestQuietOutputOverHTTP2(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		require.Equal(t, 201, w.request("POST", "/v1/tasks?wait=running", encode(t, spec("web"))).status)
		require.NoError(t, w.cluster.WriteOutput("web", "stdout", []byte("one\n")))
		client, _, stop := w.overHTTP2()
		defer stop()
		r, err := http.NewRequestWithContext(t.Context(), "GET", "https://127.0.0.1/v1/tasks/web/logs?follow=true", nil)
		require.NoError(t, err)
		response, err := client.Do(r)
		require.NoError(t, err)
		defer response.Body.Close()
		require.Equal(t, 2, response.ProtoMajor)
		part := make([]byte, 1000)
		_, err = response.Body.Read(part)
		require.NoError(t, err)
		sleep(5 * time.Minute)
		require.NoError(t, w.cluster.WriteOutput("web", "stdout", []byte("two\n")))
		n, err := response.Body.Read(part)
		require.NoError(t, err)
		require.Contains(t, string(part[:n]), `"offset":4`)
	})
}

// A client of HTTP/2 that reads nothing loses its connection: the deadline of an answer alone would wait until it is told of it.
func TestConnectionThatIsNotReadOverHTTP2(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		client, conn, stop := w.overHTTP2()
		r, err := http.NewRequestWithContext(t.Context(), "GET", "https://127.0.0.1/healthz", nil)
		require.NoError(t, err)
		response, err := client.Do(r)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		conn.on.Store(true)
		asked := make(chan error, 1)
		go func() {
			r, _ := http.NewRequestWithContext(t.Context(), "GET", "https://127.0.0.1/assets/style.css", nil)
			response, err := client.Do(r)
			if err == nil {
				_, err = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
			}
			asked <- err
		}()
		sleep(2 * time.Minute)
		_, err = conn.Write(make([]byte, 1000))
		require.Error(t, err, "the server has closed it")
		close(conn.stalled)
		require.Error(t, <-asked)
		stop()
	})
}

// Tasks with large specs come in many small parts: a slow reader of a snapshot has little in memory, and members and clients that
// read it take no larger ones than 64 MiB.
func TestSnapshotOfLargeTasks(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		large := spec("large")
		large.Command.Env = map[string]string{"X": strings.Repeat("x", 60<<10)}
		for i := range 20 {
			large.ID = fmt.Sprint("t", i)
			require.NoError(t, w.scheduler.Submit(t.Context(), large))
		}
		parts := named(w.events("?view=full").take(), "snapshot")
		n := 0
		for i, f := range parts {
			require.Less(t, len(f.data), 256<<10)
			part := parsed[controlapi.Snapshot[task.Info]](t, f)
			require.Equal(t, i == 0, part.First)
			require.Equal(t, i == len(parts)-1, part.Last)
			n += len(part.Tasks)
		}
		require.Equal(t, 20, n)
	})
}

// Pages of other sites can tell neither what there is, nor take places: their browsers say where a request comes from. Answers
// are no part of other pages in those that do not.
func TestPartsOfOtherSites(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		for _, path := range []string{"/v1/tasks", "/v1/tasks/web", "/v1/events", "/healthz", "/nothing"} {
			for _, site := range []string{"cross-site", "same-site"} {
				for _, mode := range []string{"no-cors", "cors", "websocket"} {
					require.Equal(t, 403, w.request("GET", path, "", "Sec-Fetch-Site: "+site, "Sec-Fetch-Mode: "+mode).status, path)
				}
			}
		}
		for _, path := range []string{"/", "/v1/tasks", "/assets/app.js"} {
			a := w.request("GET", path, "", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate")
			require.Equal(t, 200, a.status, "a link to %s", path)
			require.Equal(t, "same-origin", a.header.Get("Cross-Origin-Resource-Policy"), path)
			require.Contains(t, a.header.Get("Content-Security-Policy"), "default-src 'none'", path)
			require.Contains(t, a.header.Get("Content-Security-Policy"), "frame-ancestors 'none'", path)
			require.Equal(t, 200, w.request("GET", path, "", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors").status, path)
		}
	})
}

// What comes through a Unix socket is from the same machine, whatever its address is.
func TestUnixSocket(t *testing.T) {
	cluster := mesosfake.Start(t, mesosfake.Config{})
	framework, err := scheduler.New(scheduler.Config{Master: cluster.Master(), DialContext: cluster.DialContext, Framework: scheduler.Framework{Name: "x"}})
	require.NoError(t, err)
	server, err := controlapi.New(controlapi.Config{Framework: framework})
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", path)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, listener) }()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}
	for host, status := range map[string]int{"localhost": 200, "evil.example": 403} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+host+"/healthz", nil)
		require.NoError(t, err)
		response, err := transport.RoundTrip(r)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, status, response.StatusCode, host)
	}
	transport.CloseIdleConnections()
	stop()
	<-served
}

// A request for the head of an output, which would have no end, is answered at once.
func TestHeadOfAnOutput(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		require.Equal(t, 201, w.request("POST", "/v1/tasks?wait=running", encode(t, spec("web"))).status)
		began := time.Now()
		require.Equal(t, 200, w.request("HEAD", "/v1/tasks/web/logs?follow=true", "").status)
		w.client.CloseIdleConnections()
		require.Equal(t, 200, w.request("GET", "/healthz", "").status)
		require.Zero(t, time.Since(began))
	})
}

// The message of an event says why the task has changed, here as beside the scheduler.
func TestMessageOfAnEvent(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		r := w.events("?view=full")
		require.Equal(t, 201, w.request("POST", "/v1/tasks?wait=running", encode(t, spec("web"))).status)
		require.NoError(t, w.cluster.EndTask("web", 3))
		var last scheduler.TaskEvent
		for _, f := range named(r.take(), "task") {
			last = parsed[scheduler.TaskEvent](t, f)
		}
		require.Contains(t, last.Message, "status 3")
	})
}

// Of 10,000 connections that say nothing 4,096 are kept, for 10 s.
func TestTenThousandConnections(t *testing.T) {
	inWorld(t, func(c *controlapi.Config) { c.Insecure = true }, func(t *testing.T, w *world) {
		const most = 10_000
		listener, stop := w.onPipes(w.server)
		defer stop()
		var open atomic.Int32
		var all sync.WaitGroup
		for range most {
			conn := listener.dial()
			open.Add(1)
			all.Go(func() {
				_, _ = conn.Read(make([]byte, 1))
				_ = conn.Close()
				open.Add(-1)
			})
		}
		sleep(time.Second)
		require.EqualValues(t, 4096, open.Load())
		sleep(10 * time.Second)
		require.Zero(t, open.Load())
		all.Wait()
		conn := listener.dial()
		_, err := io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		require.NoError(t, err)
		answer, err := io.ReadAll(conn)
		require.NoError(t, err)
		require.Contains(t, string(answer), "200 OK", "there is room again")
	})
}

// Everybody may ask for the description: it is not made for each of them.
func TestDescriptionIsMadeOnce(t *testing.T) {
	server, err := controlapi.New(controlapi.Config{Framework: &scheduler.Scheduler{}, Insecure: true})
	require.NoError(t, err)
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/v1/openapi.json", nil)
	require.Less(t, testing.AllocsPerRun(10, func() { server.ServeHTTP(httptest.NewRecorder(), r) }), 1000.0)
}
