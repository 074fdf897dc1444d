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
	inWorld(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Matcher: twice}, func(ctx context.Context, w *world) {
		_, err := w.sched.Launch(ctx, sleeper("a"))
		require.NoError(w, err)
		w.at(time.Minute)
		require.Equal(w, []task.State{task.Pending, task.Staging, task.Starting, task.Running}, w.states("a"))
	})
}

type brokenMatcher func(task.Cycle) ([]task.Placement, []task.Rejection)

func (m brokenMatcher) Match(c task.Cycle) ([]task.Placement, []task.Rejection) {
	return m(c)
}

// A matcher that breaks its contract costs nothing but its cycles.
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
			inWorld(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Matcher: m}, func(ctx context.Context, w *world) {
				require.NoError(w, w.sched.Submit(ctx, sleeper("a")))
				require.NoError(w, w.sched.Submit(ctx, sleeper("b")))
				w.at(time.Second)
				info, err := w.sched.Task(ctx, "a")
				require.NoError(w, err)
				require.Equal(w, task.Pending, info.State)
				require.Empty(w, w.master.Snapshot().Offers)
				w.mu.Lock()
				defer w.mu.Unlock()
				require.True(w, slices.ContainsFunc(w.events, func(e scheduler.Event) bool {
					o, ok := e.(scheduler.OfferEvent)
					return ok && o.Err != nil
				}))
			})
		})
	}
}

// A matcher that panics over a task fails those of its shape, with the stack, and places the others.
func TestMatcherThatPanicsOverATask(t *testing.T) {
	picky := brokenMatcher(func(c task.Cycle) ([]task.Placement, []task.Rejection) {
		if slices.ContainsFunc(c.Tasks, func(d task.Demand) bool { return d.Spec.Group == "bad" }) {
			panic("bad task")
		}
		return taskmatcher.FirstFit{}.Match(c)
	})
	inWorld(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Matcher: picky}, func(ctx context.Context, w *world) {
		bad := sleeper("bad")
		bad.Group = "bad"
		require.NoError(w, w.sched.Submit(ctx, sleeper("good")))
		require.NoError(w, w.sched.Submit(ctx, bad))
		bad.ID = "bad2"
		_, err := w.sched.Launch(ctx, bad)
		var failed *scheduler.TaskError
		require.ErrorAs(w, err, &failed)
		require.Equal(w, task.Error, failed.Task.State)
		require.False(w, failed.Retryable())
		var panicked *scheduler.PanicError
		require.ErrorAs(w, err, &panicked)
		require.Equal(w, "bad task", panicked.Value)
		require.Contains(w, panicked.Stack, "TestMatcherThatPanicsOverATask")
		w.at(time.Second)
		require.Equal(w, []task.State{task.Pending, task.Staging, task.Starting, task.Running}, w.states("good"))
		require.Equal(w, []task.State{task.Pending, task.Error}, w.states("bad"))
	})
}

// A matcher that panics over an offer, whatever the task, fails no task.
func TestMatcherThatPanicsOverAnOffer(t *testing.T) {
	var odd atomic.Bool
	odd.Store(true)
	picky := brokenMatcher(func(c task.Cycle) ([]task.Placement, []task.Rejection) {
		if odd.Load() {
			panic("odd offer")
		}
		return taskmatcher.FirstFit{}.Match(c)
	})
	inWorld(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Matcher: picky}, func(ctx context.Context, w *world) {
		for _, id := range []string{"a", "b"} {
			require.NoError(w, w.sched.Submit(ctx, sleeper(id)))
		}
		w.at(10 * time.Second)
		odd.Store(false)
		w.at(2 * time.Minute)
		for _, id := range []string{"a", "b"} {
			require.Equal(w, []task.State{task.Pending, task.Staging, task.Starting, task.Running}, w.states(id))
		}
	})
}
