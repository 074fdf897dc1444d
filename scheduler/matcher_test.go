package scheduler_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

// A task that the matcher places twice is launched once.
func TestMatcherThatPlacesTwice(t *testing.T) {
	twice := brokenMatcher(func(c task.Cycle) ([]task.Placement, []task.Rejection) {
		placed, rejected := taskmatcher.FirstFit{}.Match(c)
		return append(placed, placed...), rejected
	})
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Matcher: twice}, func(ctx context.Context, h *harness) {
		_, err := h.sched.Launch(ctx, sleeper("a"))
		require.NoError(h, err)
		h.at(time.Minute)
		require.Equal(h, []task.State{task.StatePending, task.StateStaging, task.StateStarting, task.StateRunning}, h.states("a"))
	})
}

type brokenMatcher func(task.Cycle) ([]task.Placement, []task.Rejection)

func (m brokenMatcher) Match(c task.Cycle) ([]task.Placement, []task.Rejection) {
	return m(c)
}

// A matcher that violates its contract spoils only its cycles.
func TestBrokenMatchers(t *testing.T) {
	place := func(c task.Cycle) task.Placement {
		return task.Placement{TaskID: c.Tasks[0].ID, OfferIDs: []string{c.Offers[0].ID}, AgentID: c.Offers[0].Agent.ID}
	}
	matchers := map[string]brokenMatcher{
		"the wrong agent of an offer": func(c task.Cycle) ([]task.Placement, []task.Rejection) {
			p := place(c)
			p.AgentID = "other"
			return []task.Placement{p}, nil
		},
		"panics with many tasks": func(c task.Cycle) ([]task.Placement, []task.Rejection) {
			if len(c.Tasks) > 1 {
				panic("no")
			}
			return nil, nil
		},
		"places an unknown task": func(c task.Cycle) ([]task.Placement, []task.Rejection) {
			return []task.Placement{{TaskID: "nobody", OfferIDs: []string{c.Offers[0].ID}, AgentID: c.Offers[0].Agent.ID}}, nil
		},
		"places on an unknown offer": func(c task.Cycle) ([]task.Placement, []task.Rejection) {
			return []task.Placement{{TaskID: c.Tasks[0].ID, OfferIDs: []string{"none"}}}, nil
		},
	}
	for name, m := range matchers {
		t.Run(name, func(t *testing.T) {
			withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Matcher: m}, func(ctx context.Context, h *harness) {
				require.NoError(h, h.sched.Submit(ctx, sleeper("a")))
				require.NoError(h, h.sched.Submit(ctx, sleeper("b")))
				h.at(time.Second)
				info, err := h.sched.Task(ctx, "a")
				require.NoError(h, err)
				require.Equal(h, task.StatePending, info.State)
				require.Empty(h, h.master.Snapshot().Offers)
				h.mu.Lock()
				defer h.mu.Unlock()
				require.True(h, slices.ContainsFunc(h.events, func(e scheduler.Event) bool {
					o, ok := e.(scheduler.OfferEvent)
					return ok && o.Err != nil
				}))
			})
		})
	}
}

// If a matcher panics over a task, the tasks of its class fail, with the stack, and the others are placed.
func TestMatcherThatPanicsOverATask(t *testing.T) {
	picky := brokenMatcher(func(c task.Cycle) ([]task.Placement, []task.Rejection) {
		if slices.ContainsFunc(c.Tasks, func(d task.Demand) bool { return d.Spec.Group == "bad" }) {
			panic("bad task")
		}
		return taskmatcher.FirstFit{}.Match(c)
	})
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Matcher: picky}, func(ctx context.Context, h *harness) {
		bad := sleeper("bad")
		bad.Group = "bad"
		require.NoError(h, h.sched.Submit(ctx, sleeper("good")))
		require.NoError(h, h.sched.Submit(ctx, bad))
		bad.ID = "bad2"
		_, err := h.sched.Launch(ctx, bad)
		var failed *scheduler.TaskError
		require.ErrorAs(h, err, &failed)
		require.Equal(h, task.StateError, failed.Task.State)
		require.False(h, failed.Retryable())
		var panicked *scheduler.PanicError
		require.ErrorAs(h, err, &panicked)
		require.Equal(h, "bad task", panicked.Value)
		require.Contains(h, panicked.Stack, "TestMatcherThatPanicsOverATask")
		h.at(time.Second)
		require.Equal(h, []task.State{task.StatePending, task.StateStaging, task.StateStarting, task.StateRunning}, h.states("good"))
		require.Equal(h, []task.State{task.StatePending, task.StateError}, h.states("bad"))
	})
}

// If a matcher panics whatever the task, no task fails.
func TestMatcherThatPanicsOverAnOffer(t *testing.T) {
	var odd atomic.Bool
	odd.Store(true)
	picky := brokenMatcher(func(c task.Cycle) ([]task.Placement, []task.Rejection) {
		if odd.Load() {
			panic("odd offer")
		}
		return taskmatcher.FirstFit{}.Match(c)
	})
	withIdleScheduler(t, []string{address}, mesostest.Config{Agents: agents(1)}, scheduler.Config{Matcher: picky}, func(ctx context.Context, h *harness) {
		h.cut.Store(true) // so that no offer comes before both are there: of a single task it could not be told
		h.lead(ctx, scheduler.Term{})
		for _, id := range []string{"a", "b"} {
			require.NoError(h, h.sched.Submit(ctx, sleeper(id)))
		}
		h.cut.Store(false)
		h.at(10 * time.Second)
		odd.Store(false)
		h.at(2 * time.Minute)
		for _, id := range []string{"a", "b"} {
			require.Equal(h, []task.State{task.StatePending, task.StateStaging, task.StateStarting, task.StateRunning}, h.states(id))
		}
	})
}
