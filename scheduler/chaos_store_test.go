package scheduler

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// chaosStore is a store in memory that outlives the processes which use it, is slow, fails,
// and keeps for the checker what was durable at any time.
type chaosStore struct {
	random *rand.Rand
	failed func(kind, id, format string, args ...any) // takes a violation

	mu          sync.Mutex
	failureRate float64    // how likely a call goes wrong
	term        uint64     // the present one
	last        *chaosTerm // that of the process that was elected last
	written     int        // calls of Apply that had success
	records     map[string][]byte
	framework   string
	tasks       map[string]*durable
}

// durable is what was durable about a task.
type durable struct {
	there  bool
	state  task.State          // the last
	ending bool                // its end is wanted, by the last
	states map[task.State]bool // all
	uuids  map[uint64]bool     // all
}

var errStore = errors.New("the store fails")

func newChaosStore(random *rand.Rand, failed func(kind, id, format string, args ...any)) *chaosStore {
	return &chaosStore{random: random, failed: failed, records: map[string][]byte{}, tasks: map[string]*durable{}}
}

// setFailureRate sets the probability with which a call fails.
func (s *chaosStore) setFailureRate(p float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failureRate = p
}

// writings returns how many writes have succeeded.
func (s *chaosStore) writings() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.written
}

// of returns what was durable about a task.
func (s *chaosStore) of(id string) durable {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.tasks[id]; d != nil {
		return durable{d.there, d.state, d.ending, maps.Clone(d.states), maps.Clone(d.uuids)}
	}
	return durable{}
}

// storeOutcome is the outcome of a call: it takes that long, and then it returns the error, with or without
// having had an effect.
type storeOutcome struct {
	after  time.Duration
	effect bool
	err    error
}

func (s *chaosTerm) begin() storeOutcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy {
		s.failed("store", "", "the store is called twice at a time")
	}
	s.busy = true
	f := storeOutcome{after: time.Millisecond + time.Duration(s.random.IntN(10_000_000)), effect: true}
	if s.random.Float64() >= s.failureRate {
		return f
	}
	switch s.random.IntN(5) {
	case 0:
		f.effect, f.err = false, errStore
	case 1:
		f.err = errStore
	case 2: // the disk is busy
		f.after = time.Duration(s.random.IntN(2000)) * time.Millisecond
	case 3:
		f.after = time.Duration(s.random.IntN(30)) * time.Second
	default: // it hangs until its caller leaves, mostly
		f.after = 3 * time.Minute
	}
	return f
}

// wait waits until a call is done. If the process is killed in the middle of a write, it may have had an effect
// or not.
func (s *chaosTerm) wait(ctx context.Context, f storeOutcome) storeOutcome {
	timer := time.NewTimer(f.after)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		f.effect, f.err = f.effect && s.random.IntN(2) == 0, context.Cause(ctx)
	}
	s.busy = false
	return f
}

// Load implements Store.
func (s *chaosTerm) Load(ctx context.Context) (map[string][]byte, error) {
	f := s.wait(ctx, s.begin())
	s.mu.Lock()
	defer s.mu.Unlock()
	f = s.unlessDeposed(f)
	return maps.Clone(s.records), f.err
}

// Apply implements Store.
func (s *chaosTerm) Apply(ctx context.Context, changes map[string][]byte) error {
	s.checkLimit(changes)
	f := s.wait(ctx, s.begin())
	s.mu.Lock()
	defer s.mu.Unlock()
	if f = s.unlessDeposed(f); !f.effect {
		return f.err
	}
	for key, value := range changes {
		if s.records[key] = value; value == nil {
			delete(s.records, key)
		}
	}
	framework, tasks, err := record.Decode(s.whole(changes))
	if err != nil {
		s.failed("store", "", "a record cannot be read: %v", err)
	}
	if value, ok := changes[record.FrameworkKey]; ok && value != nil {
		s.framework = framework.ID
	}
	for key, value := range changes {
		if id, ok := strings.CutPrefix(key, record.TaskKey("")); ok && value == nil && s.tasks[id] != nil {
			s.tasks[id].there = false
		}
	}
	for _, t := range tasks {
		s.put(t)
	}
	if f.err == nil {
		s.written++
	}
	return f.err
}

// whole returns all records of the tasks that have changed, and of the framework if it has changed.
func (s *chaosStore) whole(changes map[string][]byte) map[string][]byte {
	records := map[string][]byte{}
	add := func(key string) {
		if value, ok := s.records[key]; ok {
			records[key] = value
		}
	}
	for key := range changes {
		if id, ok := strings.CutPrefix(key, record.TaskKey("")); ok {
			add(record.SpecKey(id))
		}
		add(key)
	}
	return records
}

// put notes a record that is durable now.
func (s *chaosStore) put(t record.Task) {
	id := t.Info.Spec.ID
	d := s.tasks[id]
	if d == nil {
		d = &durable{states: map[task.State]bool{}, uuids: map[uint64]bool{}}
		s.tasks[id] = d
	}
	d.there, d.state, d.ending = true, t.Info.State, t.Killing
	d.states[d.state] = true
	for _, u := range t.UUIDs {
		d.uuids[u] = true
	}
}
