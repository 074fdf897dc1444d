package scheduler_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

func TestMetricsOfThreeTasks(t *testing.T) {
	cluster := mesostest.Config{Agents: agents(2), Launch: time.Second}
	withHarness(t, cluster, scheduler.Config{}, func(ctx context.Context, h *harness) {
		for _, id := range []string{"a", "b", "c"} {
			require.NoError(t, h.sched.Submit(ctx, sleeper(id)))
		}
		h.at(10 * time.Second)
		_, err := h.sched.Kill(ctx, "b")
		require.NoError(t, err)
		h.at(20 * time.Second)
		m := h.sched.Metrics()
		require.Equal(t, "test", m.Framework)
		require.True(t, m.Running)
		require.True(t, m.Subscription.Subscribed)
		require.Equal(t, h.began, m.Subscription.Since)
		require.EqualValues(t, 1, m.Subscription.Attempts)
		require.EqualValues(t, 1, m.Subscription.Begun)
		require.EqualValues(t, 3, m.Submitted)
		require.EqualValues(t, 3, m.Launched)
		require.Equal(t, 2, m.Tasks[task.StateRunning])
		require.Equal(t, 1, m.Tasks[task.StateKilled])
		require.EqualValues(t, 1, m.Ended[task.StateKilled])
		require.EqualValues(t, 1, m.Calls[calls.Call_KILL].Accepted)
		require.Zero(t, m.OldestPending)
		h.stop()
		require.ErrorIs(t, h.end(), context.Canceled)
		synctest.Wait()
		after := h.sched.Metrics()
		require.False(t, after.Running)
		require.Zero(t, after.Tasks)
		require.Equal(t, m.Ended, after.Ended)
	})
}
