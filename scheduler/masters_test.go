package scheduler_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

func threeMasters() []string {
	return []string{"m0.example:5050", "m1.example:5050", "m2.example:5050"}
}

// Any master redirects to the leading one.
func TestRedirect(t *testing.T) {
	for _, entry := range []string{"m2.example:5050", "http://m1.example:5050", "gone.example:5050,m1.example:5050"} {
		withMasters(t, threeMasters(), mesostest.Config{Agents: agents(1)}, scheduler.Config{Master: entry}, func(ctx context.Context, h *harness) {
			_, err := h.sched.Launch(ctx, sleeper("a"))
			require.NoError(h, err, "calls go to the leader as well")
			events, _ := h.connections()
			require.True(h, events[len(events)-1].Connected)
		})
	}
}

// The leading master answers nothing any more. That is noticed after five heartbeats, and the next attempt asks another one.
func TestFrozenMaster(t *testing.T) {
	withMasters(t, threeMasters(), mesostest.Config{Agents: agents(1)}, scheduler.Config{}, func(_ context.Context, h *harness) {
		h.at(20 * time.Second)
		require.True(h, h.master.FreezeMaster(0))
		h.at(20*time.Second + 90*time.Second)
		events, times := h.connections()
		require.True(h, events[len(events)-1].Connected)
		require.Equal(h, 15*time.Second+75*time.Second, times[1], "a heartbeat was the last that it said")
		require.ErrorContains(h, events[1].Err, "the master said nothing for 1m15s")
	})
}

// The leading master dies. The scheduler is subscribed with the next one by the first attempt after
// that one leads, its tasks have never been anything but running, and all is as it was.
func TestMasterFailover(t *testing.T) {
	cluster := mesostest.Config{Agents: agents(3), SessionTimeout: 10 * time.Second, Recovery: 50 * time.Millisecond, Reregistration: 2 * time.Second}
	withMasters(t, threeMasters(), cluster, scheduler.Config{}, func(ctx context.Context, h *harness) {
		for _, id := range []string{"a", "b", "c"} {
			_, err := h.sched.Launch(ctx, sleeper(id))
			require.NoError(h, err)
		}
		h.at(20 * time.Second)
		require.True(h, h.master.LoseMaster(0))
		leads := 30*time.Second + 50*time.Millisecond
		h.at(10 * time.Minute)

		events, times := h.connections()
		last := len(events) - 1
		require.Equal(h, 20*time.Second, times[1], "noticed at once")
		require.True(h, events[last].Connected)
		require.Equal(h, events[last-1].NextAttempt.Sub(h.began), times[last], "at the announced instant")
		require.Less(h, times[last-1], leads, "every attempt before failed because nobody led")
		require.GreaterOrEqual(h, times[last], leads)
		require.Less(h, times[last]-times[last-1], 15*time.Second)

		require.NoError(h, h.sched.Reconcile(ctx))
		for _, id := range []string{"a", "b", "c"} {
			require.Equal(h, []task.State{task.StatePending, task.StateStaging, task.StateStarting, task.StateRunning}, h.states(id))
		}
		require.Len(h, h.master.Snapshot().Running, 3)
		_, err := h.sched.Kill(ctx, "a")
		require.NoError(h, err)
		_, err = h.sched.Launch(ctx, sleeper("d"))
		require.NoError(h, err)
	})
}

// Until the agent of a task has re-registered, a new master sends no update about it. The master is asked again and
// again, and the task is not taken for lost, however long that takes.
func TestReconciliationWaitsForAgents(t *testing.T) {
	cluster := mesostest.Config{Agents: agents(2), SessionTimeout: time.Second}
	withMasters(t, threeMasters(), cluster, scheduler.Config{}, func(ctx context.Context, h *harness) {
		info, err := h.sched.Launch(ctx, sleeper("a"))
		require.NoError(h, err)
		h.at(10 * time.Second)
		require.True(h, h.master.LoseAgent(info.Hostname))
		require.True(h, h.master.LoseMaster(0))
		h.at(9 * time.Minute)
		require.Equal(h, []task.State{task.StatePending, task.StateStaging, task.StateStarting, task.StateRunning}, h.states("a"))
		reconciled := make(chan error, 1)
		go func() { reconciled <- h.sched.Reconcile(ctx) }()
		h.at(9*time.Minute + 30*time.Second)
		require.Empty(h, reconciled)
		require.True(h, h.master.ReturnAgent(info.Hostname))
		require.NoError(h, <-reconciled)
		require.Less(h, time.Since(h.began), 11*time.Minute, "the longest pause between two questions is a minute")
		require.Equal(h, []task.State{task.StatePending, task.StateStaging, task.StateStarting, task.StateRunning}, h.states("a"))
	})
}

// A kill that a new master drops, because it does not know the task yet, is sent again.
func TestKillDuringFailover(t *testing.T) {
	cluster := mesostest.Config{Agents: agents(1), SessionTimeout: time.Second}
	withMasters(t, threeMasters(), cluster, scheduler.Config{}, func(ctx context.Context, h *harness) {
		info, err := h.sched.Launch(ctx, sleeper("a"))
		require.NoError(h, err)
		h.at(10 * time.Second)
		require.True(h, h.master.LoseAgent(info.Hostname))
		require.True(h, h.master.LoseMaster(0))
		h.at(time.Minute)
		killed := make(chan error, 1)
		go func() {
			_, err := h.sched.Kill(ctx, "a")
			killed <- err
		}()
		h.at(3 * time.Minute)
		require.Empty(h, killed)
		require.True(h, h.master.ReturnAgent(info.Hostname))
		require.NoError(h, <-killed)
		require.Less(h, time.Since(h.began), 3*time.Minute+63*time.Second)
		require.Empty(h, h.master.Snapshot().Running)
	})
}
