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

// unknownTasks runs a task whose record is lost, then lets a scheduler with a policy find it.
func unknownTasks(t *testing.T, policy scheduler.UnknownTasks, f func(ctx context.Context, w *world)) {
	store := &testStore{}
	inWorld(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Store: store, UnknownTasks: policy}, func(ctx context.Context, w *world) {
		_, err := w.sched.Launch(ctx, sleeper("lost"))
		require.NoError(w, err)
		w.at(time.Second) // else its last update may come again
		w.stop()
		require.ErrorIs(w, w.end(), context.Canceled)
		delete(store.records, "task/lost")
		delete(store.records, "spec/lost")
		events := w.sched.Watch(ctx)
		again, stop := context.WithCancel(ctx)
		go func() { w.ended <- w.sched.Run(again) }()
		go w.collect(events)
		w.at(time.Minute)
		f(ctx, w)
		stop()
		require.ErrorIs(w, w.end(), context.Canceled)
	})
}

// collect records what a further Watch tells.
func (w *world) collect(events iter.Seq[scheduler.Event]) {
	for e := range events {
		w.mu.Lock()
		w.events, w.times = append(w.events, e), append(w.times, time.Since(w.began))
		w.mu.Unlock()
	}
}

// unknown lists the tasks that were reported as unknown.
func (w *world) unknown() (ids []string) {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		if e, ok := e.(scheduler.UnknownTaskEvent); ok {
			ids = append(ids, e.Status.TaskID.Value)
		}
	}
	return ids
}

func TestUnknownTasksAreReported(t *testing.T) {
	unknownTasks(t, scheduler.ReportUnknown, func(ctx context.Context, w *world) {
		require.Equal(w, []string{"lost"}, w.unknown())
		_, err := w.sched.Task(ctx, "lost")
		require.ErrorIs(w, err, scheduler.ErrUnknownTask)
		require.Len(w, w.master.Snapshot().Frameworks[0].Tasks, 1, "it lives on")
		require.NoError(w, w.sched.Reconcile(ctx))
		require.Equal(w, []string{"lost", "lost"}, w.unknown())
	})
}

func TestUnknownTasksAreAdopted(t *testing.T) {
	unknownTasks(t, scheduler.AdoptUnknown, func(ctx context.Context, w *world) {
		info, err := w.sched.Task(ctx, "lost")
		require.NoError(w, err)
		require.Equal(w, task.Running, info.State)
		require.NotEmpty(w, info.AgentID)
		info, err = w.sched.Kill(ctx, "lost")
		require.NoError(w, err)
		require.Equal(w, task.Killed, info.State)
	})
}

func TestUnknownTasksAreKilled(t *testing.T) {
	unknownTasks(t, scheduler.KillUnknown, func(_ context.Context, w *world) {
		require.NotEmpty(w, w.unknown())
		require.Empty(w, w.master.Snapshot().Frameworks[0].Tasks)
	})
}

// A removed framework is followed by a new one only if that is wanted and no task is on record.
func TestRenewFramework(t *testing.T) {
	for name, c := range map[string]struct {
		renew, pending, renewed bool
	}{
		"not wanted":      {renew: false},
		"wanted":          {renew: true, renewed: true},
		"tasks on record": {renew: true, pending: true},
	} {
		t.Run(name, func(t *testing.T) {
			config := scheduler.Config{RenewFramework: c.renew, Framework: scheduler.Framework{FailoverTimeout: time.Second}}
			inWorld(t, mesostest.Config{}, config, func(ctx context.Context, w *world) {
				w.at(time.Second)
				if c.pending {
					require.NoError(w, w.sched.Submit(ctx, sleeper("a")))
				}
				first := w.master.Snapshot().Frameworks[0].ID
				w.master.Intercept(func(*calls.Call) mesostest.Fault { return http.StatusServiceUnavailable })
				w.master.CutStreams()
				w.at(time.Minute)
				require.Empty(w, w.master.Snapshot().Frameworks, "the failover timeout has ended it")
				w.master.Intercept(nil)
				w.at(2 * time.Minute)
				if !c.renewed {
					var removed *scheduler.FrameworkRemovedError
					require.ErrorAs(w, w.end(), &removed)
					require.Equal(w, first, removed.FrameworkID)
					return
				}
				require.NotEqual(w, first, w.master.Snapshot().Frameworks[0].ID)
			})
		})
	}
}

