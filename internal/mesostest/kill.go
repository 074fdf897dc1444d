package mesostest

import (
	"slices"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// killCall performs KILL. A task that the master does not know is reconciled instead.
func (m *Master) killCall(f *framework, c *scheduler.Call_Kill) {
	t := f.tasks[c.TaskID.Value]
	switch {
	case t == nil:
		m.reconcileTask(f, c.TaskID, c.AgentID)
	case c.AgentID != nil && c.AgentID.Value != t.agent.id: // ignored
	default:
		t.kill(m, c.KillPolicy)
	}
}

// kill asks the agent to end a task; repeated it changes nothing. override is the
// kill policy of the call, nil without.
func (t *task) kill(m *Master, override *mesos.KillPolicy) {
	if t.killing || t.ending || terminal(t.latest) {
		return
	}
	if !t.agent.alive {
		if t.killLater = new(killRequest); t.agent.connected {
			t.killLater.override = override
		}
		return
	}
	if t.started && t.executor.script != nil {
		t.executor.killScripted(m, t)
		return
	}
	t.killing = true
	if !t.started {
		t.killBeforeStart(m)
		return
	}
	if t.framework.can(mesos.FrameworkInfo_Capability_TASK_KILLING_STATE) && !t.overdue {
		t.update(m, t.executorStatus(mesos.TASK_KILLING))
	}
	t.check.stop()
	t.status.stop()
	t.process.Signal("TERM")
	if !t.ending {
		t.escalation = m.after(t.grace(override), func() { t.process.Signal("KILL") })
	}
}

// killRequest is a KILL that waits for its agent: in the socket of one that is frozen, and in the master, which does not
// keep its kill policy, for one that is lost.
type killRequest struct{ override *mesos.KillPolicy }

// killBeforeStart ends a task that its executor has not seen, and with it the others of its group: the agent itself
// reports it. An agent asks its containerizer about the container first, which answers no sooner than that is there.
func (t *task) killBeforeStart(m *Master) {
	e := t.executor
	message := "Killed before delivery to the executor"
	if t.group != 0 {
		message = "A task within the task group was killed before delivery to the executor"
	}
	for _, other := range e.tasks {
		if other.inGroupOf(t) {
			other.killing = true
		}
	}
	t.escalation = m.after(time.Until(e.created.Add(m.config.Launch)), func() {
		for _, other := range slices.Clone(e.tasks) {
			if other.inGroupOf(t) {
				other.update(m, mesos.TaskStatus{
					State:   mesos.TASK_KILLED.Enum(),
					Source:  mesos.SOURCE_AGENT.Enum(),
					Reason:  mesos.REASON_TASK_KILLED_DURING_LAUNCH.Enum(),
					Message: &message,
				})
			}
		}
		if len(e.tasks) == 0 {
			e.remove(m)
		}
	})
}

// inGroupOf reports whether two tasks came in one LAUNCH_GROUP, or are the same.
func (t *task) inGroupOf(other *task) bool {
	return t == other || t.group != 0 && t.group == other.group
}

// grace returns the time from SIGTERM to SIGKILL: none after max_completion_time. The command executor
// of a default agent never sees the policy of the call.
func (t *task) grace(override *mesos.KillPolicy) time.Duration {
	if t.overdue {
		return 0
	}
	honours := t.executor.info != nil || t.agent.config.HTTPCommandExecutor
	for _, policy := range []*mesos.KillPolicy{override, t.info.KillPolicy} {
		if policy == override && !honours {
			continue
		}
		if d := policy.GetGracePeriod(); d != nil {
			return time.Duration(d.Nanoseconds)
		}
	}
	return defaultGrace
}

// shutdown performs SHUTDOWN of an executor; an unknown one is ignored.
func (m *Master) shutdown(f *framework, c *scheduler.Call_Shutdown) {
	a := m.agentByID[c.AgentID.Value]
	if a == nil || !a.connected {
		return
	}
	e := a.executors[executorKey{f.id, c.ExecutorID.Value}]
	switch {
	case e == nil:
	case e.script != nil && e.registered:
		e.shutdownScripted(m)
	case e.custom():
		e.crash(m, mesos.REASON_EXECUTOR_TERMINATED, "Executor terminated", 9)
	default:
		for _, t := range slices.Clone(e.tasks) {
			t.kill(m, nil)
		}
	}
}
