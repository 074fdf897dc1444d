package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// Explain returns for each task why it is not launched.
func TestExplain(t *testing.T) {
	cluster := mesostest.Config{Agents: []mesostest.Agent{{Resources: "cpus:8;mem:900"}, {Resources: "cpus:1;mem:4000"}}}
	withHarness(t, cluster, scheduler.Config{}, func(ctx context.Context, h *harness) {
		big := sleeper("big")
		big.CPUs, big.Mem = 2, 1000
		require.NoError(h, h.sched.Submit(ctx, big))
		h.at(time.Minute)
		e, err := h.sched.Explain(ctx, "big")
		require.NoError(h, err)
		require.Equal(h, task.StatePending, e.Task.State)
		require.True(h, e.Subscribed)
		require.NoError(h, errors.Join(e.SubscribeErr, e.StoreErr, e.MatcherErr))
		require.Zero(h, e.NotBefore)
		require.Positive(h, e.Cycles)
		require.LessOrEqual(h, len(e.Findings), e.Cycles)
		f, found := e.Widest()
		require.True(h, found)
		require.Equal(h, 2, f.Offers)
		require.ElementsMatch(h, []task.Reason{
			{Kind: task.ReasonShortage, Resource: "mem", Agents: 1, Short: 100, Hostname: "agent1.example"},
			{Kind: task.ReasonShortage, Resource: "cpus", Agents: 1, Short: 1, Hostname: "agent2.example"},
		}, f.Reasons)
		require.Contains(h, e.String(), "task big pending since ")
		require.Contains(h, e.String(), "mem: not enough on 1 agent; closest agent1.example, 100 MiB short")
		require.True(h, e.Filtered)
		require.Contains(h, e.String(), "; the master does not send offers that fit no pending task")

		_, err = h.sched.Launch(ctx, sleeper("small"))
		require.NoError(h, err)
		e, err = h.sched.Explain(ctx, "small")
		require.NoError(h, err)
		require.Equal(h, task.StateRunning, e.Task.State)
		require.Empty(h, e.Findings)
		require.Contains(h, e.String(), "task small running on ")

		_, err = h.sched.Explain(ctx, "nobody")
		require.ErrorIs(h, err, scheduler.ErrUnknownTask)
	})
}

// A matcher may return one rejection for each task, instead of one for all of a class.
func TestExplainWithAMatcherOfOnesOwn(t *testing.T) {
	each := brokenMatcher(func(c task.Cycle) (_ []task.Placement, rejected []task.Rejection) {
		for _, d := range c.Tasks {
			rejected = append(rejected, task.Rejection{TaskID: d.ID, Reasons: []task.Reason{{Kind: task.ReasonFilter, Agents: len(c.Offers)}}})
		}
		return nil, rejected
	})
	withHarness(t, mesostest.Config{Agents: agents(2)}, scheduler.Config{Matcher: each}, func(ctx context.Context, h *harness) {
		for _, id := range []string{"a", "b"} {
			require.NoError(h, h.sched.Submit(ctx, sleeper(id)))
		}
		h.at(time.Hour)
		for _, id := range []string{"a", "b"} {
			e, err := h.sched.Explain(ctx, id)
			require.NoError(h, err)
			require.Greater(h, e.Cycles, 16)
			require.Len(h, e.Findings, 16)
			require.True(h, e.Findings[0].At.After(e.Findings[1].At), "the newest first")
			f, _ := e.Widest()
			require.Equal(h, "of 2 offers: filter: refuses 2 agents", f.String())
		}
	})
}

// An error of the matcher is part of the explanation.
func TestExplainABrokenMatcher(t *testing.T) {
	broken := brokenMatcher(func(c task.Cycle) ([]task.Placement, []task.Rejection) {
		if len(c.Tasks) > 1 { // it would be the task's fault
			panic("out of cheese")
		}
		return nil, nil
	})
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Matcher: broken}, func(ctx context.Context, h *harness) {
		for _, id := range []string{"a", "b"} {
			require.NoError(h, h.sched.Submit(ctx, sleeper(id)))
		}
		h.at(time.Minute)
		e, err := h.sched.Explain(ctx, "a")
		require.NoError(h, err)
		var panicked *scheduler.PanicError
		require.ErrorAs(h, e.MatcherErr, &panicked)
		require.Contains(h, e.String(), ": the last cycle failed: scheduler: panic in the matcher: out of cheese; ")
		require.NotContains(h, e.String(), "\n")
	})
}

