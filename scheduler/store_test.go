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

// testStore keeps records in memory and fails on demand.
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

// successor starts what another process would be: a new scheduler with the same store, which runs until the test ends.
func (h *harness) successor(ctx context.Context, store scheduler.Store) (*scheduler.Scheduler, func() error) {
	return h.successorOf(ctx, scheduler.Config{Store: store})
}

// successorOf is the same with this config.
func (h *harness) successorOf(ctx context.Context, config scheduler.Config) (*scheduler.Scheduler, func() error) {
	config.Master, config.Framework.Name, config.DialContext = address, "test", h.network.DialContext
	config.Logger = slog.New(slog.DiscardHandler)
	s, err := scheduler.New(config)
	require.NoError(h, err)
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	return s, func() error { stop(); return <-ended }
}

// Another process with the same store continues with the framework, and with running and pending tasks and those to be
// killed.
func TestRestart(t *testing.T) {
	store := &testStore{}
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Store: store}, func(ctx context.Context, h *harness) {
		_, err := h.sched.Launch(ctx, sleeper("runs"))
		require.NoError(h, err)
		_, err = h.sched.Launch(ctx, sleeper("killed"))
		require.NoError(h, err)
		big := sleeper("pending")
		big.CPUs = 3
		require.NoError(h, h.sched.Submit(ctx, big))
		h.at(10 * time.Second)
		h.once(calls.Call_KILL, mesostest.Swallow)
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_, err = h.sched.Kill(short, "killed")
		require.ErrorIs(h, err, context.DeadlineExceeded)
		framework := h.master.Snapshot().Frameworks[0].ID
		h.stop()
		require.ErrorIs(h, h.end(), context.Canceled)

		s, stop := h.successor(ctx, store)
		h.at(time.Minute)
		state := h.master.Snapshot()
		require.Len(h, state.Frameworks, 1)
		require.Equal(h, framework, state.Frameworks[0].ID)
		var states []task.State
		all, err := s.Tasks(ctx)
		require.NoError(h, err)
		for _, info := range all {
			states = append(states, info.State)
		}
		require.Equal(h, []task.State{task.StateRunning, task.StateKilled, task.StateRunning}, states)
		require.ErrorIs(h, s.Submit(ctx, sleeper("killed")), scheduler.ErrDuplicateTask)
		require.NoError(h, s.Teardown(ctx))
		require.NoError(h, stop())
		store.mu.Lock()
		defer store.mu.Unlock()
		require.NotContains(h, store.records, "framework", "the next one is a new one")
	})
}

// While a store fails there are no launches and acknowledgements. Everything else goes on, and these do when the store
// works again.
func TestFailingStore(t *testing.T) {
	store := &testStore{}
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Store: store}, func(ctx context.Context, h *harness) {
		h.at(time.Second)
		full := errors.New("disk full")
		store.fail(full)
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		withdrawn := sleeper("withdrawn")
		withdrawn.CPUs = 1000 // fits no offer: whether a cycle or the store's answer comes first is chance
		require.ErrorIs(h, h.sched.Submit(short, withdrawn), context.DeadlineExceeded)
		launched := make(chan error, 1)
		go func() {
			_, err := h.sched.Launch(ctx, sleeper("a"))
			launched <- err
		}()
		h.at(time.Minute)
		require.Empty(h, h.master.Snapshot().Frameworks[0].Tasks)
		require.Empty(h, h.master.Snapshot().Offers)
		store.fail(nil)
		require.NoError(h, <-launched)
		require.Less(h, time.Since(h.began), 76*time.Second, "the longest pause is 15 s")
		require.Equal(h, []task.State{task.StatePending, task.StateKilled}, h.states("withdrawn"))
		h.mu.Lock()
		defer h.mu.Unlock()
		var failures, recoveries int
		for _, e := range h.events {
			if e, ok := e.(scheduler.StoreEvent); ok && e.Err != nil {
				require.ErrorIs(h, e.Err, full)
				failures++
			} else if ok {
				recoveries++
			}
		}
		require.Greater(h, failures, 3)
		require.Equal(h, 1, recoveries)
	})
}

// If the store cannot be read Run returns: without its records the scheduler would register a new framework.
func TestStoreThatCannotBeRead(t *testing.T) {
	for reason, store := range map[string]*testStore{
		"unavailable": {err: errors.New("no quorum")},
		"corrupt":     {records: map[string][]byte{"task/a": []byte("?")}},
	} {
		withHarness(t, mesostest.Config{}, scheduler.Config{Store: store}, func(ctx context.Context, h *harness) {
			err := h.end()
			require.Error(h, err, reason)
			require.ErrorIs(h, h.sched.Submit(ctx, sleeper("a")), scheduler.ErrNotRunning)
			require.Empty(h, h.master.Snapshot().Frameworks)
			var record *scheduler.RecordError
			if store.err == nil {
				require.ErrorAs(h, err, &record)
				require.Equal(h, "task/a", record.Key)
			} else {
				require.ErrorIs(h, err, store.err)
			}
		})
	}
}

// hangingStore does not return before its context ends.
type hangingStore struct{ testStore }

func (*hangingStore) Apply(ctx context.Context, _ map[string][]byte) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

// A store that hangs has failed after ten seconds.
func TestHangingStore(t *testing.T) {
	withHarness(t, mesostest.Config{}, scheduler.Config{Store: &hangingStore{}}, func(_ context.Context, h *harness) {
		h.at(time.Minute)
		h.mu.Lock()
		defer h.mu.Unlock()
		require.NotEmpty(h, h.events)
		require.Equal(h, 10*time.Second, h.times[0])
		require.ErrorContains(h, h.events[0].(scheduler.StoreEvent).Err, "longer than 10s")
	})
}

// panickingStore panics.
type panickingStore struct{ testStore }

func (*panickingStore) Apply(context.Context, map[string][]byte) error { panic("disk on fire") }

func TestPanickingStore(t *testing.T) {
	withHarness(t, mesostest.Config{}, scheduler.Config{Store: &panickingStore{}}, func(_ context.Context, h *harness) {
		h.at(time.Second)
		h.mu.Lock()
		defer h.mu.Unlock()
		var panicked *scheduler.PanicError
		require.ErrorAs(h, h.events[0].(scheduler.StoreEvent).Err, &panicked)
	})
}

// A framework with a failover timeout of 0 is registered in two steps as well.
func TestStoreWithoutFailover(t *testing.T) {
	config := scheduler.Config{Store: &testStore{}, Framework: scheduler.Framework{FailoverTimeout: -1}}
	withHarness(t, mesostest.Config{Agents: agents(1)}, config, func(ctx context.Context, h *harness) {
		_, err := h.sched.Launch(ctx, sleeper("a"))
		require.NoError(h, err)
	})
}

// Running tasks without a record of the framework are an error: a new framework would get no updates about them.
func TestStoreWithoutFramework(t *testing.T) {
	store := &testStore{}
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Store: store}, func(ctx context.Context, h *harness) {
		_, err := h.sched.Launch(ctx, sleeper("a"))
		require.NoError(h, err)
		h.stop()
		require.ErrorIs(h, h.end(), context.Canceled)
		delete(store.records, "framework")
		var bad *scheduler.RecordError
		require.ErrorAs(h, h.sched.Run(ctx), &bad)
		require.Equal(h, "framework", bad.Key)
	})
}
