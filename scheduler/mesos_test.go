package scheduler_test

import (
	"context"
	"iter"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// unknownTasks runs a task whose records are lost, and then a scheduler with a policy that finds it.
func unknownTasks(t *testing.T, policy scheduler.UnknownTasks, f func(ctx context.Context, h *harness)) {
	store := &testStore{}
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Store: store, UnknownTasks: policy}, func(ctx context.Context, h *harness) {
		_, err := h.sched.Launch(ctx, sleeper("lost"))
		require.NoError(h, err)
		h.at(time.Second) // else its last update may come again
		h.stop()
		require.ErrorIs(h, h.end(), context.Canceled)
		delete(store.records, "task/lost")
		delete(store.records, "spec/lost")
		events := h.sched.Watch(ctx)
		again, stop := context.WithCancel(ctx)
		go func() { h.ended <- h.sched.Run(again) }()
		go h.collect(events)
		h.at(time.Minute)
		f(ctx, h)
		stop()
		require.ErrorIs(h, h.end(), context.Canceled)
	})
}

// collect records the events of another Watch.
func (h *harness) collect(events iter.Seq[scheduler.Event]) {
	for e := range events {
		h.mu.Lock()
		h.events, h.times = append(h.events, e), append(h.times, time.Since(h.began))
		h.mu.Unlock()
	}
}

// unknown returns the IDs of the tasks that were reported as unknown.
func (h *harness) unknown() (ids []string) {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.events {
		if e, ok := e.(scheduler.UnknownTaskEvent); ok {
			ids = append(ids, e.Status.TaskID.Value)
		}
	}
	return ids
}

func TestUnknownTasksAreReported(t *testing.T) {
	unknownTasks(t, scheduler.ReportUnknown, func(ctx context.Context, h *harness) {
		require.Equal(h, []string{"lost"}, h.unknown())
		_, err := h.sched.Task(ctx, "lost")
		require.ErrorIs(h, err, scheduler.ErrUnknownTask)
		require.Len(h, h.master.Snapshot().Frameworks[0].Tasks, 1, "it lives on")
		require.NoError(h, h.sched.Reconcile(ctx))
		require.Equal(h, []string{"lost", "lost"}, h.unknown())
	})
}

func TestUnknownTasksAreAdopted(t *testing.T) {
	unknownTasks(t, scheduler.AdoptUnknown, func(ctx context.Context, h *harness) {
		info, err := h.sched.Task(ctx, "lost")
		require.NoError(h, err)
		require.Equal(h, task.StateRunning, info.State)
		require.NotEmpty(h, info.AgentID)
		info, err = h.sched.Kill(ctx, "lost")
		require.NoError(h, err)
		require.Equal(h, task.StateKilled, info.State)
	})
}

func TestUnknownTasksAreKilled(t *testing.T) {
	unknownTasks(t, scheduler.KillUnknown, func(_ context.Context, h *harness) {
		require.NotEmpty(h, h.unknown())
		require.Empty(h, h.master.Snapshot().Frameworks[0].Tasks)
	})
}

// After a framework was removed, a new one is registered only if that is configured.
func TestRenewFramework(t *testing.T) {
	for name, c := range map[string]struct {
		renew, pending bool
	}{
		"not wanted":   {},
		"wanted":       {renew: true},
		"pending task": {renew: true, pending: true},
	} {
		t.Run(name, func(t *testing.T) {
			config := scheduler.Config{RenewFramework: c.renew, Framework: scheduler.Framework{FailoverTimeout: time.Second}}
			withHarness(t, mesostest.Config{}, config, func(ctx context.Context, h *harness) {
				h.at(time.Second)
				if c.pending {
					require.NoError(h, h.sched.Submit(ctx, sleeper("a")))
				}
				first := h.master.Snapshot().Frameworks[0].ID
				h.master.Intercept(func(*calls.Call) mesostest.Fault { return http.StatusServiceUnavailable })
				h.master.CutStreams()
				h.at(time.Minute)
				require.Empty(h, h.master.Snapshot().Frameworks, "the failover timeout has ended it")
				h.master.Intercept(nil)
				h.at(2 * time.Minute)
				if !c.renew {
					var removed *scheduler.FrameworkRemovedError
					require.ErrorAs(h, h.end(), &removed)
					require.Equal(h, first, removed.FrameworkID)
					return
				}
				require.NotEqual(h, first, h.master.Snapshot().Frameworks[0].ID)
			})
		})
	}
}

