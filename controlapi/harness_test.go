package controlapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// address is where the server of a test listens.
const address = "127.0.0.1:8080"

// world is a cluster, a scheduler that runs, and a server in front of it, in a bubble.
type world struct {
	t         *testing.T
	cluster   *mesosfake.Cluster
	scheduler *scheduler.Scheduler
	server    *controlapi.Server
	network   *virtualnet.Network
	client    *http.Client
	stop      context.CancelFunc // ends Serve
	endRun    context.CancelFunc // ends the scheduler's Run
	served    chan error         // what Serve returned
	readers   []*reader
}

// inWorld runs a test in a bubble, with a server as configure leaves its config.
func inWorld(t *testing.T, configure func(*controlapi.Config), test func(*testing.T, *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, cluster: mesosfake.Start(t, mesosfake.Config{}), network: &virtualnet.Network{}, served: make(chan error, 1)}
		ctx, cancel := context.WithCancel(t.Context())
		var err error
		w.scheduler, err = scheduler.New(scheduler.Config{
			Master: w.cluster.Master(), DialContext: w.cluster.DialContext,
			Framework: scheduler.Framework{Name: "shop"}, Logger: slog.New(slog.DiscardHandler),
		})
		require.NoError(t, err)
		w.endRun = cancel
		run := make(chan error, 1)
		go func() { run <- w.scheduler.Run(ctx) }()

		w.serve(configure)
		defer func() {
			for _, r := range w.readers {
				r.stop()
				<-r.ended
			}
			w.client.CloseIdleConnections()
			w.stop()
			for range w.served { // until it has returned
			}
			cancel()
			<-run
		}()
		test(t, w)
	})
}

func (w *world) serve(configure func(*controlapi.Config)) {
	config := controlapi.Config{Framework: w.scheduler, Name: "shop"}
	if configure != nil {
		configure(&config)
	}
	var err error
	w.server, err = controlapi.New(config)
	require.NoError(w.t, err)
	listener, err := w.network.Listen(address)
	require.NoError(w.t, err)
	ctx, stop := context.WithCancel(w.t.Context())
	w.stop = stop
	go func() {
		defer close(w.served)
		w.served <- w.server.Serve(ctx, listener)
	}()
	w.client = &http.Client{Transport: &http.Transport{DialContext: w.network.DialContext}}
}

// answer is what the server has answered.
type answer struct {
	status int
	header http.Header
	body   string
}

// request makes a request with these headers, "Name: value".
func (w *world) request(method, path, body string, headers ...string) answer {
	r, err := http.NewRequestWithContext(w.t.Context(), method, "http://"+address+path, strings.NewReader(body))
	require.NoError(w.t, err)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
		if name == "Host" {
			r.Host = value
		}
	}
	return w.do(r)
}

func (w *world) do(r *http.Request) answer {
	response, err := w.client.Do(r)
	require.NoError(w.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(w.t, err)
	return answer{response.StatusCode, response.Header, string(body)}
}

// decoded decodes an answer with the status, all of which must be understood.
func decoded[T any](t testing.TB, a answer, status int) T {
	require.Equal(t, status, a.status, a.body)
	var v T
	d := json.NewDecoder(bytes.NewReader([]byte(a.body)))
	require.NoError(t, d.Decode(&v), a.body)
	return v
}

// problem returns the error of an answer.
func problem(t testing.TB, a answer, status int) controlapi.Error {
	body := decoded[struct {
		Error *controlapi.Error `json:"error"`
	}](t, a, status)
	require.NotNil(t, body.Error, a.body)
	return *body.Error
}

// spec returns a task that sleeps.
func spec(id string) task.Spec {
	return task.Spec{ID: id, CPUs: 0.1, Mem: 32, Command: task.Command{Shell: "sleep 3600"}}
}

func encode(t testing.TB, v any) string {
	encoded, err := json.Marshal(v)
	require.NoError(t, err)
	return string(encoded)
}

// sleep lets time pass, and everything happen that is due then.
func sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
