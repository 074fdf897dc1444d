package controlapi

import (
	"context"
	"runtime/debug"
	"sync"
	"time"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// retryPause is after which time a framework that does not run is asked again.
const retryPause = 50 * time.Millisecond

// hub keeps a copy of all tasks and the last events, for all who list and watch: the framework is not asked for each of
// them. It works while somebody uses it, and the framework runs in this process.
type hub struct {
	server *Server

	using sync.Mutex // guards users, stop and done
	users int
	stop  context.CancelFunc
	done  chan struct{}

	mu       sync.RWMutex // guards what follows
	synced   bool         // table and ring are those of the present run
	run      int          // how often they were filled
	lagged   int          // events that the hub itself missed before it filled them
	table    *table
	ring     *ring
	version  uint64 // the highest one that was seen
	overview latest
	election latest
	watching int           // who want an overview
	wanted   chan struct{} // has a token if somebody wants one at once
	changed  chan struct{} // closed at the next change, nil if nobody waits for it
}

// latest is an event of which only the last one counts.
type latest struct {
	name   string
	number int // of the last one; 0: none
	data   []byte
}

func newHub(s *Server) *hub {
	return &hub{
		server: s, table: newTable(nil, 0), ring: newRing(0), wanted: make(chan struct{}, 1),
		overview: latest{name: "overview"}, election: latest{name: "election"},
	}
}

// use keeps the hub at work until release is called.
func (h *hub) use() (release func()) {
	h.using.Lock()
	defer h.using.Unlock()
	if h.users++; h.users == 1 {
		ctx, stop := context.WithCancel(context.Background()) // it does not end with the first of its users
		h.stop, h.done = stop, make(chan struct{})
		go h.work(ctx, h.done)
	}
	return h.release
}

func (h *hub) release() {
	h.using.Lock()
	defer h.using.Unlock()
	if h.users--; h.users == 0 {
		h.stop()
		<-h.done
	}
}

// work runs the goroutines of the hub until ctx ends.
func (h *hub) work(ctx context.Context, done chan<- struct{}) {
	defer close(done)
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() { h.makeOverviews(ctx) })
	if elector := h.server.config.Elector; elector != nil {
		all.Go(func() {
			for status := range elector.Watch(ctx) {
				h.publish(&h.election, mustEncode(status))
			}
		})
	}
	for ctx.Err() == nil {
		h.protect("events", func() { h.follow(ctx) })
		select {
		case <-ctx.Done():
		case <-time.After(retryPause):
		}
	}
}

// protect keeps a panic of the framework from ending the process.
func (h *hub) protect(what string, f func()) {
	defer func() {
		if value := recover(); value != nil {
			h.server.config.Logger.Error("panic", "in", what, "panic", value, "stack", string(debug.Stack()))
		}
	}()
	f()
}

// follow follows one run of the framework, if there is one.
func (h *hub) follow(ctx context.Context) {
	if !h.server.leads() {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events := h.server.config.Framework.Watch(ctx) // first, so that nothing is missed in between
	if !h.fill(ctx, 0) {
		return
	}
	defer h.empty()
	for e := range events {
		if lag, is := e.(scheduler.LagEvent); is {
			if !h.fill(ctx, lag.Missed) {
				return
			}
			continue
		}
		h.add(e)
	}
}

// fill fills the hub with all tasks.
func (h *hub) fill(ctx context.Context, missed int) bool {
	if _, err := h.server.config.Framework.Status(ctx); err != nil { // waits for the run, whose versions begin higher
		return false
	}
	t, err := h.server.ask(ctx)
	if err != nil {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.table, h.version = t, t.base
	h.ring = newRing(h.version)
	h.synced, h.lagged = true, missed
	h.run++
	h.wake()
	return true
}

// ask asks the framework for all tasks.
func (s *Server) ask(ctx context.Context) (*table, error) {
	base := s.frameworkVersion() // first: what is published from now on may not be among the tasks
	infos, err := s.config.Framework.Tasks(ctx)
	return newTable(infos, base), err
}

// versioned is a framework that says how far watchers have been told: [*scheduler.Scheduler].
type versioned interface{ Version() uint64 }

// frameworkVersion returns the highest version that watchers were told of, 0 if the framework does not say it.
func (s *Server) frameworkVersion() uint64 {
	if f, is := s.config.Framework.(versioned); is {
		return f.Version()
	}
	return 0
}

// empty drops everything: another process may change the tasks from now on.
func (h *hub) empty() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.synced, h.table, h.ring = false, newTable(nil, 0), newRing(0)
	h.wake()
}

// add takes an event of the framework.
func (h *hub) add(of scheduler.Event) {
	e := &event{name: EventName(of), of: of}
	if e.name == "" {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	defer h.wake()
	switch of := of.(type) {
	case scheduler.TaskEvent:
		h.version = max(h.version, of.Task.Version)
		if e.item = h.table.set(of.Task); e.item == nil {
			return
		}
	case scheduler.RemovedEvent:
		h.version = max(h.version, of.Version)
		for _, id := range of.Tasks {
			h.table.remove(id, of.Version)
		}
	}
	e.id = h.version
	h.ring.add(e)
}

// publish replaces an event of which only the last one counts.
func (h *hub) publish(at *latest, data []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at.number++
	at.data = data
	h.wake()
}

// wake wakes all who wait for a change.
func (h *hub) wake() {
	if h.changed != nil {
		close(h.changed)
		h.changed = nil
	}
}

// change returns a channel that is closed at the next change. The mutex must be held for writing.
func (h *hub) change() <-chan struct{} {
	if h.changed == nil {
		h.changed = make(chan struct{})
	}
	return h.changed
}

// read calls f with the table, once it has all that was published before this call. It returns false if the framework has to be
// asked instead, since the hub does not work.
func (h *hub) read(ctx context.Context, f func(*table, uint64)) (bool, error) {
	if _, is := h.server.config.Framework.(versioned); !is {
		return false, nil // nobody knows how far the hub is behind
	}
	need := h.server.frameworkVersion()
	for {
		h.mu.RLock()
		synced, behind := h.synced, h.version < need
		if synced && !behind {
			defer h.mu.RUnlock()
			f(h.table, h.version)
			return true, nil
		}
		h.mu.RUnlock()
		if !synced {
			return false, nil
		}
		if err := h.await(ctx, need); err != nil {
			return false, err
		}
	}
}

// await waits for a change, unless a version has come already.
func (h *hub) await(ctx context.Context, version uint64) error {
	h.mu.Lock()
	if h.version >= version || !h.synced {
		h.mu.Unlock()
		return nil
	}
	changed := h.change()
	h.mu.Unlock()
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
