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

// Any master leads to the one that leads.
func TestRedirect(t *testing.T) {
	for _, entry := range []string{"m2.example:5050", "http://m1.example:5050", "gone.example:5050,m1.example:5050"} {
		inWorldOf(t, threeMasters(), mesostest.Config{Agents: agents(1)}, scheduler.Config{Master: entry}, func(ctx context.Context, w *world) {
			_, err := w.sched.Launch(ctx, sleeper("a"))
			require.NoError(w, err, "calls go to the leader as well")
			events, _ := w.connections()
			require.True(w, events[len(events)-1].Connected)
		})
	}
}

// The leading master dies. The scheduler is subscribed with the next one by the first attempt after
// that one leads, its tasks have never been anything but running, and all is as it was.
func TestMasterFailover(t *testing.T) {
	cluster := mesostest.Config{Agents: agents(3), SessionTimeout: 10 * time.Second, Recovery: 50 * time.Millisecond, Reregistration: 2 * time.Second}
	inWorldOf(t, threeMasters(), cluster, scheduler.Config{}, func(ctx context.Context, w *world) {
		for _, id := range []string{"a", "b", "c"} {
			_, err := w.sched.Launch(ctx, sleeper(id))
			require.NoError(w, err)
		}
		w.at(20 * time.Second)
		require.True(w, w.master.LoseMaster(0))
		leads := 30*time.Second + 50*time.Millisecond
		w.at(10 * time.Minute)

		events, times := w.connections()
		last := len(events) - 1
		require.Equal(w, 20*time.Second, times[1], "noticed at once")
		require.True(w, events[last].Connected)
		require.Equal(w, events[last-1].NextAttempt.Sub(w.began), times[last], "at the announced instant")
		require.Less(w, times[last-1], leads, "every attempt before failed because nobody led")
		require.GreaterOrEqual(w, times[last], leads)
		require.Less(w, times[last]-times[last-1], 15*time.Second)

		require.NoError(w, w.sched.Reconcile(ctx))
		for _, id := range []string{"a", "b", "c"} {
			require.Equal(w, []task.State{task.Pending, task.Staging, task.Starting, task.Running}, w.states(id))
		}
		require.Len(w, w.master.Snapshot().Running, 3)
		_, err := w.sched.Kill(ctx, "a")
		require.NoError(w, err)
		_, err = w.sched.Launch(ctx, sleeper("d"))
		require.NoError(w, err)
	})
}

// Until its agent is back, a new master says nothing of a task. It is asked again and again, and
// nothing is taken for lost, however long that takes.
func TestReconciliationWaitsForAgents(t *testing.T) {
	cluster := mesostest.Config{Agents: agents(2), SessionTimeout: time.Second}
	inWorldOf(t, threeMasters(), cluster, scheduler.Config{}, func(ctx context.Context, w *world) {
		info, err := w.sched.Launch(ctx, sleeper("a"))
		require.NoError(w, err)
		w.at(10 * time.Second)
		require.True(w, w.master.LoseAgent(info.Hostname))
		require.True(w, w.master.LoseMaster(0))
		w.at(9 * time.Minute)
		require.Equal(w, []task.State{task.Pending, task.Staging, task.Starting, task.Running}, w.states("a"))
		reconciled := make(chan error, 1)
		go func() { reconciled <- w.sched.Reconcile(ctx) }()
		w.at(9*time.Minute + 30*time.Second)
		require.Empty(w, reconciled)
		require.True(w, w.master.ReturnAgent(info.Hostname))
		require.NoError(w, <-reconciled)
		require.Less(w, time.Since(w.began), 11*time.Minute, "the longest pause between two questions is a minute")
		require.Equal(w, []task.State{task.Pending, task.Staging, task.Starting, task.Running}, w.states("a"))
	})
}

// A kill that a new master drops, because it does not know the task yet, is sent again.
func TestKillDuringFailover(t *testing.T) {
	cluster := mesostest.Config{Agents: agents(1), SessionTimeout: time.Second}
	inWorldOf(t, threeMasters(), cluster, scheduler.Config{}, func(ctx context.Context, w *world) {
		info, err := w.sched.Launch(ctx, sleeper("a"))
		require.NoError(w, err)
		w.at(10 * time.Second)
		require.True(w, w.master.LoseAgent(info.Hostname))
		require.True(w, w.master.LoseMaster(0))
		w.at(time.Minute)
		killed := make(chan error, 1)
		go func() {
			_, err := w.sched.Kill(ctx, "a")
			killed <- err
		}()
		w.at(3 * time.Minute)
		require.Empty(w, killed)
		require.True(w, w.master.ReturnAgent(info.Hostname))
		require.NoError(w, <-killed)
		require.Less(w, time.Since(w.began), 3*time.Minute+63*time.Second)
		require.Empty(w, w.master.Snapshot().Running)
	})
}
