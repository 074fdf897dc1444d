package invoker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
)

// fakeEngine runs containers in memory, on a virtual network. Each serves /init and /run; what a /run does is in its parameters, see
// fakeCall. It outlives the invokers of a test, as a platform does, and checks what it is sent.
type fakeEngine struct {
	network    virtualnet.Network
	startTime  time.Duration                                // of Create
	initTime   time.Duration                                // of /init
	initStatus int                                          // of /init; 0: 200
	endTime    time.Duration                                // of Destroy
	single     bool                                         // no container may run two activations at once
	creating   func(ctx context.Context, id string) error   // before a start; nil: nothing
	destroys   func(ctx context.Context, id string) error   // before a removal
	listing    func(ctx context.Context) error              // before a listing
	listed     func()                                       // when a listing was taken, and not returned
	serving    func(id string, l net.Listener) net.Listener // wraps what a container listens with

	mu         sync.Mutex
	running    map[string]*fakeContainer
	watchers   map[chan Change]struct{}
	started    int
	calls      []string          // "create ID", "destroy ID", "init ID action", "run ID activation"
	sent       map[string]int    // activation → how many times /run came
	initFor    map[string]string // container → the action of its /init
	violations []string
	avoided    []string // what the last start had to avoid
}

type fakeContainer struct {
	engine   *fakeEngine
	instance Instance
	host     *virtualnet.Host
	server   *http.Server
	served   chan struct{}
	ending   chan struct{}
	active   int // activations that it runs
}

func newFakeEngine() *fakeEngine {
	return &fakeEngine{
		startTime: 200 * time.Millisecond,
		running:   map[string]*fakeContainer{}, watchers: map[chan Change]struct{}{}, sent: map[string]int{}, initFor: map[string]string{},
	}
}

func (e *fakeEngine) note(format string, args ...any) {
	e.calls = append(e.calls, fmt.Sprintf(format, args...))
}

func (e *fakeEngine) Create(ctx context.Context, id string, spec Spec) (Instance, error) {
	e.mu.Lock()
	e.note("create %s", id)
	hook := e.creating
	e.mu.Unlock()
	if hook != nil {
		if err := hook(ctx, id); err != nil {
			return Instance{}, err
		}
	}
	select {
	case <-time.After(e.startTime):
	case <-ctx.Done():
		return Instance{}, context.Cause(ctx)
	}
	return e.launch(id, spec)
}

func (e *fakeEngine) launch(id string, spec Spec) (Instance, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.running[id] != nil {
		e.violations = append(e.violations, "created twice: "+id)
	}
	e.started++
	e.avoided = spec.Avoid
	c := &fakeContainer{engine: e, served: make(chan struct{}), ending: make(chan struct{})}
	ip := fmt.Sprintf("10.0.%d.%d", e.started/250, e.started%250+1)
	c.host = e.network.Host(ip)
	listener, err := c.host.Listen(ip + ":8080")
	if err != nil {
		return Instance{}, err
	}
	if e.serving != nil {
		listener = e.serving(id, listener)
	}
	c.instance = Instance{
		ID: id, Incarnation: fmt.Sprint(e.started), Agent: fmt.Sprintf("agent-%d", e.started%3), Address: ip + ":8080",
		Labels: maps.Clone(spec.Labels), Started: time.Now(),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /init", c.serveInit)
	mux.HandleFunc("POST /run", c.serveRun)
	c.server = &http.Server{Handler: mux}
	e.running[id] = c
	go func() {
		defer close(c.served)
		_ = c.server.Serve(listener)
	}()
	return c.instance, nil
}

func (c *fakeContainer) serveInit(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Value struct{ Env map[string]string }
	}
	_ = json.NewDecoder(r.Body).Decode(&body)
	e, action := c.engine, body.Value.Env["__OW_ACTION_NAME"]
	e.mu.Lock()
	e.note("init %s %s", c.instance.ID, action)
	if e.initFor[c.instance.ID] != "" {
		e.violations = append(e.violations, "initialised twice: "+c.instance.ID)
	}
	e.initFor[c.instance.ID] = action
	e.mu.Unlock()
	select {
	case <-time.After(e.initTime):
	case <-c.ending:
		return
	}
	if e.initStatus != 0 {
		w.WriteHeader(e.initStatus)
	}
}