// A task fails with the cycle that is one too many, or at its deadline, whichever is first.
func TestCapacityError(t *testing.T) {
	for _, c := range []struct {
		reason string
		policy scheduler.OfferPolicy
		agents int
		cycles int
		waited time.Duration
	}{
		{"the first cycle", scheduler.OfferPolicy{MaxCycles: 1}, 1, 1, 0},
		{"the master offers again after what was refused", scheduler.OfferPolicy{MaxCycles: 2, MaxWait: time.Hour}, 1, 2, 0},
		{"nothing is offered", scheduler.OfferPolicy{MaxCycles: 2, MaxWait: time.Minute}, 0, 0, time.Minute},
		{"a day is too long", scheduler.OfferPolicy{MaxWait: time.Minute}, 1, -1, time.Minute},
	} {
		t.Run(c.reason, func(t *testing.T) {
			withHarness(t, mesostest.Config{Agents: agents(c.agents)}, scheduler.Config{Offers: c.policy}, func(ctx context.Context, h *harness) {
				big := sleeper("big")
				big.CPUs = 64
				_, err := h.sched.Launch(ctx, big)
				var failed *scheduler.TaskError
				require.ErrorAs(h, err, &failed)
				require.Equal(h, task.StateFailed, failed.Task.State)
				require.True(h, failed.Retryable())
				var capacity *scheduler.CapacityError
				require.ErrorAs(h, err, &capacity)
				require.Equal(h, time.Since(failed.Task.Submitted), capacity.Waited)
				if c.waited > 0 {
					require.Equal(h, c.waited, capacity.Waited)
				}
				if c.cycles >= 0 {
					require.Equal(h, c.cycles, capacity.Cycles)
				}
				require.Equal(h, c.agents > 0, len(capacity.Rejection.Reasons) > 0)
				if c.agents > 0 {
					require.Equal(h, "big: cpus: not enough on 1 agent; closest agent1.example, 60 short", capacity.Rejection.String())
				}
				require.Equal(h, []task.State{task.StatePending, task.StateFailed}, h.states("big"))
			})
		})
	}
}

// Many tasks may fail at the same time.
func TestCapacityErrorOfMany(t *testing.T) {
	policy := scheduler.OfferPolicy{MaxWait: time.Minute}
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Offers: policy}, func(ctx context.Context, h *harness) {
		big := sleeper("")
		big.CPUs = 64
		for i := range 100 {
			big.ID = fmt.Sprint("big", i)
			require.NoError(h, h.sched.Submit(ctx, big))
		}
		h.at(59 * time.Second)
		info, err := h.sched.Launch(ctx, sleeper("small"))
		require.NoError(h, err)
		require.Equal(h, task.StateRunning, info.State)
		require.Equal(h, []task.State{task.StatePending}, h.states("big0"))
		h.at(time.Minute)
		for i := range 100 {
			require.Equal(h, []task.State{task.StatePending, task.StateFailed}, h.states(fmt.Sprint("big", i)))
		}
		h.at(time.Hour)
		info, err = h.sched.Task(ctx, "small")
		require.NoError(h, err)
		require.Equal(h, task.StateRunning, info.State)
	})
}

// The time for which a task has waited counts on in another process.
func TestDeadlineAcrossARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := scheduler.Config{
			Store: &testStore{}, Offers: scheduler.OfferPolicy{MaxWait: time.Hour},
			Master: "master:5050", Framework: scheduler.Framework{Name: "test"}, DialContext: nobody,
			Logger: slog.New(slog.DiscardHandler),
		}
		began := time.Now()
		run := func(d time.Duration, f func(context.Context, *scheduler.Scheduler)) {
			s, err := scheduler.New(config)
			require.NoError(t, err)
			ctx, cancel := context.WithTimeout(context.Background(), d)
			defer cancel()
			ended := make(chan error, 1)
			go func() { ended <- s.Run(ctx) }()
			f(ctx, s)
			require.ErrorIs(t, <-ended, context.DeadlineExceeded)
		}
		run(10*time.Minute, func(ctx context.Context, s *scheduler.Scheduler) {
			require.NoError(t, s.Submit(ctx, sleeper("a")))
		})
		time.Sleep(40 * time.Minute)
		run(20*time.Minute, func(ctx context.Context, s *scheduler.Scheduler) {
			for e := range s.Watch(ctx) {
				if e, ok := e.(scheduler.TaskEvent); ok && e.Task.State == task.StateFailed {
					break
				}
			}
			require.Equal(t, time.Hour, time.Since(began))
		})
	})
}

func nobody(context.Context, string, string) (net.Conn, error) {
	return nil, errors.New("nobody there")
}
