package scheduler_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// deafStore ignores its contexts. While it hangs, calls return when it no longer does; those of Apply have written nothing
// until then, and then they have, unless it is told to fail.
type deafStore struct {
	testStore
	calls, running atomic.Int64 // of all methods, begun and not ended
	atOnce         atomic.Int64 // the most that ran at once

	mu   sync.Mutex
	hung chan struct{} // nil: it does not hang
	late error
}

// hang makes all calls from now on hang until the function that it returns is called: with an error, calls of Apply then
// fail without an effect.
func (s *deafStore) hang(t testing.TB) (resume func(late error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hung = make(chan struct{})
	hung := s.hung
	var once sync.Once
	resume = func(late error) {
		once.Do(func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.hung, s.late = nil, late
			close(hung)
		})
	}
	t.Cleanup(func() { resume(nil) })
	return resume
}

func (s *deafStore) wait() (late error) {
	s.calls.Add(1)
	s.atOnce.Store(max(s.atOnce.Load(), s.running.Add(1)))
	defer s.running.Add(-1)
	s.mu.Lock()
	hung := s.hung
	s.mu.Unlock()
	if hung == nil {
		return nil
	}
	<-hung
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.late
}

func (s *deafStore) Load(ctx context.Context) (map[string][]byte, error) {
	_ = s.wait()
	return s.testStore.Load(ctx)
}

func (s *deafStore) Apply(ctx context.Context, changes map[string][]byte) error {
	if err := s.wait(); err != nil {
		return err
	}
	return s.testStore.Apply(ctx, changes)
}

// deafLimiter also has a BatchLimit that hangs.
type deafLimiter struct{ deafStore }

func (s *deafLimiter) BatchLimit() (records, bytes int) {
	_ = s.wait()
	return 0, 0
}

// storeEvents returns the store events with their times.
func (h *harness) storeEvents() (events []scheduler.StoreEvent, times []time.Duration) {
	synctest.Wait() // for the watcher
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, e := range h.events {
		if e, ok := e.(scheduler.StoreEvent); ok {
			events, times = append(events, e), append(times, h.times[i])
		}
	}
	return events, times
}

// A store hangs in Apply and ignores its context. It has failed after eleven seconds; nothing is launched or acknowledged,
// and Apply is not called again until it has returned, whatever it returns then.
func TestStoreThatIgnoresItsContext(t *testing.T) {
	for name, late := range map[string]error{"the late call has written": nil, "the late call fails": errors.New("disk full")} {
		t.Run(name, func(t *testing.T) {
			store := &deafStore{}
			withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Store: store}, func(ctx context.Context, h *harness) {
				_, err := h.sched.Launch(ctx, sleeper("before"))
				require.NoError(h, err)
				h.at(time.Minute)
				resume, from := store.hang(h), store.calls.Load()
				diary := h.keep()
				launched := make(chan error, 1)
				go func() {
					_, err := h.sched.Launch(ctx, sleeper("a"))
					launched <- err
				}()
				synctest.Wait()
				status := mesos.TaskStatus{TaskID: mesos.TaskID{Value: "before"}, State: mesos.TASK_RUNNING.Enum(), Healthy: new(bool)}
				require.True(h, h.master.Update(status))
				h.at(6 * time.Minute)
				require.Equal(h, int64(1), store.calls.Load()-from, "one call, which has not returned")
				lines := diary.take()
				require.NotContains(h, lines, "ACCEPT")
				require.NotContains(h, lines, "ACKNOWLEDGE")
				events, times := h.storeEvents()
				require.Greater(h, len(events), 2, "one for each attempt")
				require.Equal(h, time.Minute+11*time.Second, times[0])
				require.EqualError(h, events[0].Err, "scheduler: the store took longer than 10s: the call of the store has not returned")
				require.EqualError(h, events[1].Err, "scheduler: the store took longer than 10s: an earlier call of the store has not returned")
				require.Less(h, len(events), 30)

				resume(late)
				require.NoError(h, <-launched)
				require.Less(h, time.Since(h.began), 6*time.Minute+30*time.Second)
				require.Equal(h, int64(1), store.atOnce.Load())
				require.Equal(h, task.StateRunning, h.state(ctx, "a"))
				require.Equal(h, 1, countOf(diary.take(), "ACCEPT"))
			})
		})
	}
}

func countOf(lines []string, line string) (n int) {
	for _, l := range lines {
		if l == line {
			n++
		}
	}
	return n
}

