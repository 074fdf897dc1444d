package conformance

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskbuilder"
)

func launching() []behaviour {
	return []behaviour{
		{
			name:    "a launched task is pending, staging, starting, running, and has an agent from its launch on",
			sources: []source{document("high-availability-framework-guide", "The Life Cycle of a Task"), recording("task_finished")},
			run: func(w *world) {
				info := w.launch(sleeper("a"))
				require.Equal(w, task.StateRunning, info.State)
				require.NotEmpty(w, info.AgentID)
				require.NotEmpty(w, info.Hostname)
				w.untilState("a", task.StateRunning)
				require.Equal(w, []task.State{task.StatePending, task.StateStaging, task.StateStarting, task.StateRunning}, w.states("a"))
				require.Equal(w, info.AgentID, w.infos("a")[1].AgentID)
			},
		},
		{
			name:    "Launch waits for the first success of the health check",
			sources: []source{document("health-checks", "Under the Hood"), recording("pb_health_and_errors")},
			config:  scheduler.Config{Builder: listening{}},
			run: func(w *world) {
				spec := sleeper("a")
				spec.Ports = make([]task.Port, 1)
				spec.HealthCheck = &task.HealthCheck{GracePeriod: time.Minute}
				info, err := w.sched.Launch(w.ctx, spec)
				if failed := new(scheduler.TaskError); errors.As(err, &failed) && failed.Task.State == task.StateFailed {
					w.Skipf("left out: the agents cannot run python3: %v", err)
				}
				require.NoError(w, err, w.journal)
				require.True(w, *info.Healthy)
				updates := w.updates("a")
				require.Equal(w, mesos.REASON_TASK_HEALTH_CHECK_STATUS_UPDATED, updates[len(updates)-1].GetReason())
			},
		},
		{
			name:    "a task that becomes unhealthy is reported as such, and runs on until Mesos kills it",
			sources: []source{document("health-checks", "Under the Hood"), recording("pb_health_and_errors")},
			needs:   onDemand,
			run: func(w *world) {
				spec := sleeper("a")
				spec.Ports = make([]task.Port, 1)
				spec.HealthCheck = &task.HealthCheck{}
				w.launch(spec)
				unhealthy := false
				require.True(w, w.fake.Update(mesos.TaskStatus{
					TaskID: mesos.TaskID{Value: "a"}, State: mesos.TASK_RUNNING.Enum(), Healthy: &unhealthy,
					Reason: mesos.REASON_TASK_HEALTH_CHECK_STATUS_UPDATED.Enum(),
				}))
				w.until("it is told", func() bool {
					infos := w.infos("a")
					last := infos[len(infos)-1]
					return last.State == task.StateRunning && last.Healthy != nil && !*last.Healthy
				})
				require.True(w, w.fake.Update(mesos.TaskStatus{TaskID: mesos.TaskID{Value: "a"}, State: mesos.TASK_KILLED.Enum(), Healthy: &unhealthy}))
				require.Equal(w, task.StateKilled, w.untilOver("a").State)
			},
		},
		{
			name:    "a task that the master finds invalid ends in error, and its neighbours run",
			sources: []source{recording("launch_errors"), document("task-state-reasons", "REASON_TASK_INVALID")},
			config:  scheduler.Config{Builder: careless{"bad"}},
			run: func(w *world) {
				bad := w.background(func() error {
					_, err := w.sched.Launch(w.ctx, sleeper("bad"))
					return err
				})
				w.launch(sleeper("good"))
				var failed *scheduler.TaskError
				require.ErrorAs(w, w.result(bad), &failed)
				require.Equal(w, task.StateError, failed.Task.State)
				require.Equal(w, mesos.REASON_TASK_INVALID, failed.Task.Status.GetReason())
				require.Empty(w, w.acknowledgements("bad"), "it has no uuid")
			},
		},
		{
			name:    "a task that Mesos would refuse is refused before it reaches Mesos",
			sources: []source{recording("launch_errors"), document("high-availability-framework-guide", "The Life Cycle of a Task")},
			run: func(w *world) {
				w.untilConnected(1)
				spec := sleeper("a/b")
				spec.Mem = -1
				err := w.sched.Submit(w.ctx, spec)
				var field *task.FieldError
				require.ErrorAs(w, err, &field)
				require.ErrorContains(w, err, "ID")
				require.ErrorContains(w, err, "Mem")
				w.calm()
				require.Empty(w, w.made(calls.Call_REVIVE))
			},
		},
		{
			name:    "an ID that is on record is not launched again, also after the task's end",
			sources: []source{recording("launch_errors"), recording("reuse_unreachable_task_id")},
			run: func(w *world) {
				w.launch(sleeper("a"))
				require.ErrorIs(w, w.sched.Submit(w.ctx, sleeper("a")), scheduler.ErrDuplicateTask)
				w.kill("a")
				require.ErrorIs(w, w.sched.Submit(w.ctx, sleeper("a")), scheduler.ErrDuplicateTask)
				require.Equal(w, 1, w.launchesOf("a"))
			},
		},
		{
			name:    "a Launch whose context ends withdraws a task that is pending",
			sources: []source{document("scheduler-http-api", "ACCEPT")},
			run: func(w *world) {
				ctx, cancel := context.WithCancel(w.ctx)
				given := w.background(func() error {
					_, err := w.sched.Launch(ctx, oversized("a"))
					return err
				})
				w.untilState("a", task.StatePending)
				cancel()
				require.ErrorIs(w, w.result(given), context.Canceled)
				require.Equal(w, task.StateKilled, w.untilOver("a").State)
				require.Empty(w, w.made(calls.Call_KILL))
			},
		},
		{
			name:    "a Launch whose context ends kills a task that is being launched",
			sources: []source{document("scheduler-http-api", "KILL"), recording("kill_staging")},
			run: func(w *world) {
				ctx, cancel := context.WithCancel(w.ctx)
				w.wire.events(func(e *calls.Event) []*calls.Event {
					if u := e.GetUpdate(); u != nil && u.Status.GetState() == mesos.TASK_RUNNING && len(w.made(calls.Call_KILL)) == 0 {
						cancel()
						return nil // it is sent again
					}
					return []*calls.Event{e}
				})
				_, err := w.sched.Launch(ctx, sleeper("a"))
				require.ErrorIs(w, err, context.Canceled)
				require.Equal(w, task.StateKilled, w.untilOver("a").State)
				w.untilMade(calls.Call_KILL, 1)
			},
		},
		{
			name:    "tasks that are submitted while disconnected are launched afterwards, in their order",
			sources: []source{document("high-availability-framework-guide", "Dealing with Partitioned or Failed Masters")},
			run: func(w *world) {
				w.untilConnected(1)
				w.wire.fail()
				for _, id := range []string{"a", "b", "c"} {
					w.submit(sleeper(id))
				}
				w.wire.restore()
				var order []string
				for _, id := range []string{"a", "b", "c"} {
					w.untilState(id, task.StateRunning)
				}
				for _, c := range w.made(calls.Call_ACCEPT) {
					order = append(order, launchedBy(c)...)
				}
				require.Equal(w, []string{"a", "b", "c"}, order)
			},
		},
		{
			name:    "calls that were not sent before the stream broke are made up for",
			sources: []source{document("high-availability-framework-guide", "Mesos Architecture")},
			run: func(w *world) {
				w.untilConnected(1)
				w.wire.once(calls.Call_REVIVE, cut)
				w.submit(sleeper("a"))
				w.untilMade(calls.Call_REVIVE, 1)
				w.wire.cut()
				w.untilState("a", task.StateRunning)
			},
		},
		{
			name:    "a task may run before the ACCEPT that launched it is answered",
			sources: []source{document("scheduler-http-api", "Overview"), recording("kill_staging")},
			run: func(w *world) {
				w.untilConnected(1)
				w.wire.once(calls.Call_ACCEPT, late)
				w.launch(sleeper("a"))
				require.Equal(w, task.StateKilled, w.kill("a").State)
				require.Equal(w, 1, w.launchesOf("a"))
			},
		},
		{
			name:    "a refused launch of one task does not affect those of others",
			sources: []source{recording("accept_invalid_offers"), recording("launch_wrong")},
			run: func(w *world) {
				w.launch(sleeper("a"))
				w.wire.once(calls.Call_ACCEPT, http.StatusServiceUnavailable)
				w.launch(sleeper("b"))
				require.Equal(w, 1, w.launchesOf("a"))
				require.Equal(w, task.StateRunning, w.task("a").State)
			},
		},
	}
}

// listening builds tasks that listen on their first port, if they have one.
type listening struct{}

func (listening) Build(in task.BuildInput) (mesos.TaskInfo, error) {
	info, err := taskbuilder.Standard{}.Build(in)
	if err == nil && len(in.Placement.HostPorts) > 0 {
		shell := "exec python3 -m http.server " + strconv.Itoa(int(in.Placement.HostPorts[0]))
		info.Command.Value = &shell
	}
	return info, err
}

// careless builds one task so that the master refuses it.
type careless struct{ id string }

func (c careless) Build(in task.BuildInput) (mesos.TaskInfo, error) {
	info, err := taskbuilder.Standard{}.Build(in)
	if in.Spec.ID == c.id {
		info.KillPolicy = &mesos.KillPolicy{GracePeriod: &mesos.DurationInfo{Nanoseconds: -1}}
	}
	return info, err
}
