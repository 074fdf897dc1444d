package mesostest

import (
	"net/http"
	"slices"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
)

// DeactivateAgent ends offers of the agent with the hostname; outstanding ones are rescinded. Its
// tasks go on. The error is a *OperatorError, 404 when there is no such agent.
func (m *Master) DeactivateAgent(hostname string) error {
	return m.operateAgent(hostname, m.deactivateAgent)
}

// DrainAgent does what DeactivateAgent does and kills the agent's tasks. maxGrace caps the grace
// periods of their kill policies, negative: not at all; like the policy of a KILL it is honoured only
// where that is (see Agent.HTTPCommandExecutor). With markGone the agent is marked gone once all updates
// of its tasks are acknowledged. The error is a *OperatorError: 404 when there is no such agent, 400 when
// its machine is in the maintenance schedule.
func (m *Master) DrainAgent(hostname string, maxGrace time.Duration, markGone bool) error {
	config := mesos.DrainConfig{MarkGone: &markGone}
	if maxGrace >= 0 {
		config.MaxGracePeriod = &mesos.DurationInfo{Nanoseconds: int64(maxGrace)}
	}
	return m.operateAgent(hostname, func(id string) error { return m.drainAgent(id, config) })
}

// ReactivateAgent ends what DeactivateAgent or DrainAgent began; offers come with the next
// allocation. The error is a *OperatorError: 404 when there is no such agent, 400 when it is not
// deactivated or still draining, 409 when it is unreachable (it is reactivated all the same).
func (m *Master) ReactivateAgent(hostname string) error {
	return m.operateAgent(hostname, m.reactivateAgent)
}

// offerable reports whether the agent takes part in allocations.
func (a *agent) offerable() bool { return a.connected && !a.deactivated }

// isRegistered reports whether the agent is one, perhaps disconnected, but not unreachable or removed.
func (m *Master) isRegistered(a *agent) bool { return slices.Contains(m.agents, a) }

func (m *Master) deactivateAgent(id string) error {
	a := m.agentByID[id]
	if a == nil {
		return refused(http.StatusBadRequest, "Unknown agent")
	}
	a.deactivated = true
	m.rescindAll(a)
	return nil
}

func (m *Master) drainAgent(id string, config mesos.DrainConfig) error {
	a := m.agentByID[id]
	if a != nil && m.isRegistered(a) && m.unavailability(a) != nil {
		return refused(http.StatusBadRequest, "Agent "+a.id+" is part of a maintenance schedule under Machine "+
			a.config.Hostname+" ("+a.config.IP+")")
	}
	if err := m.deactivateAgent(id); err != nil {
		return err
	}
	a.drain = &mesos.DrainInfo{State: mesos.DrainState_DRAINING, Config: config}
	if m.isRegistered(a) {
		a.drainStart = time.Now()
		m.beginDraining(a)
	}
	return nil
}

func (m *Master) reactivateAgent(id string) error {
	a := m.knownAgent(id)
	switch {
	case a == nil || !a.deactivated:
		return refused(http.StatusBadRequest, "Agent is not deactivated")
	case a.drain.GetState() == mesos.DrainState_DRAINING:
		return refused(http.StatusBadRequest, "Agent is still in the DRAINING state")
	}
	a.deactivated, a.drain, a.draining = false, nil, nil
	if !m.isRegistered(a) {
		return refused(http.StatusConflict, "Agent removed while processing the call")
	}
	m.allocateLater()
	return nil
}

// beginDraining has the agent kill what it runs. One that is away does so when it is back.
func (m *Master) beginDraining(a *agent) {
	if a.drain == nil {
		return
	}
	if a.reachable() && len(a.running) > 0 {
		config := a.drain.Config
		a.draining = &config
		for _, e := range slices.Clone(a.running) {
			for _, t := range slices.Clone(e.tasks) {
				t.kill(m, drainPolicy(config.MaxGracePeriod, t.info.KillPolicy))
			}
		}
	}
	m.checkDrained(a)
}

// drainPolicy returns the policy that caps a task's own, nil when that is short enough.
func drainPolicy(most *mesos.DurationInfo, own *mesos.KillPolicy) *mesos.KillPolicy {
	if grace := own.GetGracePeriod(); most == nil || grace != nil && grace.Nanoseconds <= most.Nanoseconds {
		return nil
	}
	return &mesos.KillPolicy{GracePeriod: most}
}

// explain changes the updates of tasks that an agent kills because it drains: one that will be gone
// says so as soon as the kill begins.
func (a *agent) explain(f *framework, status *mesos.TaskStatus) {
	if a.draining == nil || status.GetState() != mesos.TASK_KILLING && status.GetState() != mesos.TASK_KILLED {
		return
	}
	status.Reason = mesos.REASON_AGENT_DRAINING.Enum()
	if a.draining.GetMarkGone() && f.can(mesos.FrameworkInfo_Capability_PARTITION_AWARE) {
		status.State = mesos.TASK_GONE_BY_OPERATOR.Enum()
	}
}

// checkDrained ends the draining of an agent once the last update of its tasks and operations is
// acknowledged.
func (m *Master) checkDrained(a *agent) {
	if a.drain.GetState() != mesos.DrainState_DRAINING || !m.isRegistered(a) || len(m.tasksOn(a)) > 0 {
		return
	}
	for _, f := range m.order {
		for _, op := range f.operations {
			if op.agent == a {
				return
			}
		}
	}
	if a.drain.Config.GetMarkGone() {
		m.markGone(a)
		return
	}
	a.drain.State = mesos.DrainState_DRAINED
}
