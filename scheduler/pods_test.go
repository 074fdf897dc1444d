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
	inWorld(t, mesostest.Config{Agents: agents(3)}, scheduler.Config{}, func(ctx context.Context, w *world) {
		infos, err := w.sched.LaunchPod(ctx, trio("shop")...)
		require.NoError(w, err)
		ports := map[uint16]bool{}
		for i, info := range infos {
			require.Equal(w, fmt.Sprint("shop-", i), info.Spec.ID)
			require.Equal(w, task.Running, info.State)
			require.Equal(w, infos[0].AgentID, info.AgentID)
			require.Len(w, info.HostPorts, i)
			for _, port := range info.HostPorts {
				ports[port] = true
			}
			require.Equal(w, "shop", info.Status.GetExecutorID().GetValue())
		}
		require.Len(w, ports, 3, "no port twice")
		_, err = w.sched.Kill(ctx, "shop-1")
		require.NoError(w, err)
		w.at(time.Minute)
		for i := range 3 {
			id := fmt.Sprint("shop-", i)
			states := w.states(id)
			require.Equal(w, []task.State{task.Pending, task.Staging, task.Starting, task.Running}, states[:4], id)
			require.Equal(w, task.Killed, states[len(states)-1], id)
		}
		require.Empty(w, w.master.Snapshot().Running)
	})
}

func TestPodMisuse(t *testing.T) {
	inWorld(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{}, func(ctx context.Context, w *world) {
		var field *task.FieldError
		require.ErrorAs(w, w.sched.Submit(ctx, member("p", 0)), &field)
		require.Equal(w, "Pod", field.Field)
		other := trio("p")
		other[1].Pod = "q"
		require.ErrorAs(w, w.sched.SubmitPod(ctx, other...), &field)
		require.ErrorAs(w, w.sched.SubmitPod(ctx), &field)
		require.NoError(w, w.sched.Submit(ctx, sleeper("p-2")))
		require.ErrorIs(w, w.sched.SubmitPod(ctx, trio("p")...), scheduler.ErrDuplicateTask)
		_, err := w.sched.Task(ctx, "p-0")
		require.ErrorIs(w, err, scheduler.ErrUnknownTask, "all or none")
		require.NoError(w, w.sched.SubmitPod(ctx, trio("r")...))
		again := trio("r")
		for i := range again {
			again[i].ID += "-again"
		}
		require.ErrorIs(w, w.sched.SubmitPod(ctx, again...), scheduler.ErrDuplicateTask)
	})
}

// A pod that fits nowhere waits as one, and is withdrawn as one.
func TestPendingPod(t *testing.T) {
	inWorld(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{}, func(ctx context.Context, w *world) {
		big := trio("big")
		big[2].CPUs = 3.8 // and 0.2 of the others, and 0.1 of the executor's: one agent has 4
		short, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		_, err := w.sched.LaunchPod(short, big...)
		require.ErrorIs(w, err, context.DeadlineExceeded)
		for i := range big {
			require.Equal(w, []task.State{task.Pending, task.Killed}, w.states(big[i].ID))
		}
		require.NoError(w, w.sched.SubmitPod(ctx, trio("p")...))
		_, err = w.sched.Kill(ctx, "p-2")
		require.NoError(w, err)
		require.Empty(w, w.master.Snapshot().Running)
	})
}

// A launch that never arrived is made again once it is known to be lost for all members.
func TestLostPod(t *testing.T) {
	inWorld(t, mesostest.Config{Agents: agents(2)}, scheduler.Config{LaunchTimeout: 10 * time.Second}, func(ctx context.Context, w *world) {
		w.once(calls.Call_ACCEPT, mesostest.Swallow)
		infos, err := w.sched.LaunchPod(ctx, trio("p")...)
		require.NoError(w, err)
		require.Less(w, time.Since(w.began), 2*time.Minute)
		for _, info := range infos {
			require.Equal(w, []task.State{task.Pending, task.Staging, task.Pending, task.Staging, task.Starting, task.Running}, w.states(info.Spec.ID))
			require.Equal(w, infos[0].AgentID, info.AgentID)
		}
		require.Len(w, w.master.Snapshot().Running, 3)
	})
}

// A member that fails takes the others with it: that is what Mesos' executor does, and the caller is told
// which it was.
func TestFailingPod(t *testing.T) {
	inWorld(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{}, func(ctx context.Context, w *world) {
		failing := trio("p")
		failing[1].Command.Shell = "exit 3"
		failing[2].Command.Shell = "sleep 1000"
		require.NoError(w, w.sched.SubmitPod(ctx, failing...))
		w.at(time.Minute)
		for i, end := range []task.State{task.Killed, task.Failed, task.Killed} {
			states := w.states(failing[i].ID)
			require.Equal(w, end, states[len(states)-1], failing[i].ID)
		}
	})
}

// Another process with the same store goes on with a pod, pending or running.
func TestPodSurvivesRestart(t *testing.T) {
	store := &testStore{}
	var running, pending []task.Spec
	inWorld(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Store: store}, func(ctx context.Context, w *world) {
		running, pending = trio("running"), trio("pending")
		pending[0].CPUs = 3.5
		_, err := w.sched.LaunchPod(ctx, running...)
		require.NoError(w, err)
		require.NoError(w, w.sched.SubmitPod(ctx, pending...))
		w.stop()
		require.ErrorIs(w, w.end(), context.Canceled)
		second, stop := w.successor(ctx, store)
		w.at(time.Minute)
		_, err = second.Kill(ctx, "running-0")
		require.NoError(w, err)
		w.at(5 * time.Minute)
		for _, s := range pending {
			info, err := second.Task(ctx, s.ID)
			require.NoError(w, err)
			require.Equal(w, task.Running, info.State, s.ID)
		}
		require.Len(w, w.master.Snapshot().Running, 3)
		require.ErrorIs(w, stop(), context.Canceled)
	})
}
