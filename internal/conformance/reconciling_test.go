package conformance

import (
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

func reconciling() []behaviour {
	algorithm := document("reconciliation", "Algorithm")
	return []behaviour{
		{
			name:    "Reconcile asks also for a task whose ACCEPT has not been answered yet",
			sources: []source{document("scheduler-http-api", "RECONCILE"), algorithm},
			run: func(w *world) {
				w.untilConnected(1)
				w.wire.once(calls.Call_ACCEPT, late)
				w.launch(sleeper("a"))
				require.NoError(w, w.sched.Reconcile(w.ctx))
				require.NotEmpty(w, w.made(calls.Call_RECONCILE))
				require.Contains(w, asked(w.made(calls.Call_RECONCILE)[0]), "a")
			},
		},
		{
			name:    "after another subscription each task that has not ended is reconciled explicitly, with its agent",
			sources: []source{algorithm, recording("reconcile_partition_aware")},
			run: func(w *world) {
				agents := map[string]string{}
				for _, id := range []string{"a", "b", "over"} {
					agents[id] = w.launch(sleeper(id)).AgentID
					w.acknowledged(id)
				}
				w.kill("over")
				delete(agents, "over")
				w.submit(oversized("pending"))
				w.wire.cut()
				w.untilConnected(2)
				require.Equal(w, agents, asked(w.untilMade(calls.Call_RECONCILE, 1)))
				_, connected := w.connections()
				require.Less(w, w.timesOf(calls.Call_RECONCILE)[0]-connected[2], time.Minute, "not only when it is due anyway")
			},
		},
		{
			name:    "explicit reconciliation is followed by implicit reconciliation",
			sources: []source{algorithm, document("reconciliation", "How To Reconcile")},
			run: func(w *world) {
				w.launch(sleeper("a"))
				w.wire.cut()
				w.untilConnected(2)
				require.Len(w, asked(w.untilMade(calls.Call_RECONCILE, 1)), 1)
				require.Empty(w, asked(w.untilMade(calls.Call_RECONCILE, 2)))
			},
		},
		{
			name:    "the end of a task during a disconnection is found out",
			sources: []source{document("reconciliation", "When To Reconcile"), recording("reconcile_partition_aware")},
			run: func(w *world) {
				info := w.launch(sleeper("a"))
				w.acknowledged("a")
				w.endBehind("a", info.AgentID)
				w.wire.cut()
				require.Equal(w, task.StateGone, w.untilOver("a").State)
			},
		},
		{
			name:    "Reconcile returns when the master has answered for each task",
			sources: []source{document("scheduler-http-api", "RECONCILE"), recording("reconcile_partition_aware")},
			run: func(w *world) {
				info := w.launch(sleeper("a"))
				w.acknowledged("a")
				w.endBehind("a", info.AgentID)
				require.NoError(w, w.sched.Reconcile(w.ctx))
				require.Equal(w, task.StateGone, w.task("a").State)
			},
		},
		{
			name:    "a RECONCILE that is not answered is repeated, with pauses that grow",
			sources: []source{algorithm, document("high-availability-framework-guide", "Agent Reregistration")},
			run: func(w *world) {
				w.launch(sleeper("a"))
				w.acknowledged("a")
				w.dropReconciliation(true)
				w.wire.cut()
				w.untilMade(calls.Call_RECONCILE, 3)
				times := w.timesOf(calls.Call_RECONCILE)
				require.Greater(w, times[2]-times[1], times[1]-times[0])
				w.dropReconciliation(false)
				require.NoError(w, w.sched.Reconcile(w.ctx))
				require.Equal(w, task.StateRunning, w.task("a").State)
			},
		},
		{
			name:    "a task that the master does not know is asked about again, with pauses that grow",
			sources: []source{algorithm, recording("master_restart_in_memory")},
			run: func(w *world) {
				w.launch(sleeper("a"))
				w.acknowledged("a")
				w.wire.events(func(e *calls.Event) []*calls.Event {
					if u := e.GetUpdate(); u != nil && u.Status.GetReason() == mesos.REASON_RECONCILIATION {
						u.Status.State = mesos.TASK_UNKNOWN.Enum()
					}
					return []*calls.Event{e}
				})
				w.wire.cut()
				var times []time.Duration
				w.until("four questions", func() bool {
					times = nil
					for i, c := range w.made(calls.Call_RECONCILE) {
						if len(c.Reconcile.Tasks) > 0 {
							times = append(times, w.timesOf(calls.Call_RECONCILE)[i])
						}
					}
					return len(times) >= 4
				})
				require.Greater(w, times[2]-times[1], times[1]-times[0])
				require.Greater(w, times[3]-times[2], times[2]-times[1])
				require.Equal(w, task.StateUnknown, w.task("a").State)
				w.wire.events(nil)
				w.untilState("a", task.StateRunning)
				require.Equal(w, 1, w.launchesOf("a"))
			},
		},
		{
			name:    "only tasks without an answer are asked for again",
			sources: []source{algorithm},
			run: func(w *world) {
				w.launch(sleeper("a"))
				w.launch(sleeper("b"))
				w.acknowledged("a")
				w.acknowledged("b")
				w.wire.events(func(e *calls.Event) []*calls.Event {
					if u := e.GetUpdate(); u != nil && u.Status.GetReason() == mesos.REASON_RECONCILIATION && u.Status.TaskID.Value == "b" {
						return nil
					}
					return []*calls.Event{e}
				})
				w.wire.cut()
				require.Len(w, asked(w.untilMade(calls.Call_RECONCILE, 1)), 2)
				again := asked(w.untilMade(calls.Call_RECONCILE, 2))
				require.Contains(w, again, "b")
				require.NotContains(w, again, "a")
			},
		},
		{
			name:    "a newer reconciliation replaces an older one",
			sources: []source{algorithm},
			run: func(w *world) {
				w.launch(sleeper("a"))
				w.acknowledged("a")
				w.dropReconciliation(true)
				first := w.background(func() error { return w.sched.Reconcile(w.ctx) })
				w.untilMade(calls.Call_RECONCILE, 1)
				second := w.background(func() error { return w.sched.Reconcile(w.ctx) })
				w.untilMade(calls.Call_RECONCILE, 2)
				w.dropReconciliation(false)
				require.NoError(w, w.result(first), "both are answered")
				require.NoError(w, w.result(second))
				require.LessOrEqual(w, len(w.made(calls.Call_RECONCILE)), 4, "one question at a time, and the one for all")
			},
		},
		{
			name:    "tasks are reconciled every quarter of an hour, not all schedulers at the same instant",
			sources: []source{algorithm, document("reconciliation", "When To Reconcile")},
			needs:   hours,
			run: func(w *world) {
				w.launch(sleeper("a"))
				w.wait(3 * time.Hour)
				var whole []time.Duration
				for i, c := range w.made(calls.Call_RECONCILE) {
					if len(c.Reconcile.Tasks) == 0 {
						whole = append(whole, w.timesOf(calls.Call_RECONCILE)[i])
					}
				}
				require.InDelta(w, 12, len(whole), 1)
				pauses := map[time.Duration]bool{}
				for i := range whole[1:] {
					pause := whole[i+1] - whole[i]
					require.InDelta(w, 15*60, pause.Seconds(), 91)
					pauses[pause] = true
				}
				require.Greater(w, len(pauses), 5)
			},
		},
		{
			name:    "an answer without a change is not reported",
			sources: []source{recording("reconcile_partition_aware"), document("task-state-reasons", "REASON_RECONCILIATION")},
			run: func(w *world) {
				w.launch(sleeper("a"))
				w.acknowledged("a")
				before := len(w.infos("a"))
				require.NoError(w, w.sched.Reconcile(w.ctx))
				w.launch(sleeper("b"))
				require.Len(w, w.infos("a"), before)
			},
		},
	}
}

// asked returns the tasks and agents of a RECONCILE.
func asked(c *calls.Call) map[string]string {
	tasks := map[string]string{}
	for _, t := range c.Reconcile.Tasks {
		tasks[t.TaskID.Value] = t.GetAgentID().GetValue()
	}
	return tasks
}

// timesOf returns when calls of a type were made.
func (w *world) timesOf(t calls.Call_Type) []time.Duration {
	var list []time.Duration
	entries, _ := w.read()
	for _, e := range entries {
		if e.call.GetType() == t {
			list = append(list, e.at)
		}
	}
	return list
}

// endBehind kills a task and acknowledges its end without the scheduler.
func (w *world) endBehind(id, agent string) {
	w.Helper()
	over := make(chan struct{}, 1)
	w.wire.events(func(e *calls.Event) []*calls.Event {
		u := e.GetUpdate()
		if u == nil || u.Status.TaskID.Value != id || len(u.Status.UUID) == 0 {
			return []*calls.Event{e}
		}
		w.wire.slipIn(&calls.Call{Type: calls.Call_ACKNOWLEDGE, Acknowledge: &calls.Call_Acknowledge{
			AgentID: *u.Status.AgentID, TaskID: u.Status.TaskID, UUID: u.Status.UUID,
		}})
		if task.StateFromMesos(u.Status.GetState()).Terminal() {
			over <- struct{}{}
		}
		return nil
	})
	w.wire.slipIn(&calls.Call{Type: calls.Call_KILL, Kill: &calls.Call_Kill{
		TaskID: mesos.TaskID{Value: id}, AgentID: &mesos.AgentID{Value: agent},
	}})
	select {
	case <-over:
	case <-time.After(w.patience):
		w.fail(id + " did not end")
	}
	w.poll("the master has forgotten it", func() bool {
		f, _ := w.view()
		for _, t := range f.Tasks {
			if t.ID == id {
				return false
			}
		}
		return true
	})
	w.wire.events(nil)
}

// dropReconciliation drops the master's answers to RECONCILE.
func (w *world) dropReconciliation(drop bool) {
	w.wire.events(func(e *calls.Event) []*calls.Event {
		if u := e.GetUpdate(); drop && u != nil && u.Status.GetReason() == mesos.REASON_RECONCILIATION {
			return nil
		}
		return []*calls.Event{e}
	})
}
