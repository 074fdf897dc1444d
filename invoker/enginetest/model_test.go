package enginetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
	"github.com/mesos-actor/mesos-actor-go/invoker"
)

// platform runs processes, and outlives the engines that use it.
type platform struct {
	net *virtualnet.Network

	mu        sync.Mutex
	processes map[string]*process // also those that have ended
	cut       bool
	starts    int
}

// process is a container on the platform.
type process struct {
	in      invoker.Instance
	ended   chan struct{}
	code    int
	server  *http.Server
	streams map[invoker.Stream]*stream

	mu     sync.Mutex
	thawed chan struct{} // not closed while it is frozen
}

// stream is what a process has printed.
type stream struct {
	mu   sync.Mutex
	data bytes.Buffer
}

func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.data.Write(p)
}

func (p *process) runs() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// freeze stops the process where it is, or lets it go on.
func (p *process) freeze(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.thawed:
		if on {
			p.thawed = make(chan struct{})
		}
	default:
		if !on {
			close(p.thawed)
		}
	}
}

// serve serves the program of containers, while it is not frozen.
func (p *process) serve(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		thawed := p.thawed
		p.mu.Unlock()
		select {
		case <-thawed:
			next.ServeHTTP(w, r)
		case <-p.ended:
		}
	})
}

// start starts a process.
func (pl *platform) start(id string, spec invoker.Spec) (*process, error) {
	l, err := pl.net.Listen("10.0.0.1:0")
	if err != nil {
		return nil, err
	}
	pl.mu.Lock()
	defer pl.mu.Unlock()
	pl.starts++
	p := &process{
		in: invoker.Instance{
			ID: id, Incarnation: fmt.Sprint(pl.starts), Agent: "agent", Address: l.Addr().String(), Labels: maps.Clone(spec.Labels), Started: time.Now(),
		},
		ended: make(chan struct{}), thawed: make(chan struct{}),
		streams: map[invoker.Stream]*stream{invoker.Stdout: {}, invoker.Stderr: {}},
	}
	close(p.thawed)
	var environ []string
	for key, value := range spec.Env {
		environ = append(environ, key+"="+value)
	}
	p.server = &http.Server{Handler: p.serve(Handler(Process{
		Stdout: p.streams[invoker.Stdout], Stderr: p.streams[invoker.Stderr], Environ: environ, Exit: func(code int) { pl.end(p, code) },
	}))}
	go p.server.Serve(l) //nolint:errcheck // it ends with the process
	pl.processes[id] = p
	return p, nil
}

// end ends a process.
func (pl *platform) end(p *process, code int) {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if p.runs() {
		p.code = code
		close(p.ended)
		_ = p.server.Close()
	}
}

func (pl *platform) get(id string) *process {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	return pl.processes[id]
}

func (pl *platform) running() []*process {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	var all []*process
	for _, id := range slices.Sorted(maps.Keys(pl.processes)) {
		if p := pl.processes[id]; p.runs() {
			all = append(all, p)
		}
	}
	return all
}

// These are how long the platform takes for each half of a start, and for a kill.
const (
	halfStart = 5 * time.Millisecond
	killTime  = 3 * time.Millisecond
)

// modelEngine is an engine that is right, but for one fault, which is one of those in TestWrongEngines.
type modelEngine struct {
	*platform
	fault string

	mu        sync.Mutex
	tellers   []*teller
	spec      map[string]invoker.Spec
	dying     map[string]bool
	destroyed map[string]bool
	seen      []invoker.Change
	ended     chan struct{} // by a restart
}

func newModel(pl *platform, fault string) *modelEngine {
	m := &modelEngine{
		platform: pl, fault: fault, spec: map[string]invoker.Spec{}, dying: map[string]bool{}, destroyed: map[string]bool{}, ended: make(chan struct{}),
	}
	for _, p := range pl.running() {
		if fault != "frozen for ever" {
			p.freeze(false)
		}
		if fault != "does not watch what it finds" {
			go m.await(p)
		}
	}
	return m
}

var errUnavailable = fmt.Errorf("no platform: %w", invoker.ErrUnavailable)

