package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
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
		act   func(ctx context.Context, h *harness, s *fencedStore) (caller <-chan error) // nil: nobody waits
		ends  time.Duration
		calls []string
	}{
		"registration": {func(_ context.Context, _ *harness, s *fencedStore) <-chan error {
			s.fence(deposed{"b"})
			return nil
		}, ms, nil},
		"registration, of which the ID is to be stored": {func(_ context.Context, h *harness, s *fencedStore) <-chan error {
			h.at(ms + ms/2)
			s.fence(deposed{"b"})
			return nil
		}, 2 * ms, []string{"SUBSCRIBE"}},
		"submission": {func(ctx context.Context, h *harness, s *fencedStore) <-chan error {
			h.at(1000 * ms)
			s.fence(deposed{"b"})
			return later(func() error { return h.sched.Submit(ctx, sleeper("a")) })
		}, 1001 * ms, append(slices.Clone(registered), "REVIVE")},
		"launch": {func(ctx context.Context, h *harness, s *fencedStore) <-chan error {
			h.at(1000 * ms)
			caller := h.launchLater(ctx, sleeper("a"))
			h.at(1001 * ms)
			require.Equal(h, task.StateStaging, h.state(ctx, "a"))
			require.Equal(h, []task.State{task.StatePending}, h.states("a"), "this is on record, staging is being written")
			s.fence(deposed{"b"})
			return caller
		}, 1002 * ms, append(slices.Clone(registered), "REVIVE")},
		"update": {func(ctx context.Context, h *harness, s *fencedStore) <-chan error {
			h.at(1000 * ms)
			caller := h.launchLater(ctx, sleeper("a"))
			h.at(1050 * ms)
			s.fence(deposed{"b"})
			return caller
		}, 1103 * ms, append(slices.Clone(registered), "REVIVE", "ACCEPT", "SUPPRESS")},
		"kill": {func(ctx context.Context, h *harness, s *fencedStore) <-chan error {
			require.NoError(h, <-h.launchLater(ctx, sleeper("a")))
			h.at(10_000 * ms)
			s.fence(deposed{"b"})
			return later(func() error {
				_, err := h.sched.Kill(ctx, "a")
				return err
			})
		}, 10_001 * ms, append(slices.Clone(launched), "KILL")},
		"a failure for capacity, for which nobody asked": {func(ctx context.Context, h *harness, s *fencedStore) <-chan error {
			require.NoError(h, <-h.launchLater(ctx, sleeper("a")))
			h.at(10_000 * ms)
			big := sleeper("big")
			big.Constraints = []task.Constraint{{Attribute: "rack", Operator: task.OpLike, Value: "none"}}
			caller := h.launchLater(ctx, big)
			h.at(11_000 * ms)
			s.fence(deposed{"b"})
			return caller
		}, 20_001 * ms, append(slices.Clone(launched), "REVIVE", "DECLINE", "UPDATE_FRAMEWORK")},
		"teardown": {func(ctx context.Context, h *harness, s *fencedStore) <-chan error {
			require.NoError(h, <-h.launchLater(ctx, sleeper("a")))
			h.at(10_000 * ms)
			s.fence(deposed{"b"})
			return later(func() error { return h.sched.Teardown(ctx) })
		}, 10_001 * ms, append(slices.Clone(launched), "TEARDOWN")},
	} {
		t.Run(name, func(t *testing.T) {
			config := scheduler.Config{Offers: scheduler.OfferPolicy{MaxWait: 10 * time.Second}}
			withIdleHarness(t, mesostest.Config{Agents: agents(1)}, config, func(ctx context.Context, h *harness) {
				s := &fencedStore{diary: h.keep()}
				watched := make(chan scheduler.Event, 1)
				events := h.sched.Watch(context.Background())
				go func() {
					var last scheduler.Event
					for e := range events {
						last = e
					}
					watched <- last
				}()
				h.lead(ctx, scheduler.Term{Number: 1, Store: s})
				synctest.Wait()
				var callers []<-chan error
				if caller := c.act(ctx, h, s); caller != nil {
					callers = append(callers, caller)
				}
				h.requireFenced(ctx, h.end(), callers...)
				require.Equal(h, c.ends, time.Since(h.began))
				var fenced *scheduler.FencedError
				require.ErrorAs(h, (<-watched).(scheduler.ConnectionEvent).Err, &fenced, "the last that watchers hear")
				h.at(time.Hour)
				lines, times := s.diary.takeTimes()
				require.Equal(h, append(c.calls, "fenced"), lines)
				require.Equal(h, c.ends, times[len(times)-1], "the run has ended at that instant")
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

func (h *harness) launchLater(ctx context.Context, spec task.Spec) <-chan error {
	return later(func() error {
		_, err := h.sched.Launch(ctx, spec)
		return err
	})
}

func (h *harness) state(ctx context.Context, id string) task.State {
	info, err := h.sched.Task(ctx, id)
	require.NoError(h, err)
	return info.State
}

// A store that is fenced when the records are loaded: nothing is begun.
func TestFencedLoad(t *testing.T) {
	withIdleHarness(t, mesostest.Config{}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		s := &fencedStore{diary: h.keep()}
		s.fence(deposed{"b"})
		h.lead(ctx, scheduler.Term{Number: 1, Store: s, Confirm: s.diary.confirm()})
		synctest.Wait()
		h.requireFenced(ctx, h.end())
		require.Equal(h, []string{"fenced"}, s.diary.take())

		h.lead(ctx, scheduler.Term{Number: 2, Store: &testStore{}})
		synctest.Wait()
		require.NoError(h, h.sched.Submit(ctx, sleeper("a")), "it may lead again")
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
			withIdleHarness(t, mesostest.Config{}, scheduler.Config{}, func(ctx context.Context, h *harness) {
				s := &fencedStore{diary: h.keep()}
				h.lead(ctx, scheduler.Term{Store: s})
				h.at(time.Second)
				s.fence(c.err)
				submitted := later(func() error { return h.sched.Submit(ctx, sleeper("a")) })
				h.at(2 * time.Second)
				if !c.fenced {
					require.Empty(h, h.ended)
					s.fence(nil)
					require.NoError(h, <-submitted, "it was tried again")
					return
				}
				var fenced *scheduler.FencedError
				ended := h.end()
				require.ErrorAs(h, ended, &fenced)
				require.ErrorIs(h, ended, deposed{"b"})
				err := <-submitted
				require.ErrorIs(h, err, scheduler.ErrNotRunning)
				require.ErrorAs(h, err, &fenced)
				require.NotErrorIs(h, err, context.Canceled, "the caller's own goes on")
				require.ErrorContains(h, err, strings.ReplaceAll(c.err.Error(), "\n", `\n`))
			})
		})
	}
}
