package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/ha/electiontest"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/invoker/httpapi"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// world has members that take part in an election, each with an invoker and a server, and a host for clients, in a bubble. They
// share an engine.
type world struct {
	t        *testing.T
	network  *virtualnet.Network
	engine   *engine
	election *electiontest.Election
	members  []*member
	host     *virtualnet.Host // of clients
	client   *controlapi.Client
	http     *http.Client

	pool   invoker.PoolConfig
	routes func(*invoker.Invoker) []controlapi.Route
	wrap   func(*engine) invoker.Engine
}

// member is a process.
type member struct {
	n       int
	host    *virtualnet.Host
	invoker *invoker.Invoker
	server  *controlapi.Server
	stop    context.CancelFunc
	ended   sync.WaitGroup
	dead    bool
}

func apiOf(i int) string { return fmt.Sprintf("10.0.0.%d:8080", i+1) }

// inWorld runs a test with three members, one of which leads. setUp may change what they are made of; it may be nil.
func inWorld(t *testing.T, setUp func(*world), test func(t *testing.T, w *world)) {
	synctest.Test(t, func(t *testing.T) {
		network := &virtualnet.Network{}
		w := &world{
			t: t, network: network, engine: newEngine(network), routes: httpapi.Routes, host: network.Host("10.0.1.1"),
			wrap: func(e *engine) invoker.Engine { return e },
		}
		if setUp != nil {
			setUp(w)
		}
		w.election = electiontest.New(electiontest.Config{API: []string{apiOf(0), apiOf(1), apiOf(2)}, Latency: time.Millisecond})
		for i := range 3 {
			w.members = append(w.members, w.start(i))
		}
		w.client = w.clientOf(apiOf(0), apiOf(1), apiOf(2))
		w.http = &http.Client{Transport: &http.Transport{DialContext: w.host.DialContext}}
		defer w.end()
		time.Sleep(time.Second)
		synctest.Wait()
		test(t, w)
	})
}

func (w *world) start(i int) *member {
	m := &member{n: i, host: w.network.Host(fmt.Sprintf("10.0.0.%d", i+1))}
	quiet := slog.New(slog.DiscardHandler)
	elector := w.election.Member(i)
	var err error
	leaves := false // containers outlive a member
	m.invoker, err = invoker.New(invoker.Config{
		Owner: "test", Engine: w.wrap(w.engine), Pool: w.pool, DialContext: m.host.DialContext, Logger: quiet, TeardownOnClose: &leaves,
	})
	require.NoError(w.t, err)
	idle, err := scheduler.New(scheduler.Config{Master: "10.0.2.1:5050", DialContext: m.host.DialContext, Framework: scheduler.Framework{Name: "shop"}, Logger: quiet})
	require.NoError(w.t, err)
	m.server, err = controlapi.New(controlapi.Config{
		Framework: idle, Elector: elector, Insecure: true, DialContext: m.host.DialContext, Routes: w.routes(m.invoker),
	})
	require.NoError(w.t, err)
	listener, err := m.host.Listen(apiOf(i))
	require.NoError(w.t, err)
	ctx, stop := context.WithCancel(context.Background())
	m.stop = stop
	m.ended.Go(func() { _ = m.server.Serve(ctx, listener) })
	m.ended.Go(func() { _ = elector.Run(ctx, m.invoker.Lead) })
	return m
}

func (w *world) end() {
	w.client.Close()
	w.http.CloseIdleConnections()
	for i, m := range w.members {
		w.election.Heal(i)
		m.stop()
		m.ended.Wait()
	}
	w.engine.close()
	w.host.Kill()
	synctest.Wait()
}

// kill ends the process of a member as SIGKILL does.
func (w *world) kill(m *member) {
	w.election.Cut(m.n)
	m.host.Kill()
	m.dead = true
	m.stop()
}

// leader returns the member that leads, when there is one.
func (w *world) leader() *member {
	for {
		for _, m := range w.members {
			if !m.dead && w.election.Member(m.n).Status().Leads() {
				return m
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// follower returns a member that does not lead.
func (w *world) follower() *member {
	leader := w.leader()
	for _, m := range w.members {
		if m != leader && !m.dead {
			return m
		}
	}
	return nil
}

func (w *world) clientOf(addresses ...string) *controlapi.Client {
	c, err := controlapi.NewClient(controlapi.ClientConfig{Addresses: addresses, DialContext: w.host.DialContext})
	require.NoError(w.t, err)
	return c
}

// answer is what a member has answered.
type answer struct {
	status int
	header http.Header
	body   string
}

// request makes a request at a member that does not lead, with these headers, "Name: value".
func (w *world) request(method, path, body string, headers ...string) answer {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, "http://"+apiOf(w.follower().n)+"/v1/invoker/"+path, strings.NewReader(body))
	require.NoError(w.t, err)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return w.do(r, headers...)
}

// do makes a request from the host of the clients.
func (w *world) do(r *http.Request, headers ...string) answer {
	w.t.Helper()
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	response, err := w.http.Do(r)
	require.NoError(w.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(w.t, err)
	return answer{response.StatusCode, response.Header, string(text)}
}

// decoded decodes an answer with the status.
func decoded[T any](t testing.TB, a answer, status int) (v T) {
	t.Helper()
	require.Equal(t, status, a.status, a.body)
	require.NoError(t, json.NewDecoder(bytes.NewReader([]byte(a.body))).Decode(&v), a.body)
	return v
}

// problem returns the error of an answer.
func problem(t testing.TB, a answer, status int) controlapi.Error {
	t.Helper()
	return decoded[struct{ Error controlapi.Error }](t, a, status).Error
}
