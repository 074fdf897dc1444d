package scheduler_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// Status answers whether or not there is a master, as soon as Run has begun.
func TestStatus(t *testing.T) {
	cluster := mesostest.Config{Quorum: 1}
	withIdleScheduler(t, []string{"m1.example:5050", "m2.example:5050"}, cluster, scheduler.Config{}, func(ctx context.Context, h *harness) {
		h.cut.Store(true)
		h.at(time.Second)
		h.lead(ctx, scheduler.Term{})
		status, err := h.sched.Status(ctx)
		require.NoError(h, err)
		require.False(h, status.Connected)
		synctest.Wait()
		status, err = h.sched.Status(ctx)
		require.NoError(h, err)
		require.ErrorContains(h, status.Err, "no route to host")
		require.False(h, status.Connected)
		require.Equal(h, h.began.Add(time.Second), status.Since)

		h.cut.Store(false)
		h.at(time.Minute)
		connections, times := h.connections()
		require.True(h, connections[len(connections)-1].Connected)
		first := h.master.Snapshot().Frameworks[0].ID
		status, err = h.sched.Status(ctx)
		require.NoError(h, err)
		require.Equal(h, scheduler.Status{
			FrameworkID: first, Connected: true, Master: "http://m1.example:5050", Since: h.began.Add(times[len(times)-1]),
		}, status)

		require.True(h, h.master.LoseMaster(0))
		synctest.Wait()
		status, err = h.sched.Status(ctx)
		require.NoError(h, err)
		require.False(h, status.Connected)
		require.Error(h, status.Err)
		require.Empty(h, status.Master)
		require.Equal(h, first, status.FrameworkID)
		require.Equal(h, h.began.Add(time.Minute), status.Since) // and not that of the last failed attempt
		h.at(2 * time.Minute)
		status, err = h.sched.Status(ctx)
		require.NoError(h, err)
		require.Equal(h, "http://m2.example:5050", status.Master) // where the redirect led, or what the list has
		require.Equal(h, first, status.FrameworkID)

		h.stop()
		require.ErrorIs(h, h.end(), context.Canceled)
		_, err = h.sched.Status(ctx)
		require.ErrorIs(h, err, scheduler.ErrNotRunning)
	})
}
