package conformance

import (
	"errors"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

func living() []behaviour {
	ends := func(name, shell string, state task.State, message string, sources ...source) behaviour {
		return behaviour{name: name, sources: sources, run: func(w *world) {
			w.submit(command("a", shell))
			over := w.untilOver("a")
			require.Equal(w, state, over.State)
			require.Equal(w, message, over.Status.GetMessage())
			w.acknowledged("a")
		}}
	}
	end := func(state task.State, over bool, sources ...source) behaviour {
		name := state.String() + " ends a task"
		if !over {
			name = state.String() + " does not end a task, which may come back"
		}
		return behaviour{name: name, sources: sources, run: func(w *world) {
			info := w.launch(sleeper("a"))
			w.wire.inject(masterStatus("a", info.AgentID, state))
			w.untilState("a", state)
			if over {
				again := w.kill("a")
				require.Equal(w, state, again.State)
				require.Empty(w, w.made(calls.Call_KILL))
				return
			}
			w.wire.inject(masterStatus("a", info.AgentID, task.StateRunning))
			w.until("it is back", func() bool { states := w.states("a"); return states[len(states)-1] == task.StateRunning })
			require.Equal(w, task.StateKilled, w.kill("a").State)
		}}
	}
	guide := document("high-availability-framework-guide", "The Life Cycle of a Task")
	partitions := document("high-availability-framework-guide", "Dealing with Partitioned or Failed Agents")
	return []behaviour{
		ends("a task that exits with 0 has finished", "exit 0", task.StateFinished, "Command exited with status 0", guide, recording("task_finished")),
		ends("a task that exits with something else has failed", "exit 3", task.StateFailed, "Command exited with status 3", guide, recording("task_failed")),
		ends("a task that dies of a signal has failed", "kill -9 $$", task.StateFailed, "Command terminated with signal Killed", guide, recording("task_failed")),
		ends("a task whose program does not exist has failed", "no-such-program-anywhere", task.StateFailed, "Command exited with status 127", guide, recording("task_failed")),
		{
			name:    "a task that cannot be started fails its Launch, with the agent's message",
			sources: []source{recording("task_start_failures"), document("task-state-reasons", "REASON_CONTAINER_LAUNCH_FAILED")},
			run: func(w *world) {
				spec := sleeper("a")
				spec.Command.URIs = []task.URI{{Value: "file:///no/such/file/" + w.name[len(w.name)-8:]}}
				_, err := w.sched.Launch(w.ctx, spec)
				var failed *scheduler.TaskError
				require.ErrorAs(w, err, &failed, w.journal)
				if w.fake == nil {
					require.Equal(w, mesos.REASON_CONTAINER_LAUNCH_FAILED, failed.Task.Status.GetReason())
				}
				require.Equal(w, task.StateFailed, failed.Task.State)
			},
		},
		{
			name:    "a task that ends before it was healthy fails its Launch",
			sources: []source{document("health-checks", "Under the Hood"), recording("task_failed")},
			run: func(w *world) {
				spec := command("a", "exit 3")
				spec.Ports = make([]task.Port, 1)
				spec.HealthCheck = &task.HealthCheck{}
				_, err := w.sched.Launch(w.ctx, spec)
				var failed *scheduler.TaskError
				require.ErrorAs(w, err, &failed)
				require.Equal(w, task.StateFailed, failed.Task.State)
				require.False(w, errors.Is(err, scheduler.ErrNotRunning))
			},
		},
		{
			name:    "a running task whose executor dies is reported as failed",
			sources: []source{recording("executor_killed"), document("task-state-reasons", "REASON_EXECUTOR_TERMINATED")},
			needs:   onDemand,
			run: func(w *world) {
				w.launch(sleeper("a"))
				require.True(w, w.fake.KillExecutor("a"))
				require.Equal(w, task.StateFailed, w.untilOver("a").State)
				require.Equal(w, mesos.REASON_EXECUTOR_TERMINATED, w.task("a").Status.GetReason())
			},
		},
		end(task.StateLost, true, guide, recording("agent_clean_shutdown")),
		end(task.StateDropped, true, partitions, recording("accept_invalid_offers")),
		end(task.StateGone, true, partitions, recording("reconcile_partition_aware")),
		end(task.StateGoneByOperator, true, partitions, document("task-state-reasons", "REASON_SLAVE_REMOVED")),
		end(task.StateUnreachable, false, partitions, recording("agent_kill9_partition_aware")),
		end(task.StateUnknown, false, partitions, recording("reconcile_partition_aware")),
		{
			name:    "a late update of a task that has ended changes nothing",
			sources: []source{document("high-availability-framework-guide", "Mesos Architecture"), recording("ack_wrong")},
			run: func(w *world) {
				info := w.launch(sleeper("a"))
				w.kill("a")
				w.wire.inject(masterStatus("a", info.AgentID, task.StateRunning))
				w.launch(sleeper("b")) // events are handled in order, so the update has been, too
				require.Equal(w, task.StateKilled, w.task("a").State)
			},
		},
		{
			name:    "tasks that have ended are no longer running at the master, and others are",
			sources: []source{guide, recording("teardown_tasks")},
			run: func(w *world) {
				w.launch(sleeper("a"))
				w.launch(sleeper("b"))
				w.kill("a")
				w.poll("the master has one task left", func() bool {
					f, _ := w.view()
					return len(f.Tasks) == 1 && f.Tasks[0] == taskView{ID: "b", State: "TASK_RUNNING"}
				})
			},
		},
	}
}

// masterStatus is a status that the master itself makes up: it has no uuid.
func masterStatus(id, agent string, state task.State) *calls.Event {
	s, _ := state.Mesos()
	return &calls.Event{Type: calls.Event_UPDATE, Update: &calls.Event_Update{Status: mesos.TaskStatus{
		TaskID: mesos.TaskID{Value: id}, AgentID: &mesos.AgentID{Value: agent}, State: &s, Source: mesos.SOURCE_MASTER.Enum(),
	}}}
}
