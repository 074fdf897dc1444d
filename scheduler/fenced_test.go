package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// fencedStore takes a millisecond for a writing. From some moment on it says that another process leads, and notes
// in a diary when it did so first.
type fencedStore struct {
	testStore
	diary  *diary
	reason error
	fenced bool
}

// fence has the store refuse what is asked of it from now on.
func (s *fencedStore) fence(reason error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reason = reason
}

func (s *fencedStore) refusal() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reason != nil && !s.fenced {
		s.fenced = true
		s.diary.add("fenced")
	}
	return s.reason
}

func (s *fencedStore) Load(ctx context.Context) (map[string][]byte, error) {
	if err := s.refusal(); err != nil {
		return nil, err
	}
	return s.testStore.Load(ctx)
}

func (s *fencedStore) Apply(ctx context.Context, changes map[string][]byte) error {
	time.Sleep(time.Millisecond)
	if err := s.refusal(); err != nil {
		return err
	}
	return s.testStore.Apply(ctx, changes)
}

// Whatever it is that is to be written when a store says that another process leads: the run ends at that instant,
// everybody is told why, and not one call is made after that.
func TestFencedStore(t *testing.T) {
	const ms = time.Millisecond
	registered := []string{"SUBSCRIBE", "SUBSCRIBE", "RECONCILE"}
	launched := append(slices.Clone(registered), "ACCEPT", "SUPPRESS", "ACKNOWLEDGE", "ACKNOWLEDGE")
	for name, c := range map[string]struct {
		act   func(ctx context.Context, w *world, s *fencedStore) (caller <-chan error) // nil: nobody waits
		ends  time.Duration
		calls []string
	}{
		"registration": {func(_ context.Context, _ *world, s *fencedStore) <-chan error {
			s.fence(deposed{"b"})
			return nil
		}, ms, nil},
		"registration, of which the ID is to be stored": {func(_ context.Context, w *world, s *fencedStore) <-chan error {
			w.at(ms + ms/2)
			s.fence(deposed{"b"})
			return nil
		}, 2 * ms, []string{"SUBSCRIBE"}},
		"submission": {func(ctx context.Context, w *world, s *fencedStore) <-chan error {
			w.at(1000 * ms)
			s.fence(deposed{"b"})
			return later(func() error { return w.sched.Submit(ctx, sleeper("a")) })
		}, 1001 * ms, append(slices.Clone(registered), "REVIVE")},
		"launch": {func(ctx context.Context, w *world, s *fencedStore) <-chan error {
			w.at(1000 * ms)
			caller := w.launchLater(ctx, sleeper("a"))
			w.at(1001 * ms)
			require.Equal(w, task.Staging, w.state(ctx, "a"))
			require.Equal(w, []task.State{task.Pending}, w.states("a"), "this is on record, staging is being written")
			s.fence(deposed{"b"})
			return caller
		}, 1002 * ms, append(slices.Clone(registered), "REVIVE")},
		"update": {func(ctx context.Context, w *world, s *fencedStore) <-chan error {
			w.at(1000 * ms)
			caller := w.launchLater(ctx, sleeper("a"))
			w.at(1050 * ms)
			s.fence(deposed{"b"})
			return caller
		}, 1103 * ms, append(slices.Clone(registered), "REVIVE", "ACCEPT", "SUPPRESS")},
		"kill": {func(ctx context.Context, w *world, s *fencedStore) <-chan error {
			require.NoError(w, <-w.launchLater(ctx, sleeper("a")))
			w.at(10_000 * ms)
			s.fence(deposed{"b"})
			return later(func() error {
				_, err := w.sched.Kill(ctx, "a")
				return err
			})
		}, 10_001 * ms, append(slices.Clone(launched), "KILL")},
		"a failure for capacity, for which nobody asked": {func(ctx context.Context, w *world, s *fencedStore) <-chan error {
			require.NoError(w, <-w.launchLater(ctx, sleeper("a")))
			w.at(10_000 * ms)
			big := sleeper("big")
			big.Constraints = []task.Constraint{{Attribute: "rack", Operator: task.Like, Value: "none"}}
			caller := w.launchLater(ctx, big)
			w.at(11_000 * ms)
			s.fence(deposed{"b"})
			return caller
		}, 20_001 * ms, append(slices.Clone(launched), "REVIVE", "DECLINE", "UPDATE_FRAMEWORK")},
		"teardown": {func(ctx context.Context, w *world, s *fencedStore) <-chan error {
			require.NoError(w, <-w.launchLater(ctx, sleeper("a")))
			w.at(10_000 * ms)
			s.fence(deposed{"b"})
			return later(func() error { return w.sched.Teardown(ctx) })
		}, 10_001 * ms, append(slices.Clone(launched), "TEARDOWN")},
	} {
		t.Run(name, func(t *testing.T) {
			config := scheduler.Config{Offers: scheduler.OfferPolicy{MaxWait: 10 * time.Second}}
			inIdleWorld(t, mesostest.Config{Agents: agents(1)}, config, func(ctx context.Context, w *world) {
				s := &fencedStore{diary: w.keep()}
				watched := make(chan scheduler.Event, 1)
				events := w.sched.Watch(context.Background())
				go func() {
					var last scheduler.Event
					for e := range events {
						last = e
					}
					watched <- last
				}()
				w.lead(ctx, scheduler.Term{Number: 1, Store: s})
				synctest.Wait()
				var callers []<-chan error
				if caller := c.act(ctx, w, s); caller != nil {
					callers = append(callers, caller)
				}
				w.requireFenced(ctx, w.end(), callers...)
				require.Equal(w, c.ends, time.Since(w.began))
				var fenced *scheduler.FencedError
				require.ErrorAs(w, (<-watched).(scheduler.ConnectionEvent).Err, &fenced, "the last that watchers hear")
				w.at(time.Hour)
				lines, times := s.diary.takeTimes()
				require.Equal(w, append(c.calls, "fenced"), lines)
				require.Equal(w, c.ends, times[len(times)-1], "the run has ended at that instant")
			})
		})
	}
}