// failStarts has the next starts fail.
func (e *fakeEngine) failStarts(n int, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.creating = func(context.Context, string) error {
		e.mu.Lock()
		defer e.mu.Unlock()
		if n--; n >= 0 {
			return err
		}
		return nil
	}
}

// silent has the next containers accept connections and never answer.
func (e *fakeEngine) silent(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.serving = func(_ string, l net.Listener) net.Listener {
		if n--; n >= 0 {
			return silentListener{l}
		}
		return l
	}
}

type silentListener struct{ net.Listener }

func (l silentListener) Accept() (net.Conn, error) {
	for {
		if c, err := l.Listener.Accept(); err != nil {
			return c, err
		}
	}
}

// fakeCall is what the parameters of an activation have the action do.
type fakeCall struct {
	Sleep time.Duration `json:"sleep,omitempty"`
	End   string        `json:"end,omitempty"` // "exit", "memory", "platform", or the text of an error
}

func (c *fakeContainer) serveRun(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Value                      fakeCall
		Action_name, Activation_id string //nolint:revive // as the protocol has them
	}
	e := c.engine
	if json.NewDecoder(r.Body).Decode(&body) != nil {
		return // it is cut
	}
	e.mu.Lock()
	e.note("run %s %s", c.instance.ID, body.Activation_id)
	e.sent[body.Activation_id]++
	if e.sent[body.Activation_id] > 1 {
		e.violations = append(e.violations, "sent twice: "+body.Activation_id)
	}
	if e.initFor[c.instance.ID] != body.Action_name {
		e.violations = append(e.violations, fmt.Sprintf("%s got %s, and was initialised for %s", c.instance.ID, body.Action_name, e.initFor[c.instance.ID]))
	}
	if c.active++; e.single && c.active > 1 {
		e.violations = append(e.violations, "two at once: "+c.instance.ID)
	}
	e.mu.Unlock()
	select {
	case <-time.After(body.Value.Sleep):
	case <-c.ending:
		return
	}
	e.mu.Lock()
	c.active--
	e.mu.Unlock()
	switch end := body.Value.End; end {
	case "":
		_, _ = io.WriteString(w, `{"ok":true}`)
	case "exit":
		e.end(c.instance.ID, nil, "exited")
	case "memory":
		e.end(c.instance.ID, ErrMemory, "killed")
	case "platform":
		e.end(c.instance.ID, ErrUnavailable, "drained")
	case "bad":
		w.WriteHeader(http.StatusBadGateway)
		_, _ = io.WriteString(w, `{"error":"bad"}`)
	default:
		_, _ = fmt.Fprintf(w, `{"error":%q}`, end)
	}
}

// end ends a container, and says so, with an error of its engine.
func (e *fakeEngine) end(id string, err error, reason string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.kill(id) {
		e.tell(Change{ID: id, State: Gone, Err: err, Reason: reason})
	}
}

// gone says that a container has gone.
func (e *fakeEngine) gone(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tell(Change{ID: id, State: Gone, Err: ErrUnavailable, Reason: "destroyed"})
}

// kill ends a container silently. The mutex is held.
func (e *fakeEngine) kill(id string) bool {
	c := e.running[id]
	if c == nil {
		return false
	}
	delete(e.running, id)
	close(c.ending)
	c.host.Kill()
	go func() { _ = c.server.Close() }()
	return true
}

func (e *fakeEngine) tell(c Change) {
	for w := range e.watchers {
		w <- c
	}
}

