package scheduler

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
)

// oddMaster is an HTTP server that answers calls as a test says, and notes when they come.
type oddMaster struct {
	network   virtualnet.Network
	subscribe func(a *exchange)                       // answers a SUBSCRIBE
	call      func(a *exchange, call *scheduler.Call) // answers any other call; nil: 202

	mu    sync.Mutex
	began time.Time
	calls map[scheduler.Call_Type][]time.Duration
	limit func() // is called when there are very many calls
}

// manyCalls is how many calls end a test in which time may stand still.
const manyCalls = 20_000

// exchange is a request and its answer.
type exchange struct {
	http.ResponseWriter
	request *http.Request
	number  int // of the calls of this type before
}

const oddAddress = "master.example:5050"

// serve answers requests until the test ends.
func (m *oddMaster) serve(t *testing.T, ctx context.Context) {
	m.began, m.calls = time.Now(), map[scheduler.Call_Type][]time.Duration{}
	listener, err := m.network.Listen(oddAddress)
	require.NoError(t, err)
	server := &http.Server{Handler: http.HandlerFunc(m.handle)}
	go func() { _ = server.Serve(listener) }()
	context.AfterFunc(ctx, func() { _ = server.Close() })
}

func (m *oddMaster) handle(w http.ResponseWriter, r *http.Request) {
	call := new(scheduler.Call)
	body, _ := io.ReadAll(r.Body)
	if r.URL.Path != "/api/v1/scheduler" || call.Unmarshal(body) != nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	m.mu.Lock()
	a := &exchange{w, r, len(m.calls[call.Type])}
	m.calls[call.Type] = append(m.calls[call.Type], time.Since(m.began))
	total := 0
	for _, times := range m.calls {
		total += len(times)
	}
	m.mu.Unlock()
	switch {
	case total >= manyCalls:
		m.limit()
		a.reset()
	case call.Type == scheduler.Call_SUBSCRIBE:
		m.subscribe(a)
	case m.call != nil:
		m.call(a, call)
	default:
		w.WriteHeader(http.StatusAccepted)
	}
}

// perMinute returns how many calls of these types came in each minute.
func (m *oddMaster) perMinute(minutes int, types ...scheduler.Call_Type) []int {
	m.mu.Lock()
	defer m.mu.Unlock()
	counts := make([]int, minutes)
	for _, t := range types {
		for _, at := range m.calls[t] {
			if minute := int(at / time.Minute); minute < minutes {
				counts[minute]++
			}
		}
	}
	return counts
}

// status answers with a status and a text.
func (a *exchange) status(code int, text string) {
	a.WriteHeader(code)
	_, _ = io.WriteString(a, text)
}

// stream answers with a stream that begins with these events, and ends after them unless it stays.
func (a *exchange) stream(stay bool, events ...*scheduler.Event) {
	var frames []string
	for _, e := range events {
		frame, err := e.Marshal()
		if err != nil {
			panic(err)
		}
		frames = append(frames, string(frame))
	}
	a.frames(stay, frames...)
}

func (a *exchange) frames(stay bool, frames ...string) {
	a.Header().Set("Content-Type", "application/x-protobuf")
	a.Header().Set("Mesos-Stream-Id", fmt.Sprint(a.number))
	a.WriteHeader(http.StatusOK)
	for _, f := range frames {
		fmt.Fprintf(a, "%d\n%s", len(f), f)
	}
	_ = http.NewResponseController(a.ResponseWriter).Flush()
	if stay {
		a.hang()
	}
}

// event adds an event to a stream.
func (a *exchange) event(e *scheduler.Event) {
	frame, err := e.Marshal()
	if err != nil {
		panic(err)
	}
	fmt.Fprintf(a, "%d\n%s", len(frame), frame)
	_ = http.NewResponseController(a.ResponseWriter).Flush()
}

// hang does not answer, or not any more.
func (a *exchange) hang() { <-a.request.Context().Done() }

// reset breaks the connection.
func (a *exchange) reset() {
	conn, _, err := http.NewResponseController(a.ResponseWriter).Hijack()
	if err != nil {
		panic(err)
	}
	conn.(*virtualnet.Conn).Reset()
}

func subscribedEvent(id string) *scheduler.Event {
	return &scheduler.Event{Type: scheduler.Event_SUBSCRIBED, Subscribed: &scheduler.Event_Subscribed{FrameworkID: &mesos.FrameworkID{Value: id}}}
}

func errorEventOf(text string) *scheduler.Event {
	return &scheduler.Event{Type: scheduler.Event_ERROR, Error: &scheduler.Event_Error{Message: text}}
}

// mapStore is a store in memory.
type mapStore map[string][]byte

func (s mapStore) Load(context.Context) (map[string][]byte, error) { return maps.Clone(s), nil }

func (s mapStore) Apply(_ context.Context, changes map[string][]byte) error {
	for key, value := range changes {
		if s[key] = value; value == nil {
			delete(s, key)
		}
	}
	return nil
}

// oddRun is what a run with an oddMaster has shown.
type oddRun struct {
	master *oddMaster
	err    error // of Run
	events []ConnectionEvent
	log    strings.Builder
}

// runWith runs a scheduler with a master for some time, in a bubble, after prepare.
func (m *oddMaster) runWith(t *testing.T, config Config, minutes int, change func(*Scheduler, *settings), during func(context.Context, *Scheduler)) *oddRun {
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(minutes)*time.Minute)
	defer cancel()
	m.limit = cancel
	m.serve(t, t.Context())
	run := &oddRun{master: m}
	config.Master, config.Framework.Name, config.Framework.User = oddAddress, "test", "nobody"
	config.DialContext = m.network.DialContext
	config.Logger = slog.New(slog.NewTextHandler(&run.log, nil))
	s, err := New(config)
	require.NoError(t, err)
	random := rand.New(rand.NewPCG(1, 2))
	idle := <-s.idle
	for _, set := range []*settings{&s.settings, &idle.settings} {
		set.random = random.Float64
		if change != nil {
			change(s, set)
		}
	}
	s.idle <- idle
	watched := make(chan struct{})
	events := s.Watch(t.Context())
	go func() {
		defer close(watched)
		for e := range events {
			if c, ok := e.(ConnectionEvent); ok {
				run.events = append(run.events, c)
			}
		}
	}()
	if during != nil {
		go during(ctx, s)
	}
	run.err = s.Run(ctx)
	<-watched
	return run
}

// failures returns how many connection events say that there is no subscription.
func (r *oddRun) failures() int {
	return len(slices.DeleteFunc(slices.Clone(r.events), func(e ConnectionEvent) bool { return e.Connected }))
}
