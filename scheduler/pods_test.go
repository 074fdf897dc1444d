package scheduler_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

func member(pod string, i int) task.Spec {
	s := sleeper(fmt.Sprint(pod, "-", i))
	s.Pod, s.CPUs, s.Mem, s.Ports = pod, 0.1, 32, make([]task.Port, i)
	return s
}

func trio(pod string) []task.Spec {
	return []task.Spec{member(pod, 0), member(pod, 1), member(pod, 2)}
}

// The members of a pod are launched by one operation, run on one agent, have their own resources and
// ports, and end together.
func TestPod(t *testing.T) {
	withHarness(t, mesostest.Config{Agents: agents(3)}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		infos, err := h.sched.LaunchPod(ctx, trio("shop")...)
		require.NoError(h, err)
		ports := map[uint16]bool{}
		for i, info := range infos {
			require.Equal(h, fmt.Sprint("shop-", i), info.Spec.ID)
			require.Equal(h, task.StateRunning, info.State)
			require.Equal(h, infos[0].AgentID, info.AgentID)
			require.Len(h, info.HostPorts, i)
			for _, port := range info.HostPorts {
				ports[port] = true
			}
			require.Equal(h, "shop", info.Status.GetExecutorID().GetValue())
		}
		require.Len(h, ports, 3, "no port twice")
		_, err = h.sched.Kill(ctx, "shop-1")
		require.NoError(h, err)
		h.at(time.Minute)
		for i := range 3 {
			id := fmt.Sprint("shop-", i)
			states := h.states(id)
			require.Equal(h, []task.State{task.StatePending, task.StateStaging, task.StateStarting, task.StateRunning}, states[:4], id)
			require.Equal(h, task.StateKilled, states[len(states)-1], id)
		}
		require.Empty(h, h.master.Snapshot().Running)
	})
}

func TestPodMisuse(t *testing.T) {
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		var field *task.FieldError
		require.ErrorAs(h, h.sched.Submit(ctx, member("p", 0)), &field)
		require.Equal(h, "Pod", field.Field)
		other := trio("p")
		other[1].Pod = "q"
		require.ErrorAs(h, h.sched.SubmitPod(ctx, other...), &field)
		require.ErrorAs(h, h.sched.SubmitPod(ctx), &field)
		require.NoError(h, h.sched.Submit(ctx, sleeper("p-2")))
		require.ErrorIs(h, h.sched.SubmitPod(ctx, trio("p")...), scheduler.ErrDuplicateTask)
		_, err := h.sched.Task(ctx, "p-0")
		require.ErrorIs(h, err, scheduler.ErrUnknownTask, "all or none")
		require.NoError(h, h.sched.SubmitPod(ctx, trio("r")...))
		again := trio("r")
		for i := range again {
			again[i].ID += "-again"
		}
		require.ErrorIs(h, h.sched.SubmitPod(ctx, again...), scheduler.ErrDuplicateTask)
	})
}

// A pod that fits nowhere waits and is withdrawn as a whole.
func TestPendingPod(t *testing.T) {
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		big := trio("big")
		big[2].CPUs = 3.8 // and 0.2 of the others, and 0.1 of the executor's: one agent has 4
		short, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		_, err := h.sched.LaunchPod(short, big...)
		require.ErrorIs(h, err, context.DeadlineExceeded)
		for i := range big {
			require.Equal(h, []task.State{task.StatePending, task.StateKilled}, h.states(big[i].ID))
		}
		require.NoError(h, h.sched.SubmitPod(ctx, trio("p")...))
		_, err = h.sched.Kill(ctx, "p-2")
		require.NoError(h, err)
		h.at(time.Minute) // it may have been launched, and then the other members end when that one does
		require.Empty(h, h.master.Snapshot().Running)
	})
}

// A pod is launched again when its launch is known to be lost for all members.
func TestLostPod(t *testing.T) {
	withHarness(t, mesostest.Config{Agents: agents(2)}, scheduler.Config{LaunchTimeout: 10 * time.Second}, func(ctx context.Context, h *harness) {
		h.once(calls.Call_ACCEPT, mesostest.Swallow)
		infos, err := h.sched.LaunchPod(ctx, trio("p")...)
		require.NoError(h, err)
		require.Less(h, time.Since(h.began), 2*time.Minute)
		for _, info := range infos {
			require.Equal(h, []task.State{task.StatePending, task.StateStaging, task.StatePending, task.StateStaging, task.StateStarting, task.StateRunning}, h.states(info.Spec.ID))
			require.Equal(h, infos[0].AgentID, info.AgentID)
		}
		require.Len(h, h.master.Snapshot().Running, 3)
	})
}

// If a member fails, Mesos' executor ends the others, and the caller gets the error of that member.
func TestFailingPod(t *testing.T) {
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		failing := trio("p")
		failing[1].Command.Shell = "exit 3"
		failing[2].Command.Shell = "sleep 1000"
		require.NoError(h, h.sched.SubmitPod(ctx, failing...))
		h.at(time.Minute)
		for i, end := range []task.State{task.StateKilled, task.StateFailed, task.StateKilled} {
			states := h.states(failing[i].ID)
			require.Equal(h, end, states[len(states)-1], failing[i].ID)
		}
	})
}

// Another process with the same store goes on with a pod, pending or running.
func TestPodSurvivesRestart(t *testing.T) {
	store := &testStore{}
	var running, pending []task.Spec
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Store: store}, func(ctx context.Context, h *harness) {
		running, pending = trio("running"), trio("pending")
		pending[0].CPUs = 3.5
		_, err := h.sched.LaunchPod(ctx, running...)
		require.NoError(h, err)
		require.NoError(h, h.sched.SubmitPod(ctx, pending...))
		h.stop()
		require.ErrorIs(h, h.end(), context.Canceled)
		second, stop := h.successor(ctx, store)
		h.at(time.Minute)
		_, err = second.Kill(ctx, "running-0")
		require.NoError(h, err)
		h.at(5 * time.Minute)
		for _, s := range pending {
			info, err := second.Task(ctx, s.ID)
			require.NoError(h, err)
			require.Equal(h, task.StateRunning, info.State, s.ID)
		}
		require.Len(h, h.master.Snapshot().Running, 3)
		require.ErrorIs(h, stop(), context.Canceled)
	})
}