func (e *fakeEngine) Destroy(ctx context.Context, id string) error {
	e.mu.Lock()
	e.note("destroy %s", id)
	hook := e.destroys
	e.mu.Unlock()
	if hook != nil {
		if err := hook(ctx, id); err != nil {
			return err
		}
	}
	select {
	case <-time.After(e.endTime):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.kill(id)
	return nil
}

func (e *fakeEngine) Instances(ctx context.Context) (all []Instance, err error) {
	e.mu.Lock()
	hook := e.listing
	e.mu.Unlock()
	if hook != nil {
		if err := hook(ctx); err != nil {
			return nil, err
		}
	}
	e.mu.Lock()
	for _, id := range slices.Sorted(maps.Keys(e.running)) {
		all = append(all, e.running[id].instance)
	}
	after := e.listed
	e.mu.Unlock()
	if after != nil {
		after()
	}
	return all, nil
}

func (e *fakeEngine) Watch(ctx context.Context) iter.Seq[Change] {
	changes := make(chan Change, 1000)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.watchers[changes] = struct{}{}
	return func(yield func(Change) bool) {
		defer func() {
			e.mu.Lock()
			defer e.mu.Unlock()
			delete(e.watchers, changes)
		}()
		for {
			select {
			case c := <-changes:
				if !yield(c) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

// closeAll ends all containers, at the end of a test.
func (e *fakeEngine) closeAll() {
	e.mu.Lock()
	var all []*fakeContainer
	for id, c := range e.running {
		all = append(all, c)
		e.kill(id)
	}
	e.mu.Unlock()
	for _, c := range all {
		<-c.served
	}
}

// count returns how many calls of a kind there were.
func (e *fakeEngine) count(kind string) (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range e.calls {
		if len(c) > len(kind) && c[:len(kind)] == kind && c[len(kind)] == ' ' {
			n++
		}
	}
	return n
}

// ids returns which containers run.
func (e *fakeEngine) ids() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Sorted(maps.Keys(e.running))
}

func (e *fakeEngine) faults() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.violations)
}

// fakeStore is a store in memory whose writes can be held up.
type fakeStore struct {
	mu      sync.Mutex
	records map[string][]byte
	writes  int
	forgets string                                                     // keys that begin so are not written
	hook    func(ctx context.Context, changes map[string][]byte) error // before each write
}

func (s *fakeStore) Load(context.Context) (map[string][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.records), nil
}

func (s *fakeStore) Apply(ctx context.Context, changes map[string][]byte) error {
	s.mu.Lock()
	hook := s.hook
	s.mu.Unlock()
	if hook != nil {
		if err := hook(ctx, changes); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	if s.records == nil {
		s.records = map[string][]byte{}
	}
	for k, v := range changes {
		if v == nil {
			delete(s.records, k)
		} else if s.forgets == "" || !strings.HasPrefix(k, s.forgets) {
			s.records[k] = v
		}
	}
	return nil
}

func (s *fakeStore) setHook(f func(ctx context.Context, changes map[string][]byte) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = f
}

// count returns how many writes there were.
func (s *fakeStore) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

func (s *fakeStore) keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return sortedKeys(s.records)
}

var errTest = errors.New("made to fail")

// sample returns an action, and activation what has it do something.
func sample(name string) *Action {
	return &Action{Namespace: "guest", Name: "/guest/" + name, Kind: "test:1", Code: "code"}
}

func activation(c fakeCall) Activation {
	params, _ := json.Marshal(c)
	return Activation{Params: params}
}

// world is an engine with an invoker that runs, in a bubble.
type world struct {
	t       *testing.T
	engine  *fakeEngine
	store   *fakeStore // nil: memory
	config  Config
	invoker *Invoker
	stop    context.CancelCauseFunc
	done    chan error
	members []*member // dispatchers
	control bool      // the checks of the engine must fail
}

// callsOf returns what was done with a container.
func (e *fakeEngine) callsOf(id string) (calls []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range e.calls {
		if strings.Contains(c+" ", " "+id+" ") {
			calls = append(calls, c)
		}
	}
	return calls
}
