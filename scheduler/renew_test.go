package scheduler_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// With RenewFramework another process registers a new framework in place of a removed one. What had been launched is lost with
// that; what is pending is launched by the new one, and no earlier launch counts.
func TestRenewRemovedOnRecord(t *testing.T) {
	for name, c := range map[string]struct {
		task record.Task
		want task.State
	}{
		"ended":                   {record.Task{Info: record.NewInfo(task.Info{State: task.StateFinished})}, task.StateFinished},
		"pending":                 {record.Task{Info: record.NewInfo(task.Info{State: task.StatePending})}, task.StateRunning},
		"pending, after a launch": {record.Task{Info: record.NewInfo(task.Info{State: task.StatePending}), Lost: 5}, task.StateRunning},
		"launch on record":        {record.Task{Info: record.NewInfo(task.Info{State: task.StateStaging, AgentID: "a1"})}, task.StateLost},
		"runs":                    {record.Task{Info: record.NewInfo(task.Info{State: task.StateRunning, AgentID: "a1"}), Confirmed: true}, task.StateLost},
		"unreachable":             {record.Task{Info: record.NewInfo(task.Info{State: task.StateUnreachable, AgentID: "a1"}), Confirmed: true}, task.StateLost},
		"to be killed":            {record.Task{Info: record.NewInfo(task.Info{State: task.StateRunning, AgentID: "a1"}), Confirmed: true, Killing: true}, task.StateKilled},
	} {
		t.Run(name, func(t *testing.T) {
			s := &testStore{records: map[string][]byte{}}
			s.putFramework(t, record.Framework{State: record.Removed, ID: "f-1", Nonce: "old"})
			spec := sleeper("a")
			c.task.Info.Spec = record.NewSpec(spec)
			var err error
			s.records["task/a"], err = record.EncodeTask(&c.task)
			require.NoError(t, err)
			s.records["spec/a"], err = record.EncodeSpec(&spec)
			require.NoError(t, err)
			withIdleHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Store: s, RenewFramework: true}, func(ctx context.Context, h *harness) {
				subscriptions := h.subscriptions(s)
				h.lead(ctx, scheduler.Term{})
				h.at(1500 * time.Millisecond) // offers come within a second
				f := s.framework(h)
				require.Equal(h, record.Active, f.State)
				require.Equal(h, h.master.Snapshot().Frameworks[0].ID, f.ID)
				require.NotEqual(h, "f-1", f.ID)
				require.NotEqual(h, "old", f.Nonce)
				require.Empty(h, subscriptions()[0].id)
				require.Equal(h, c.want, h.state(ctx, "a"))
				_, tasks, err := record.Decode(s.records)
				require.NoError(h, err)
				require.Equal(h, c.want, tasks[0].Info.State)
				require.Zero(h, tasks[0].Lost)
			})
		})
	}
}

// An operator removes the framework of a leader that may renew it. Whoever waits for a task that was launched is told that
// it is lost and why, pods included; the next framework has the same store, launches what is pending, and is followed by the
// next members.
func TestRenewInElection(t *testing.T) {
	s := &slowStore{}
	cluster := mesostest.Config{Agents: agents(1), Launch: time.Minute}
	withIdleHarness(t, cluster, scheduler.Config{RenewFramework: true}, func(ctx context.Context, h *harness) {
		h.lead(ctx, scheduler.Term{Number: 1, Store: s})
		synctest.Wait()
		big := sleeper("big")
		big.CPUs = 1000
		callers := map[string]<-chan error{"a": h.launchLater(ctx, sleeper("a")), "big": h.launchLater(ctx, big)}
		members := []task.Spec{sleeper("p1"), sleeper("p2")}
		for i := range members {
			members[i].Pod = "p"
		}
		pod := later(func() error {
			_, err := h.sched.LaunchPod(ctx, members...)
			return err
		})
		h.at(10 * time.Second)
		for _, id := range []string{"a", "p1", "p2"} {
			require.Equal(h, task.StateStaging, h.state(ctx, id))
		}
		first := h.master.Snapshot().Frameworks[0].ID
		require.NoError(h, h.master.Teardown(first))
		for _, err := range []error{<-callers["a"], <-pod} {
			var lost *scheduler.TaskError
			require.ErrorAs(h, err, &lost)
			require.Equal(h, task.StateLost, lost.Task.State)
			require.True(h, lost.Retryable())
			var removed *scheduler.FrameworkRemovedError
			require.ErrorAs(h, err, &removed)
			require.Equal(h, first, removed.FrameworkID)
		}
		h.at(20 * time.Second)
		require.Empty(h, callers["big"])
		require.Equal(h, task.StatePending, h.state(ctx, "big"))
		second := h.master.Snapshot().Frameworks[0].ID
		require.NotEqual(h, first, second)
		require.EqualValues(h, 1, s.framework(h).Term)

		h.stop()
		require.ErrorIs(h, h.end(), context.Canceled)
		h.lead(ctx, scheduler.Term{Number: 2, Store: s})
		synctest.Wait()
		require.NoError(h, h.sched.Submit(ctx, sleeper("b")))
		h.at(2 * time.Minute)
		require.Equal(h, task.StateRunning, h.state(ctx, "b"))
		require.Equal(h, task.StateLost, h.state(ctx, "p2"))
		snapshot := h.master.Snapshot()
		require.Len(h, snapshot.Frameworks, 1)
		require.Equal(h, second, snapshot.Frameworks[0].ID)
		require.Len(h, snapshot.Running, 1)
	})
}