// Run ends a second after its context although a call of the store has not returned. Another Run waits for that call before
// it makes one of its own, and its context ends that.
func TestRunEndsWhileTheStoreHangs(t *testing.T) {
	for name, store := range map[string]interface {
		scheduler.Store
		hang(testing.TB) func(error)
	}{"Apply": &deafStore{}, "with a batch limit": &deafLimiter{}} {
		t.Run(name, func(t *testing.T) {
			deaf, ok := store.(*deafStore)
			if !ok {
				deaf = &store.(*deafLimiter).deafStore
			}
			withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Store: store}, func(ctx context.Context, h *harness) {
				_, err := h.sched.Launch(ctx, sleeper("before"))
				require.NoError(h, err)
				resume := store.hang(h)
				h.at(time.Minute)
				submitted := make(chan error, 1)
				go func() { submitted <- h.sched.Submit(ctx, sleeper("a")) }()
				h.at(time.Minute + time.Second)
				h.stop()
				require.ErrorIs(h, h.end(), context.Canceled)
				require.Equal(h, time.Minute+2*time.Second, time.Since(h.began))
				require.ErrorIs(h, <-submitted, scheduler.ErrNotRunning)

				from := deaf.calls.Load()
				second, cancel := context.WithTimeout(ctx, time.Minute)
				defer cancel()
				err = h.sched.Run(second)
				require.ErrorIs(h, err, context.DeadlineExceeded)
				require.ErrorContains(h, err, "an earlier call of the store has not returned")
				require.Equal(h, 2*time.Minute+2*time.Second, time.Since(h.began))
				require.Equal(h, from, deaf.calls.Load(), "nothing was called")

				h.lead(ctx, scheduler.Term{})
				h.at(3 * time.Minute)
				resume(nil)
				require.Equal(h, task.StateRunning, h.state(ctx, "before"))
				require.Equal(h, int64(1), deaf.atOnce.Load())
				_, err = h.sched.Launch(ctx, sleeper("b"))
				require.NoError(h, err)
			})
		})
	}
}

// Load, or BatchLimit, does not return: the context of Run ends that, and the log says after ten seconds what Run waits for.
func TestRunEndsWhileTheStoreIsRead(t *testing.T) {
	for name, store := range map[string]scheduler.Store{"Load": &deafStore{}, "BatchLimit": &deafLimiter{}} {
		t.Run(name, func(t *testing.T) {
			log := new(logs)
			withIdleScheduler(t, []string{address}, mesostest.Config{}, scheduler.Config{Store: store, Logger: slog.New(slog.NewTextHandler(log, nil))}, func(ctx context.Context, h *harness) {
				store.(interface{ hang(testing.TB) func(error) }).hang(h)
				h.lead(ctx, scheduler.Term{})
				h.at(time.Minute)
				require.Contains(h, log.String(), "the run waits: the store has not been read yet")
				short, cancel := context.WithTimeout(ctx, time.Second)
				defer cancel()
				_, err := h.sched.Tasks(short)
				require.ErrorIs(h, err, context.DeadlineExceeded)
				h.stop()
				require.ErrorIs(h, h.end(), context.Canceled)
				require.Equal(h, time.Minute+2*time.Second, time.Since(h.began))
				require.ErrorIs(h, h.sched.Submit(ctx, sleeper("a")), scheduler.ErrNotRunning)
			})
		})
	}
}

// Confirm ignores its context: each attempt to subscribe fails, Confirm is not called again, and Run ends.
func TestConfirmThatHangs(t *testing.T) {
	withIdleScheduler(t, []string{address}, mesostest.Config{}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		returns, asked := make(chan struct{}), 0
		defer close(returns)
		diary := h.keep()
		h.lead(ctx, scheduler.Term{Number: 1, Confirm: func(context.Context) error { asked++; <-returns; return nil }})
		h.at(time.Minute)
		require.Equal(h, 1, asked)
		require.Empty(h, diary.take(), "no SUBSCRIBE")
		events, times := h.connections()
		require.Greater(h, len(events), 1)
		require.Equal(h, 11*time.Second, times[0])
		require.ErrorContains(h, events[0].Err, "Confirm took longer than 10s: the call of Confirm has not returned")
		require.ErrorContains(h, events[1].Err, "Confirm took longer than 10s: an earlier call of Confirm has not returned")
		h.stop()
		require.ErrorIs(h, h.end(), context.Canceled)
		require.LessOrEqual(h, time.Since(h.began), time.Minute+time.Second)
	})
}