// An agent whose docker could not run a container keeps its ports to itself for a while.
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
			inWorld(t, cluster, scheduler.Config{}, func(ctx context.Context, w *world) {
				spec := task.Spec{ID: "a", CPUs: 1, Mem: 32, Ports: []task.Port{{Container: 80}}, Container: &task.Container{Image: "nginx"}}
				failed := make(chan error, 1)
				go func() {
					_, err := w.sched.Launch(ctx, spec)
					failed <- err
				}()
				w.at(time.Second)
				info, err := w.sched.Task(ctx, "a")
				require.NoError(w, err)
				require.Equal(w, []uint16{31000}, info.HostPorts)
				require.True(w, w.master.Update(mesos.TaskStatus{
					TaskID: mesos.TaskID{Value: "a"}, AgentID: &mesos.AgentID{Value: info.AgentID}, State: mesos.TASK_FAILED.Enum(),
					Message: &c.message, Source: mesos.SOURCE_EXECUTOR.Enum(),
				}))
				var ended *scheduler.TaskError
				require.ErrorAs(w, <-failed, &ended)
				require.Equal(w, name == "docker run", ended.Retryable())

				w.at(2 * time.Second)
				spec.ID = "b"
				require.NoError(w, w.sched.Submit(ctx, spec))
				w.at(10*time.Minute - time.Second)
				info, err = w.sched.Task(ctx, "b")
				require.NoError(w, err)
				require.Equal(w, []uint16{c.first}, info.HostPorts)
				w.at(11 * time.Minute)
				spec.ID = "c"
				require.NoError(w, w.sched.Submit(ctx, spec))
				w.at(12 * time.Minute)
				info, err = w.sched.Task(ctx, "c")
				require.NoError(w, err)
				require.Equal(w, []uint16{31001 - (c.first - 31000)}, info.HostPorts, "the quarantine has ended")
			})
		})
	}
}

// Calls that have no method of their own, and the events that answer them.
func TestCall(t *testing.T) {
	inWorld(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Framework: scheduler.Framework{User: "nobody"}}, func(ctx context.Context, w *world) {
		raw := w.sched.WatchRaw(ctx)
		info, err := w.sched.Launch(ctx, sleeper("a"))
		require.NoError(w, err)
		agent := mesos.AgentID{Value: info.AgentID}
		require.NoError(w, w.sched.Call(ctx, &calls.Call{Type: calls.Call_MESSAGE, Message: &calls.Call_Message{
			AgentID: agent, ExecutorID: mesos.ExecutorID{Value: "a"}, Data: []byte("hello"),
		}}))
		require.NoError(w, w.sched.Call(ctx, &calls.Call{Type: calls.Call_RECONCILE_OPERATIONS, ReconcileOperations: &calls.Call_ReconcileOperations{
			Operations: []calls.Call_ReconcileOperations_Operation{{OperationID: mesos.OperationID{Value: "o"}}},
		}}))
		for e := range raw {
			if e.GetType() == calls.Event_UPDATE_OPERATION_STATUS {
				require.Equal(w, mesos.OPERATION_UNKNOWN, e.GetUpdateOperationStatus().GetStatus().State)
				break
			}
		}
		require.NoError(w, w.sched.Call(ctx, &calls.Call{Type: calls.Call_SHUTDOWN, Shutdown: &calls.Call_Shutdown{
			AgentID: agent, ExecutorID: mesos.ExecutorID{Value: "a"},
		}}))
		w.at(time.Minute)
		info, err = w.sched.Task(ctx, "a")
		require.NoError(w, err)
		require.Equal(w, task.Killed, info.State)

		framework := scheduler.Framework{Name: "test", Roles: []string{"*"}}
		update := &calls.Call{Type: calls.Call_UPDATE_FRAMEWORK, UpdateFramework: &calls.Call_UpdateFramework{
			FrameworkInfo: mesos.FrameworkInfo{Name: "renamed", User: "nobody", Roles: framework.Roles,
				Checkpoint: optional(true), FailoverTimeout: optional(3600.0), Capabilities: []mesos.FrameworkInfo_Capability{{Type: mesos.FrameworkInfo_Capability_MULTI_ROLE}}},
		}}
		require.NoError(w, w.sched.Call(ctx, update))
		require.Nil(w, update.FrameworkID, "the caller's call is left alone")
		require.Equal(w, "renamed", w.master.Snapshot().Frameworks[0].Name)
		require.Equal(w, []string{"*"}, w.master.Snapshot().Frameworks[0].Suppressed)
		w.master.CutStreams()
		w.at(2 * time.Minute)
		require.Equal(w, "renamed", w.master.Snapshot().Frameworks[0].Name, "the next subscription does not undo it")

		var refused *scheduler.CallError
		for _, c := range []*calls.Call{nil, {}, {Type: calls.Call_KILL}, {Type: calls.Call_SUBSCRIBE}, {Type: calls.Call_ACCEPT}, {Type: calls.Call_TEARDOWN}, {Type: calls.Call_MESSAGE}} {
			require.ErrorAs(w, w.sched.Call(ctx, c), &refused)
			require.Zero(w, refused.Status)
		}
		bad := *update
		bad.UpdateFramework = &calls.Call_UpdateFramework{FrameworkInfo: mesos.FrameworkInfo{Name: "x", User: "somebody else", Roles: framework.Roles}}
		require.ErrorAs(w, w.sched.Call(ctx, &bad), &refused)
		require.Equal(w, http.StatusBadRequest, refused.Status)
		w.at(3 * time.Minute)
		events, _ := w.connections()
		require.True(w, events[len(events)-1].Connected)
		require.Len(w, events, 3, "a bad request of the user's is not the end of the stream")
	})
}

func optional[T any](v T) *T { return &v }
