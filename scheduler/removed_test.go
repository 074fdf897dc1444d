package scheduler_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// removals are the ways in which a framework is removed, with whether the scheduler's run is over by then.
func removals() map[string]func(h *harness) (ended bool) {
	stop := func(h *harness) {
		h.stop()
		require.ErrorIs(h, h.end(), context.Canceled)
	}
	return map[string]func(h *harness) bool{
		"down for longer than the failover timeout": func(h *harness) bool {
			stop(h)
			h.at(time.Since(h.began) + time.Hour)
			require.Empty(h, h.master.Snapshot().Frameworks)
			return true
		},
		"torn down by an operator meanwhile": func(h *harness) bool {
			id := h.master.Snapshot().Frameworks[0].ID
			stop(h)
			require.NoError(h, h.master.Teardown(id))
			return true
		},
		"torn down by an operator": func(h *harness) bool {
			require.NoError(h, h.master.Teardown(h.master.Snapshot().Frameworks[0].ID))
			return false
		},
		"cut off for longer than the failover timeout": func(h *harness) bool {
			h.cut.Store(true)
			h.master.CutStreams()
			h.at(time.Since(h.began) + time.Hour)
			h.cut.Store(false)
			return false
		},
	}
}

// withRemoved calls f with a framework that was removed in each way, without a store, with one, and in an election, while a
// task was running, another launched, a third one to be killed and a fourth one pending. The run after that has begun.
func withRemoved(t *testing.T, renew bool, f func(ctx context.Context, h *harness, removed string, term scheduler.Term)) {
	for way, remove := range removals() {
		for _, kind := range []string{"memory", "a store", "an election"} {
			t.Run(way+"/"+kind, func(t *testing.T) {
				config := scheduler.Config{RenewFramework: renew, Framework: scheduler.Framework{FailoverTimeout: 10 * time.Minute}}
				term := scheduler.Term{}
				switch kind {
				case "a store":
					config.Store = &testStore{}
				case "an election":
					term = scheduler.Term{Number: 1, Store: &testStore{}}
				}
				withIdleHarness(t, mesostest.Config{Agents: agents(1)}, config, func(ctx context.Context, h *harness) {
					h.lead(ctx, term)
					synctest.Wait()
					stubborn := sleeper("killed")
					stubborn.Command.Shell = "trap '' TERM; sleep 3600"
					stubborn.KillPolicy = &task.KillPolicy{GracePeriod: 24 * time.Hour}
					for _, spec := range []task.Spec{sleeper("a"), stubborn} {
						_, err := h.sched.Launch(ctx, spec)
						require.NoError(h, err)
					}
					big := sleeper("big")
					big.CPUs = 1000
					require.NoError(h, h.sched.Submit(ctx, big))
					killing, cancel := context.WithTimeout(ctx, time.Second)
					_, err := h.sched.Kill(killing, "killed")
					cancel()
					require.ErrorIs(h, err, context.DeadlineExceeded)
					removed := h.master.Snapshot().Frameworks[0].ID
					if remove(h) {
						term.Number *= 2
						h.lead(ctx, term)
						synctest.Wait()
					}
					f(ctx, h, removed, term)
				})
			})
		}
	}
}

// With RenewFramework Run goes on with a new framework. What had been launched is lost, with the reason, or killed if that was
// wanted; what is pending stays.
func TestRenewRemovedFramework(t *testing.T) {
	withRemoved(t, true, func(ctx context.Context, h *harness, removed string, _ scheduler.Term) {
		h.at(time.Since(h.began) + time.Minute)
		lost, err := h.sched.Task(ctx, "a")
		require.NoError(h, err)
		require.Equal(h, task.StateLost, lost.State)
		var reason *scheduler.FrameworkRemovedError
		require.ErrorAs(h, lost.Err, &reason)
		require.Equal(h, removed, reason.FrameworkID)
		require.Equal(h, task.StateKilled, h.state(ctx, "killed"))
		require.Equal(h, task.StatePending, h.state(ctx, "big"))
		status, err := h.sched.Status(ctx)
		require.NoError(h, err)
		require.True(h, status.Connected)
		require.NotEqual(h, removed, status.FrameworkID)
		require.Equal(h, []string{removed}, h.master.Snapshot().Completed)
		_, err = h.sched.Launch(ctx, sleeper("b"))
		require.NoError(h, err)
	})
}