// later makes a call that its caller waits for.
func later(f func() error) <-chan error {
	answer := make(chan error, 1)
	go func() { answer <- f() }()
	return answer
}

func (w *world) launchLater(ctx context.Context, spec task.Spec) <-chan error {
	return later(func() error {
		_, err := w.sched.Launch(ctx, spec)
		return err
	})
}

func (w *world) state(ctx context.Context, id string) task.State {
	info, err := w.sched.Task(ctx, id)
	require.NoError(w, err)
	return info.State
}

// A store that is fenced when the records are loaded: nothing is begun.
func TestFencedLoad(t *testing.T) {
	inIdleWorld(t, mesostest.Config{}, scheduler.Config{}, func(ctx context.Context, w *world) {
		s := &fencedStore{diary: w.keep()}
		s.fence(deposed{"b"})
		w.lead(ctx, scheduler.Term{Number: 1, Store: s, Confirm: s.diary.confirm()})
		synctest.Wait()
		w.requireFenced(ctx, w.end())
		require.Equal(w, []string{"fenced"}, s.diary.take())

		w.lead(ctx, scheduler.Term{Number: 2, Store: &testStore{}})
		synctest.Wait()
		require.NoError(w, w.sched.Submit(ctx, sleeper("a")), "it may lead again")
	})
}

// What a store says may be wrapped, and be one of several errors; only true is taken for true.
func TestFencedErrors(t *testing.T) {
	disk := errors.New("disk full")
	for name, c := range map[string]struct {
		err    error
		fenced bool
	}{
		"plain":                    {disk, false},
		"says that it is not":      {unsure{}, false},
		"wrapped":                  {fmt.Errorf("raft: %w", fmt.Errorf("apply: %w", deposed{"b"})), true},
		"joined":                   {errors.Join(disk, deposed{"b"}), true},
		"joined with one that not": {fmt.Errorf("%w, %w", unsure{}, deposed{"b"}), true},
		"the end of a context":     {fmt.Errorf("%w: %w", deposed{"b"}, context.Canceled), true},
		"of a scheduler":           {&scheduler.FencedError{Err: deposed{"b"}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			inIdleWorld(t, mesostest.Config{}, scheduler.Config{}, func(ctx context.Context, w *world) {
				s := &fencedStore{diary: w.keep()}
				w.lead(ctx, scheduler.Term{Store: s})
				w.at(time.Second)
				s.fence(c.err)
				submitted := later(func() error { return w.sched.Submit(ctx, sleeper("a")) })
				w.at(2 * time.Second)
				if !c.fenced {
					require.Empty(w, w.ended)
					s.fence(nil)
					require.NoError(w, <-submitted, "it was tried again")
					return
				}
				var fenced *scheduler.FencedError
				ended := w.end()
				require.ErrorAs(w, ended, &fenced)
				require.ErrorIs(w, ended, deposed{"b"})
				err := <-submitted
				require.ErrorIs(w, err, scheduler.ErrNotRunning)
				require.ErrorAs(w, err, &fenced)
				require.NotErrorIs(w, err, context.Canceled, "the caller's own goes on")
				require.ErrorContains(w, err, c.err.Error())
			})
		})
	}
}
