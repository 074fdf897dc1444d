package mesostest

import (
	"slices"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// reconcile performs RECONCILE: one answer per named task, in order, or one for every
// task that the master knows.
func (m *Master) reconcile(f *framework, c *scheduler.Call_Reconcile) {
	if len(c.Tasks) == 0 {
		for _, t := range f.byLaunch() {
			f.send(m, t.reconciled())
		}
		return
	}
	for _, t := range c.Tasks {
		m.reconcileTask(f, t.TaskID, t.AgentID)
	}
}

// reconcileTask answers for one task, of which the framework may have named the agent.
func (m *Master) reconcileTask(f *framework, id mesos.TaskID, agentID *mesos.AgentID) {
	if t := f.tasks[id.Value]; t != nil {
		f.send(m, t.reconciled())
		return
	}
	update := func(state mesos.TaskState, message string) *scheduler.Event {
		var named *string
		if agentID != nil {
			named = &agentID.Value
		}
		return m.masterUpdate(id, named, f.lost(state), mesos.REASON_RECONCILIATION, "Reconciliation: Task is "+message)
	}
	switch a := m.agentByID[agentID.GetValue()]; {
	case m.gone[agentID.GetValue()] != nil:
		f.send(m, update(mesos.TASK_GONE_BY_OPERATOR, "gone"))
	case a == nil && agentID == nil && m.recovering(), a != nil && a.recovered:
		// The agent may yet report it.
	case a == nil:
		f.send(m, update(mesos.TASK_UNKNOWN, "unknown"))
	case a.lostAt.IsZero():
		f.send(m, update(mesos.TASK_GONE, "unknown to the agent"))
	default:
		e := update(mesos.TASK_UNREACHABLE, "unreachable")
		e.Update.Status.UnreachableTime = a.unreachableTime()
		f.send(m, e)
	}
}

// recovering reports whether an agent is known from the registry alone.
func (m *Master) recovering() bool {
	return slices.ContainsFunc(m.everRegistered, func(a *agent) bool { return a.recovered })
}

// reconciled answers with the state that was last forwarded, not the latest.
func (t *task) reconciled() *scheduler.Event {
	status := mesos.TaskStatus{
		TaskID:          t.info.TaskID,
		State:           t.forwarded.State,
		Message:         ptr("Reconciliation: Latest task state"),
		Source:          mesos.SOURCE_MASTER.Enum(),
		Reason:          mesos.REASON_RECONCILIATION.Enum(),
		AgentID:         &mesos.AgentID{Value: t.agent.id},
		Timestamp:       timestamp(time.Now()),
		Healthy:         t.forwarded.Healthy,
		CheckStatus:     t.forwarded.CheckStatus,
		ContainerStatus: t.forwarded.ContainerStatus,
	}
	if t.executor.info != nil {
		status.ExecutorID = &mesos.ExecutorID{Value: t.executor.id}
	}
	return updateEvent(status)
}
