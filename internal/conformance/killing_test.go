package conformance

import (
	"net/http"
	"slices"

	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

func killing() []behaviour {
	kill := document("scheduler-http-api", "KILL")
	return []behaviour{
		{
			name:    "a running task is killing, then killed, and Kill returns when it has ended",
			sources: []source{kill, recording("kill_cases")},
			run: func(w *world) {
				info := w.launch(sleeper("a"))
				require.Equal(w, task.StateKilled, w.kill("a").State)
				states := w.states("a")
				require.Equal(w, []task.State{task.StateRunning, task.StateKilling, task.StateKilled}, states[len(states)-3:])
				require.Equal(w, info.AgentID, w.made(calls.Call_KILL)[0].Kill.GetAgentID().GetValue(), "without it the master cannot say what became of it")
			},
		},
		{
			name:    "a pending task is withdrawn and never launched",
			sources: []source{kill},
			run: func(w *world) {
				launch := w.background(func() error {
					_, err := w.sched.Launch(w.ctx, oversized("a"))
					return err
				})
				w.untilState("a", task.StatePending)
				require.Equal(w, task.StateKilled, w.kill("a").State)
				var failed *scheduler.TaskError
				require.ErrorAs(w, w.result(launch), &failed, "both callers are answered")
				require.Empty(w, w.made(calls.Call_KILL))
				require.Zero(w, w.launchesOf("a"))
				w.nothingHeld()
			},
		},
		{
			name:    "a task is killed that has only just been launched",
			sources: []source{recording("kill_staging"), document("task-state-reasons", "REASON_TASK_KILLED_DURING_LAUNCH")},
			run: func(w *world) {
				w.submit(sleeper("a"))
				w.untilState("a", task.StateStaging)
				require.Equal(w, task.StateKilled, w.kill("a").State)
			},
		},
		{
			name:    "a task that has ended is not killed again",
			sources: []source{recording("kill_cases")},
			run: func(w *world) {
				w.submit(command("a", "exit 0"))
				w.untilOver("a")
				require.Equal(w, task.StateFinished, w.kill("a").State)
				require.Empty(w, w.made(calls.Call_KILL))
			},
		},
		{
			name:    "a task that is not on record is not killed",
			sources: []source{recording("kill_cases")},
			run: func(w *world) {
				w.untilConnected(1)
				_, err := w.sched.Kill(w.ctx, "nobody")
				require.ErrorIs(w, err, scheduler.ErrUnknownTask)
				require.Empty(w, w.made(calls.Call_KILL))
			},
		},
		{
			name:    "a kill is repeated until the task has ended",
			sources: []source{document("high-availability-framework-guide", "Mesos Architecture"), recording("kill_agent_disconnected"), recording("kill_unacked")},
			run: func(w *world) {
				w.launch(sleeper("a"))
				w.wire.times(2, calls.Call_KILL, swallow)
				require.Equal(w, task.StateKilled, w.kill("a").State)
				require.GreaterOrEqual(w, len(w.made(calls.Call_KILL)), 3)
			},
		},
		{
			name:    "a kill is not repeated once the task has ended",
			sources: []source{recording("kill_cases")},
			needs:   hours,
			run: func(w *world) {
				w.launch(sleeper("a"))
				w.kill("a")
				w.calm()
				require.Len(w, w.made(calls.Call_KILL), 1)
			},
		},
		{
			name:    "a kill that the master refuses is made again",
			sources: []source{document("scheduler-http-api", "Overview"), kill},
			run: func(w *world) {
				w.launch(sleeper("a"))
				w.wire.once(calls.Call_KILL, http.StatusServiceUnavailable)
				require.Equal(w, task.StateKilled, w.kill("a").State)
			},
		},
		{
			name:    "a kill whose answer is lost is done all the same",
			sources: []source{document("high-availability-framework-guide", "Mesos Architecture"), recording("kill_cases")},
			run: func(w *world) {
				w.launch(sleeper("a"))
				w.wire.once(calls.Call_KILL, lose)
				require.Equal(w, task.StateKilled, w.kill("a").State)
			},
		},
		{
			name:    "a kill that is asked for while disconnected is made with the next subscription",
			sources: []source{kill, document("high-availability-framework-guide", "Dealing with Partitioned or Failed Masters")},
			run: func(w *world) {
				w.launch(sleeper("a"))
				w.wire.fail()
				killed := w.background(func() error {
					_, err := w.sched.Kill(w.ctx, "a")
					return err
				})
				w.until("it is noticed", func() bool { told, _ := w.connections(); return len(told) > 1 })
				w.wire.restore()
				require.NoError(w, w.result(killed))
				require.Equal(w, task.StateKilled, w.task("a").State)
			},
		},
		{
			name:    "a kill that was lost with its connection is made with the next subscription",
			sources: []source{document("high-availability-framework-guide", "Mesos Architecture")},
			run: func(w *world) {
				w.launch(sleeper("a"))
				w.wire.once(calls.Call_KILL, swallow)
				killed := w.background(func() error {
					_, err := w.sched.Kill(w.ctx, "a")
					return err
				})
				w.untilMade(calls.Call_KILL, 1)
				w.wire.cut()
				require.NoError(w, w.result(killed))
				entries, _ := w.read()
				n := slices.IndexFunc(entries, func(e entry) bool { return e.call.GetType() == calls.Call_SUBSCRIBE && e.call.FrameworkID != nil })
				require.GreaterOrEqual(w, n, 0)
				require.True(w, slices.ContainsFunc(entries[n:], func(e entry) bool { return e.call.GetType() == calls.Call_KILL }))
			},
		},
		{
			name:    "a task that ignores SIGTERM is killed after its grace period",
			sources: []source{recording("kill_policy")},
			run: func(w *world) {
				w.launch(command("a", "trap '' TERM; while true; do sleep 1; done"))
				over := w.kill("a")
				require.Equal(w, task.StateKilled, over.State)
			},
		},
		{
			name:    "a task that ends by itself on SIGTERM is killed as well",
			sources: []source{recording("kill_policy"), recording("kill_cases")},
			run: func(w *world) {
				w.launch(command("a", "trap 'exit 0' TERM; while true; do sleep 1; done"))
				require.Equal(w, task.StateKilled, w.kill("a").State)
			},
		},
		{
			name:    "every Kill that waits for the end of a task returns",
			sources: []source{recording("kill_cases")},
			run: func(w *world) {
				w.launch(sleeper("a"))
				first := w.background(func() error { _, err := w.sched.Kill(w.ctx, "a"); return err })
				second := w.background(func() error { _, err := w.sched.Kill(w.ctx, "a"); return err })
				require.NoError(w, w.result(first))
				require.NoError(w, w.result(second))
			},
		},
		{
			name:    "a task that the master does not know any more has ended when it is killed",
			sources: []source{recording("kill_cases"), recording("reconcile_partition_aware")},
			run: func(w *world) {
				w.untilConnected(1)
				w.wire.once(calls.Call_ACCEPT, swallow)
				w.submit(sleeper("a"))
				w.untilState("a", task.StateStaging)
				require.True(w, w.kill("a").State.Terminal())
				w.calm()
				require.Equal(w, 1, w.launchesOf("a"))
			},
		},
	}
}