// Without it Run ends, and the error says what to do. Later runs end in the same way.
func TestRemovedFramework(t *testing.T) {
	withRemoved(t, false, func(ctx context.Context, h *harness, removed string, term scheduler.Term) {
		for range 2 {
			var reason *scheduler.FrameworkRemovedError
			err := h.end()
			require.ErrorAs(h, err, &reason)
			require.Equal(h, removed, reason.FrameworkID)
			require.ErrorContains(h, err, "Config.RenewFramework")
			term.Number *= 2
			h.lead(ctx, term)
		}
		require.Error(h, h.end())
	})
}

// Whoever was told to set RenewFramework and does so goes on with what is on record, in any number of removals.
func TestRenewAfterTheError(t *testing.T) {
	store := &testStore{}
	withIdleHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Store: store}, func(ctx context.Context, h *harness) {
		h.lead(ctx, scheduler.Term{})
		synctest.Wait()
		_, err := h.sched.Launch(ctx, sleeper("a"))
		require.NoError(h, err)
		big := sleeper("big")
		big.CPUs = 1000
		require.NoError(h, h.sched.Submit(ctx, big))
		require.NoError(h, h.master.Teardown(h.master.Snapshot().Frameworks[0].ID))
		var reason *scheduler.FrameworkRemovedError
		require.ErrorAs(h, h.end(), &reason)
		for n := range 3 {
			next, stop := h.successorOf(ctx, scheduler.Config{Store: store, RenewFramework: true})
			for _, id := range []string{"a", fmt.Sprintf("b%d", n-1)} {
				if n == 0 && id != "a" {
					continue
				}
				info, err := next.Task(ctx, id)
				require.NoError(h, err)
				h.at(time.Since(h.began) + time.Minute)
				info, err = next.Task(ctx, id)
				require.NoError(h, err)
				require.Equal(h, task.StateLost, info.State, id)
				require.ErrorContains(h, info.Err, "has been removed")
			}
			info, err := next.Task(ctx, "big")
			require.NoError(h, err)
			require.Equal(h, task.StatePending, info.State)
			_, err = next.Launch(ctx, sleeper(fmt.Sprintf("b%d", n)))
			require.NoError(h, err)
			require.ErrorIs(h, stop(), context.Canceled)
			h.at(time.Since(h.began) + 8*24*time.Hour) // longer than the default of a week
		}
	})
}

// The master has removed the framework, and another one leads that does not know that: it takes the old ID. Mesos has killed the
// tasks, which the agent says when it is asked.
func TestRemovedFrameworkForgottenByMaster(t *testing.T) {
	for _, renew := range []bool{false, true} {
		withIdleHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{RenewFramework: renew}, func(ctx context.Context, h *harness) {
			h.lead(ctx, scheduler.Term{})
			synctest.Wait()
			_, err := h.sched.Launch(ctx, sleeper("a"))
			require.NoError(h, err)
			h.stop()
			require.ErrorIs(h, h.end(), context.Canceled)
			h.at(time.Hour)
			require.Empty(h, h.master.Snapshot().Running)
			require.True(h, h.master.Failover(time.Second))
			h.at(2 * time.Hour)
			h.lead(ctx, scheduler.Term{})
			h.at(3 * time.Hour)
			info, err := h.sched.Task(ctx, "a")
			require.NoError(h, err)
			require.Equal(h, task.StateGone, info.State)
			_, err = h.sched.Launch(ctx, sleeper("b"))
			require.NoError(h, err)
		})
	}
}
