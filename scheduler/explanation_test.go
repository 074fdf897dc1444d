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

// A user asks why nothing is launched, and is told for each task.
func TestExplain(t *testing.T) {
	cluster := mesostest.Config{Agents: []mesostest.Agent{{Resources: "cpus:8;mem:900"}, {Resources: "cpus:1;mem:4000"}}}
	inWorld(t, cluster, scheduler.Config{}, func(ctx context.Context, w *world) {
		big := sleeper("big")
		big.CPUs, big.Mem = 2, 1000
		require.NoError(w, w.sched.Submit(ctx, big))
		w.at(time.Minute)
		e, err := w.sched.Explain(ctx, "big")
		require.NoError(w, err)
		require.Equal(w, task.Pending, e.Task.State)
		require.True(w, e.Subscribed)
		require.NoError(w, errors.Join(e.SubscribeErr, e.StoreErr, e.MatcherErr))
		require.Zero(w, e.NotBefore)
		require.Positive(w, e.Cycles)
		require.LessOrEqual(w, len(e.Findings), e.Cycles)
		f, found := e.Widest()
		require.True(w, found)
		require.Equal(w, 2, f.Offers)
		require.ElementsMatch(w, []task.Reason{
			{Kind: task.Shortage, Resource: "mem", Agents: 1, Short: 100, Hostname: "agent1.example"},
			{Kind: task.Shortage, Resource: "cpus", Agents: 1, Short: 1, Hostname: "agent2.example"},
		}, f.Reasons)
		require.Contains(w, e.String(), "task big pending since ")
		require.Contains(w, e.String(), "mem: 1 agent, short of 100 on agent1.example")
		require.True(w, e.Filtered)
		require.Contains(w, e.String(), "; the master does not send offers that fit no pending task")

		_, err = w.sched.Launch(ctx, sleeper("small"))
		require.NoError(w, err)
		e, err = w.sched.Explain(ctx, "small")
		require.NoError(w, err)
		require.Equal(w, task.Running, e.Task.State)
		require.Empty(w, e.Findings)
		require.Contains(w, e.String(), "task small running on ")

		_, err = w.sched.Explain(ctx, "nobody")
		require.ErrorIs(w, err, scheduler.ErrUnknownTask)
	})
}

// One rejection for each task, as a matcher of one's own may give them, is as good as one for all.
func TestExplainWithAMatcherOfOnesOwn(t *testing.T) {
	each := brokenMatcher(func(c task.Cycle) (_ []task.Placement, rejected []task.Rejection) {
		for _, d := range c.Tasks {
			rejected = append(rejected, task.Rejection{TaskID: d.ID, Reasons: []task.Reason{{Kind: task.Filtered, Agents: len(c.Offers)}}})
		}
		return nil, rejected
	})
	inWorld(t, mesostest.Config{Agents: agents(2)}, scheduler.Config{Matcher: each}, func(ctx context.Context, w *world) {
		for _, id := range []string{"a", "b"} {
			require.NoError(w, w.sched.Submit(ctx, sleeper(id)))
		}
		w.at(time.Hour)
		for _, id := range []string{"a", "b"} {
			e, err := w.sched.Explain(ctx, id)
			require.NoError(w, err)
			require.Greater(w, e.Cycles, 16)
			require.Len(w, e.Findings, 16)
			require.True(w, e.Findings[0].At.After(e.Findings[1].At), "the newest first")
			f, _ := e.Widest()
			require.Equal(w, "of 2 offers: filter: 2 agents", f.String())
		}
	})
}

// What a matcher did wrong is what keeps tasks from being launched.
func TestExplainABrokenMatcher(t *testing.T) {
	broken := brokenMatcher(func(c task.Cycle) ([]task.Placement, []task.Rejection) {
		if len(c.Tasks) > 1 { // it would be the task's fault
			panic("out of cheese")
		}
		return nil, nil
	})
	inWorld(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Matcher: broken}, func(ctx context.Context, w *world) {
		for _, id := range []string{"a", "b"} {
			require.NoError(w, w.sched.Submit(ctx, sleeper(id)))
		}
		w.at(time.Minute)
		e, err := w.sched.Explain(ctx, "a")
		require.NoError(w, err)
		var panicked *scheduler.PanicError
		require.ErrorAs(w, e.MatcherErr, &panicked)
		require.Contains(w, e.String(), ": the last cycle failed: scheduler: panic in the matcher: out of cheese: ")
		require.NotContains(w, e.String(), "\n")
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
			inWorld(t, mesostest.Config{Agents: agents(c.agents)}, scheduler.Config{Offers: c.policy}, func(ctx context.Context, w *world) {
				big := sleeper("big")
				big.CPUs = 64
				_, err := w.sched.Launch(ctx, big)
				var failed *scheduler.TaskError
				require.ErrorAs(w, err, &failed)
				require.Equal(w, task.Failed, failed.Task.State)
				require.True(w, failed.Retryable())
				var capacity *scheduler.CapacityError
				require.ErrorAs(w, err, &capacity)
				require.Equal(w, time.Since(failed.Task.Submitted), capacity.Waited)
				if c.waited > 0 {
					require.Equal(w, c.waited, capacity.Waited)
				}
				if c.cycles >= 0 {
					require.Equal(w, c.cycles, capacity.Cycles)
				}
				require.Equal(w, c.agents > 0, len(capacity.Rejection.Reasons) > 0)
				if c.agents > 0 {
					require.Equal(w, "big: cpus: 1 agent, short of 60 on agent1.example", capacity.Rejection.String())
				}
				require.Equal(w, []task.State{task.Pending, task.Failed}, w.states("big"))
			})
		})
	}
}

// Tasks that end at the same time, in any number, are each told of it.
func TestCapacityErrorOfMany(t *testing.T) {
	policy := scheduler.OfferPolicy{MaxWait: time.Minute}
	inWorld(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Offers: policy}, func(ctx context.Context, w *world) {
		big := sleeper("")
		big.CPUs = 64
		for i := range 100 {
			big.ID = fmt.Sprint("big", i)
			require.NoError(w, w.sched.Submit(ctx, big))
		}
		w.at(59 * time.Second)
		info, err := w.sched.Launch(ctx, sleeper("small"))
		require.NoError(w, err)
		require.Equal(w, task.Running, info.State)
		require.Equal(w, []task.State{task.Pending}, w.states("big0"))
		w.at(time.Minute)
		for i := range 100 {
			require.Equal(w, []task.State{task.Pending, task.Failed}, w.states(fmt.Sprint("big", i)))
		}
		w.at(time.Hour)
		info, err = w.sched.Task(ctx, "small")
		require.NoError(w, err)
		require.Equal(w, task.Running, info.State)
	})
}

// The time that a task waited for is not forgotten with the process.
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
				if e, ok := e.(scheduler.TaskEvent); ok && e.Task.State == task.Failed {
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