func (m *modelEngine) unavailable() bool {
	m.platform.mu.Lock()
	defer m.platform.mu.Unlock()
	return m.cut
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (m *modelEngine) Create(ctx context.Context, id string, spec invoker.Spec) (invoker.Instance, error) {
	if m.unavailable() && m.fault != "starts without a platform" {
		if m.fault == "hides that there is no platform" {
			return invoker.Instance{}, errors.New("something is wrong")
		}
		return invoker.Instance{}, errUnavailable
	}
	if spec.Kind != "right" {
		if m.fault == "leaves what it refuses" {
			_, _ = m.start(id, spec)
		}
		if m.fault == "gives a wrong reason" {
			return invoker.Instance{}, invoker.ErrStart
		}
		return invoker.Instance{}, fmt.Errorf("kind %q: %w", spec.Kind, invoker.ErrImage)
	}
	if m.fault == "ignores an ended context" {
		ctx = context.WithoutCancel(ctx)
	}
	if err := sleep(ctx, halfStart); err != nil {
		return invoker.Instance{}, err
	}
	if m.fault == "loses empty variables" {
		spec.Env = maps.Clone(spec.Env)
		maps.DeleteFunc(spec.Env, func(_, value string) bool { return value == "" })
	}
	p, err := m.start(id, spec)
	if err != nil {
		return invoker.Instance{}, err
	}
	if m.fault == "keeps the spec's labels" {
		p.in.Labels = spec.Labels
	}
	if m.fault == "one incarnation" {
		p.in.Incarnation = "1"
	}
	if err := sleep(ctx, halfStart); err != nil {
		if m.fault != "leaves what is given up" {
			m.end(p, 137)
		}
		return invoker.Instance{}, err
	}
	go m.await(p)
	return m.instance(p), nil
}

func (m *modelEngine) instance(p *process) invoker.Instance {
	in := p.in
	if m.fault != "shares its labels" {
		in.Labels = maps.Clone(in.Labels)
	}
	if m.fault == "loses labels" {
		delete(in.Labels, "invoker.kind")
	}
	return in
}

// await tells of the end of a process, unless it was asked for.
func (m *modelEngine) await(p *process) {
	select {
	case <-m.ended:
		return
	case <-p.ended:
	}
	change := invoker.Change{ID: p.in.ID, Agent: "agent", State: invoker.Gone}
	if p.code == 137 && m.fault != "does not tell memory apart" {
		change.Err = invoker.ErrMemory
	}
	if m.fault == "all ends are failures" {
		change.Err = invoker.ErrUnavailable
	}
	m.mu.Lock()
	silent := m.dying[p.in.ID] || m.fault == "tells of no end"
	m.seen = append(m.seen, change)
	tellers := slices.Clone(m.tellers)
	m.mu.Unlock()
	if silent {
		return
	}
	for i, t := range tellers { // without the lock: one of them may wait
		if i == 0 || m.fault != "tells one watcher" {
			t.tell(change)
		}
	}
}

func (m *modelEngine) Destroy(ctx context.Context, id string) error {
	p := m.get(id)
	switch {
	case p == nil && m.fault == "fails for unknown containers":
		return errors.New("unknown")
	case p == nil:
		return nil
	}
	m.mu.Lock()
	again := m.dying[id]
	m.dying[id] = true
	m.mu.Unlock()
	if again && m.fault == "destroys once" {
		return errors.New("it was destroyed before")
	}
	if again && m.fault == "returns to the second caller at once" {
		return nil
	}
	kill := func(ctx context.Context) error {
		if err := sleep(ctx, killTime); err != nil {
			return err
		}
		m.end(p, 137)
		return nil
	}
	if m.fault == "returns before the end" {
		go kill(context.Background()) //nolint:errcheck // its context does not end
		return nil
	}
	err := kill(ctx)
	if m.fault == "claims to be done when given up" {
		return nil
	}
	return err
}

func (m *modelEngine) Instances(context.Context) ([]invoker.Instance, error) {
	if m.unavailable() {
		if m.fault == "lists nothing without a platform" {
			return nil, nil
		}
		return nil, errUnavailable
	}
	var list []invoker.Instance
	for _, p := range m.running() {
		list = append(list, m.instance(p))
	}
	if m.fault == "lists five at most" {
		list = list[:min(len(list), 5)]
	}
	if m.fault == "lists what has ended" {
		list = nil
		for _, id := range slices.Sorted(maps.Keys(m.processes)) {
			list = append(list, m.instance(m.get(id)))
		}
	}
	return list, nil
}

// teller is a call of Watch.
type teller struct {
	mu     sync.Mutex
	queue  []invoker.Change
	wake   chan struct{}
	limit  int  // of the queue
	silent bool // it does not say that changes were missed
	block  chan invoker.Change
	ended  chan struct{}
}

func (t *teller) tell(change invoker.Change) {
	if t.block != nil {
		select {
		case t.block <- change:
		case <-t.ended:
		}
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.queue) == t.limit {
		if t.silent {
			return
		}
		t.queue = []invoker.Change{{State: invoker.Lagged}}
	}
	t.queue = append(t.queue, change)
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

func (m *modelEngine) subscribe() *teller {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := &teller{wake: make(chan struct{}, 1), limit: 7, ended: m.ended}
	t.silent = m.fault == "misses changes silently"
	if m.fault == "waits for slow watchers" {
		t.block = make(chan invoker.Change)
	}
	if m.fault == "tells what was before" {
		for _, change := range m.seen {
			t.tell(change)
		}
	}
	m.tellers = append(m.tellers, t)
	return t
}

func (m *modelEngine) Watch(ctx context.Context) iter.Seq[invoker.Change] {
	if m.fault == "watches when it is read" {
		return func(yield func(invoker.Change) bool) { m.read(ctx, m.subscribe(), yield) }
	}
	t := m.subscribe()
	return func(yield func(invoker.Change) bool) { m.read(ctx, t, yield) }
}

func (m *modelEngine) read(ctx context.Context, t *teller, yield func(invoker.Change) bool) {
	end := ctx.Done()
	if m.fault == "watches for ever" {
		end = nil
	}
	for {
		select {
		case <-end:
			return
		case <-m.ended:
			return
		case change := <-t.block:
			if !yield(change) {
				return
			}
		case <-t.wake:
			t.mu.Lock()
			queue := t.queue
			t.queue = nil
			t.mu.Unlock()
			for _, change := range queue {
				if !yield(change) {
					return
				}
			}
		}
	}
}

func (m *modelEngine) Suspend(_ context.Context, id string) error { return m.freeze(id, true) }
func (m *modelEngine) Resume(_ context.Context, id string) error  { return m.freeze(id, false) }

func (m *modelEngine) freeze(id string, on bool) error {
	p := m.get(id)
	if p == nil || !p.runs() {
		if m.fault == "suspends nothing" {
			return nil
		}
		return errors.New("it does not run")
	}
	if (!on || m.fault != "suspends in name only") && (on || m.fault != "does not resume") {
		p.freeze(on)
	}
	return nil
}

func (m *modelEngine) ReadOutput(
	_ context.Context, in invoker.Instance, s invoker.Stream, offset int64, buf []byte,
) (int, int64, error) {
	p := m.get(in.ID)
	if p == nil && m.fault == "reads nothing of nothing" {
		return 0, 0, nil
	}
	if p == nil || p.streams[s] == nil || offset < 0 {
		return 0, 0, errors.New("there is no such stream")
	}
	if !p.runs() && m.fault == "forgets output" {
		return 0, 0, errors.New("it has ended")
	}
	if m.fault == "takes one stream for the other" {
		s = invoker.Stdout
	}
	stream := p.streams[s]
	stream.mu.Lock()
	defer stream.mu.Unlock()
	data := slices.Clone(stream.data.Bytes())
	if m.fault == "reads text" {
		data = bytes.ToValidUTF8(data, []byte("\ufffd"))
	}
	size := int64(len(data))
	if offset > size {
		if m.fault == "fails beyond the end" {
			return 0, size, errors.New("beyond the end")
		}
		return 0, size, nil
	}
	n := copy(buf, data[offset:])
	if m.fault == "says a wrong size" {
		size = offset + int64(n)
	}
	return n, size, nil
}

func (m *modelEngine) Agents(context.Context) ([]invoker.Agent, error) {
	if m.fault == "knows no agents" {
		return nil, nil
	}
	return []invoker.Agent{{ID: "agent"}}, nil
}
