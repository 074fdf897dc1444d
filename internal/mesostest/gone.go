package mesostest

import (
	"maps"
	"net/http"
	"slices"

	"github.com/mesos/mesos-go/api/v1/lib"
)

// MarkAgentGone removes the agent with the hostname for good: its tasks are gone by operator, every
// framework gets a FAILURE, and it cannot come back (ReturnAgent finds no such agent). The
// error is a *OperatorError, 404 when there is no such agent.
func (m *Master) MarkAgentGone(hostname string) error {
	return m.operateAgent(hostname, m.markAgentGone)
}

func (m *Master) markAgentGone(id string) error {
	a := m.knownAgent(id)
	if a == nil {
		return refused(http.StatusNotFound, "Agent '"+id+"' not found")
	}
	if m.gone[id] == nil {
		m.markGone(a)
	}
	return nil
}

// knownAgent finds an agent that is registered, unreachable or gone.
func (m *Master) knownAgent(id string) *agent {
	if a := m.agentByID[id]; a != nil {
		return a
	}
	return m.gone[id]
}

// markGone ends an agent and its tasks, also those that nobody could reach.
func (m *Master) markGone(a *agent) {
	wasRegistered := m.isRegistered(a)
	a.closeAPI()
	a.patience.stop()
	a.connected, a.alive, a.recovered, a.discarded = false, false, false, true
	m.forgetOperations(a, mesos.OPERATION_GONE_BY_OPERATOR, "Agent has been marked gone")
	for _, f := range m.order {
		for _, t := range append(f.byLaunch(), byLaunch(maps.Values(f.unreachable))...) {
			if t.agent == a {
				m.goneTask(t)
			}
		}
	}
	for _, e := range slices.Clone(a.running) {
		e.remove(m)
	}
	clear(a.tasks) // and those that no leader knew
	a.operations = nil
	m.rescindAll(a)
	m.agents = slices.DeleteFunc(m.agents, func(other *agent) bool { return other == a })
	delete(m.agentByID, a.id)
	m.gone[a.id] = a
	if wasRegistered {
		m.fail(a)
	} else { // all were told when it became unreachable
		a.deactivated, a.drain = false, nil
	}
}

func (m *Master) goneTask(t *task) {
	reason := mesos.REASON_AGENT_REMOVED
	if t.framework.can(mesos.FrameworkInfo_Capability_PARTITION_AWARE) {
		reason = mesos.REASON_AGENT_REMOVED_BY_OPERATOR
	}
	m.endTask(t, *t.framework.lost(mesos.TASK_GONE_BY_OPERATOR), reason, "Agent has been marked gone")
	delete(t.framework.unreachable, t.info.TaskID.Value)
}