// Ports with which docker could not start a container are not used on that agent for a while.
func TestPortQuarantine(t *testing.T) {
	for name, c := range map[string]struct {
		message string
		first   uint16
	}{
		"docker run":  {"Container exited with status 125", 31001},
		"image pull":  {"Failed to launch container: Failed to run 'docker pull nginx'", 31000},
		"the program": {"Container exited with status 1", 31000},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := mesostest.Config{Agents: []mesostest.Agent{{Resources: "cpus:4;mem:4096;ports:[31000-31009]"}}, Launch: time.Hour}
			withHarness(t, cluster, scheduler.Config{}, func(ctx context.Context, h *harness) {
				spec := task.Spec{ID: "a", CPUs: 1, Mem: 32, Ports: []task.Port{{Container: 80}}, Container: &task.Container{Image: "nginx"}}
				failed := make(chan error, 1)
				go func() {
					_, err := h.sched.Launch(ctx, spec)
					failed <- err
				}()
				h.at(time.Second)
				info, err := h.sched.Task(ctx, "a")
				require.NoError(h, err)
				require.Equal(h, []uint16{31000}, info.HostPorts)
				require.True(h, h.master.Update(mesos.TaskStatus{
					TaskID: mesos.TaskID{Value: "a"}, AgentID: &mesos.AgentID{Value: info.AgentID}, State: mesos.TASK_FAILED.Enum(),
					Message: &c.message, Source: mesos.SOURCE_EXECUTOR.Enum(),
				}))
				var ended *scheduler.TaskError
				require.ErrorAs(h, <-failed, &ended)
				require.Equal(h, name == "docker run", ended.Retryable())

				h.at(2 * time.Second)
				spec.ID = "b"
				require.NoError(h, h.sched.Submit(ctx, spec))
				h.at(10*time.Minute - time.Second)
				info, err = h.sched.Task(ctx, "b")
				require.NoError(h, err)
				require.Equal(h, []uint16{c.first}, info.HostPorts)
				h.at(11 * time.Minute)
				spec.ID = "c"
				require.NoError(h, h.sched.Submit(ctx, spec))
				h.at(12 * time.Minute)
				info, err = h.sched.Task(ctx, "c")
				require.NoError(h, err)
				require.Equal(h, []uint16{31001 - (c.first - 31000)}, info.HostPorts, "the quarantine has ended")
			})
		})
	}
}

// Calls that have no method of their own, and the events that answer them.
func TestCall(t *testing.T) {
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Framework: scheduler.Framework{User: "nobody"}}, func(ctx context.Context, h *harness) {
		raw := h.sched.WatchRaw(ctx)
		info, err := h.sched.Launch(ctx, sleeper("a"))
		require.NoError(h, err)
		agent := mesos.AgentID{Value: info.AgentID}
		require.NoError(h, h.sched.Call(ctx, &calls.Call{Type: calls.Call_MESSAGE, Message: &calls.Call_Message{
			AgentID: agent, ExecutorID: mesos.ExecutorID{Value: "a"}, Data: []byte("hello"),
		}}))
		require.NoError(h, h.sched.Call(ctx, &calls.Call{Type: calls.Call_RECONCILE_OPERATIONS, ReconcileOperations: &calls.Call_ReconcileOperations{
			Operations: []calls.Call_ReconcileOperations_Operation{{OperationID: mesos.OperationID{Value: "o"}}},
		}}))
		for e := range raw {
			if e.GetType() == calls.Event_UPDATE_OPERATION_STATUS {
				require.Equal(h, mesos.OPERATION_UNKNOWN, e.GetUpdateOperationStatus().GetStatus().State)
				break
			}
		}
		require.NoError(h, h.sched.Call(ctx, &calls.Call{Type: calls.Call_SHUTDOWN, Shutdown: &calls.Call_Shutdown{
			AgentID: agent, ExecutorID: mesos.ExecutorID{Value: "a"},
		}}))
		h.at(time.Minute)
		info, err = h.sched.Task(ctx, "a")
		require.NoError(h, err)
		require.Equal(h, task.StateKilled, info.State)

		framework := scheduler.Framework{Name: "test", Roles: []string{"*"}}
		update := &calls.Call{Type: calls.Call_UPDATE_FRAMEWORK, UpdateFramework: &calls.Call_UpdateFramework{
			FrameworkInfo: mesos.FrameworkInfo{Name: "renamed", User: "nobody", Roles: framework.Roles,
				Checkpoint: optional(true), FailoverTimeout: optional(3600.0), Capabilities: []mesos.FrameworkInfo_Capability{{Type: mesos.FrameworkInfo_Capability_MULTI_ROLE}}},
		}}
		require.NoError(h, h.sched.Call(ctx, update))
		require.Nil(h, update.FrameworkID, "the caller's call is left alone")
		require.Equal(h, "renamed", h.master.Snapshot().Frameworks[0].Name)
		require.Equal(h, []string{"*"}, h.master.Snapshot().Frameworks[0].Suppressed)
		h.master.CutStreams()
		h.at(2 * time.Minute)
		require.Equal(h, "renamed", h.master.Snapshot().Frameworks[0].Name, "the next subscription does not undo it")

		var refused *scheduler.CallError
		for _, c := range []*calls.Call{nil, {}, {Type: calls.Call_KILL}, {Type: calls.Call_SUBSCRIBE}, {Type: calls.Call_ACCEPT}, {Type: calls.Call_TEARDOWN}, {Type: calls.Call_MESSAGE}} {
			require.ErrorAs(h, h.sched.Call(ctx, c), &refused)
			require.Zero(h, refused.Status)
		}
		bad := *update
		bad.UpdateFramework = &calls.Call_UpdateFramework{FrameworkInfo: mesos.FrameworkInfo{Name: "x", User: "somebody else", Roles: framework.Roles}}
		require.ErrorAs(h, h.sched.Call(ctx, &bad), &refused)
		require.Equal(h, http.StatusBadRequest, refused.Status)
		h.at(3 * time.Minute)
		events, _ := h.connections()
		require.True(h, events[len(events)-1].Connected)
		require.Len(h, events, 3, "a bad request of the user's is not the end of the stream")
	})
}

func optional[T any](v T) *T { return &v }
