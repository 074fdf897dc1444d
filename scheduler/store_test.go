package scheduler_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"time"

	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// testStore keeps records in memory and fails when it is told to.
type testStore struct {
	mu      sync.Mutex
	records map[string][]byte
	err     error
}

func (s *testStore) Load(context.Context) (map[string][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.records), s.err
}

func (s *testStore) Apply(_ context.Context, changes map[string][]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	if s.records == nil {
		s.records = map[string][]byte{}
	}
	for key, value := range changes {
		if value == nil {
			delete(s.records, key)
		} else {
			s.records[key] = value
		}
	}
	return nil
}

func (s *testStore) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// successor is another process: a new scheduler with the same store, which runs until the test ends.
func (w *world) successor(ctx context.Context, store scheduler.Store) (*scheduler.Scheduler, func() error) {
	s, err := scheduler.New(scheduler.Config{
		Master: address, Framework: scheduler.Framework{Name: "test"}, DialContext: w.network.DialContext,
		Logger: slog.New(slog.DiscardHandler), Store: store,
	})
	require.NoError(w, err)
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	return s, func() error { stop(); return <-ended }
}

// Another process with the same store takes up the framework, what runs, what is pending, and what
// is to be killed.
func TestRestart(t *testing.T) {
	store := &testStore{}
	inWorld(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Store: store}, func(ctx context.Context, w *world) {
		_, err := w.sched.Launch(ctx, sleeper("runs"))
		require.NoError(w, err)
		_, err = w.sched.Launch(ctx, sleeper("killed"))
		require.NoError(w, err)
		big := sleeper("pending")
		big.CPUs = 3
		require.NoError(w, w.sched.Submit(ctx, big))
		w.at(10 * time.Second)
		w.once(calls.Call_KILL, mesostest.Swallow)
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_, err = w.sched.Kill(short, "killed")
		require.ErrorIs(w, err, context.DeadlineExceeded)
		framework := w.master.Snapshot().Frameworks[0].ID
		w.stop()
		require.ErrorIs(w, w.end(), context.Canceled)

		s, stop := w.successor(ctx, store)
		w.at(time.Minute)
		state := w.master.Snapshot()
		require.Len(w, state.Frameworks, 1)
		require.Equal(w, framework, state.Frameworks[0].ID)
		var states []task.State
		all, err := s.Tasks(ctx)
		require.NoError(w, err)
		for _, info := range all {
			states = append(states, info.State)
		}
		require.Equal(w, []task.State{task.Running, task.Killed, task.Running}, states)
		require.ErrorIs(w, s.Submit(ctx, sleeper("killed")), scheduler.ErrDuplicateTask)
		require.NoError(w, s.Teardown(ctx))
		require.NoError(w, stop())
		store.mu.Lock()
		defer store.mu.Unlock()
		require.NotContains(w, store.records, "framework", "the next one is a new one")
	})
}

// A store that fails stops launches and acknowledgements, and nothing else; all goes on when it
// works again.
func TestFailingStore(t *testing.T) {
	store := &testStore{}
	inWorld(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Store: store}, func(ctx context.Context, w *world) {
		w.at(time.Second)
		full := errors.New("disk full")
		store.fail(full)
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		withdrawn := sleeper("withdrawn")
		withdrawn.CPUs = 1000 // fits no offer: whether a cycle or the store's answer comes first is chance
		require.ErrorIs(w, w.sched.Submit(short, withdrawn), context.DeadlineExceeded)
		launched := make(chan error, 1)
		go func() {
			_, err := w.sched.Launch(ctx, sleeper("a"))
			launched <- err
		}()
		w.at(time.Minute)
		require.Empty(w, w.master.Snapshot().Frameworks[0].Tasks)
		require.Empty(w, w.master.Snapshot().Offers)
		store.fail(nil)
		require.NoError(w, <-launched)
		require.Less(w, time.Since(w.began), 76*time.Second, "the longest pause is 15 s")
		require.Equal(w, []task.State{task.Pending, task.Killed}, w.states("withdrawn"))
		w.mu.Lock()
		defer w.mu.Unlock()
		var failures, recoveries int
		for _, e := range w.events {
			if e, ok := e.(scheduler.StoreEvent); ok && e.Err != nil {
				require.ErrorIs(w, e.Err, full)
				failures++
			} else if ok {
				recoveries++
			}
		}
		require.Greater(w, failures, 3)
		require.Equal(w, 1, recoveries)
	})
}

// Without its records a scheduler does not begin: it would register another framework.
func TestStoreThatCannotBeRead(t *testing.T) {
	for reason, store := range map[string]*testStore{
		"unavailable": {err: errors.New("no quorum")},
		"corrupt":     {records: map[string][]byte{"task/a": []byte("?")}},
	} {
		inWorld(t, mesostest.Config{}, scheduler.Config{Store: store}, func(ctx context.Context, w *world) {
			err := w.end()
			require.Error(w, err, reason)
			require.ErrorIs(w, w.sched.Submit(ctx, sleeper("a")), scheduler.ErrNotRunning)
			require.Empty(w, w.master.Snapshot().Frameworks)
			var record *scheduler.RecordError
			if store.err == nil {
				require.ErrorAs(w, err, &record)
				require.Equal(w, "task/a", record.Key)
			} else {
				require.ErrorIs(w, err, store.err)
			}
		})
	}
}

// hangingStore never answers by itself.
type hangingStore struct{ testStore }

func (*hangingStore) Apply(ctx context.Context, _ map[string][]byte) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

// A store that hangs is one that fails: that is told, at the latest after ten seconds.
func TestHangingStore(t *testing.T) {
	inWorld(t, mesostest.Config{}, scheduler.Config{Store: &hangingStore{}}, func(_ context.Context, w *world) {
		w.at(time.Minute)
		w.mu.Lock()
		defer w.mu.Unlock()
		require.NotEmpty(w, w.events)
		require.Equal(w, 10*time.Second, w.times[0])
		require.ErrorContains(w, w.events[0].(scheduler.StoreEvent).Err, "longer than 10s")
	})
}

// panickingStore is broken.
type panickingStore struct{ testStore }

func (*panickingStore) Apply(context.Context, map[string][]byte) error { panic("disk on fire") }

func TestPanickingStore(t *testing.T) {
	inWorld(t, mesostest.Config{}, scheduler.Config{Store: &panickingStore{}}, func(_ context.Context, w *world) {
		w.at(time.Second)
		w.mu.Lock()
		defer w.mu.Unlock()
		var panicked *scheduler.PanicError
		require.ErrorAs(w, w.events[0].(scheduler.StoreEvent).Err, &panicked)
	})
}

// A framework that does not outlive its connection is registered all the same.
func TestStoreWithoutFailover(t *testing.T) {
	config := scheduler.Config{Store: &testStore{}, Framework: scheduler.Framework{FailoverTimeout: -1}}
	inWorld(t, mesostest.Config{Agents: agents(1)}, config, func(ctx context.Context, w *world) {
		_, err := w.sched.Launch(ctx, sleeper("a"))
		require.NoError(w, err)
	})
}

// Tasks without their framework would never be heard of again.
func TestStoreWithoutFramework(t *testing.T) {
	store := &testStore{}
	inWorld(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Store: store}, func(ctx context.Context, w *world) {
		_, err := w.sched.Launch(ctx, sleeper("a"))
		require.NoError(w, err)
		w.stop()
		require.ErrorIs(w, w.end(), context.Canceled)
		delete(store.records, "framework")
		var bad *scheduler.RecordError
		require.ErrorAs(w, w.sched.Run(ctx), &bad)
		require.Equal(w, "framework", bad.Key)
	})
}
