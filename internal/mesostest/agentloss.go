package mesostest

import (
	"slices"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
)

// reregistration is how long an agent takes to register again after it was frozen.
const reregistration = 500 * time.Millisecond

// reachable reports whether messages pass between the master and the agent.
func (a *agent) reachable() bool { return a.connected && a.alive }

func (a *agent) unreachableTime() *mesos.TimeInfo {
	return &mesos.TimeInfo{Nanoseconds: a.lostAt.UnixNano()}
}

// withAgent runs f on the loop for the latest agent with the hostname, and reports
// whether there is one.
func (m *Master) withAgent(hostname string, f func(*agent)) (found bool) {
	m.must(func() {
		for n := len(m.everRegistered) - 1; n >= 0; n-- {
			if a := m.everRegistered[n]; a.config.Hostname == hostname && !a.discarded {
				f(a)
				found = true
				return
			}
		}
	})
	return found
}

// RemoveAgent shuts the agent with the hostname down cleanly: its tasks are lost, its
// offers rescinded, and every framework gets a FAILURE. It reports
// whether there is such an agent, as do the methods below.
func (m *Master) RemoveAgent(hostname string) bool {
	return m.withAgent(hostname, func(a *agent) { m.discard(a, "the agent unregistered") })
}

// LoseAgent kills the process of the agent: its connection to the master breaks. The
// tasks of checkpointing frameworks live on; the agent is declared unreachable
// when Config.AgentPingTimeout has passed since a ping, unless ReturnAgent is called before.
func (m *Master) LoseAgent(hostname string) bool {
	return m.withAgent(hostname, func(a *agent) {
		a.closeAPI()
		if !a.connected {
			a.interrupt()
			m.endUncheckpointed(a)
			return
		}
		pinged := a.alive // that a frozen one does not answer the master has seen before
		a.alive, a.connected = false, false
		m.rescindAll(a)
		for _, t := range m.tasksOn(a) {
			t.retry.stop()
			if t.killLater != nil {
				t.killLater.override = nil // it was in the socket
			}
			if !t.framework.info.GetCheckpoint() {
				m.lose(t, mesos.REASON_AGENT_DISCONNECTED, "Agent "+a.config.Hostname+" disconnected")
			}
		}
		m.endUncheckpointed(a)
		if pinged {
			m.watch(a)
		}
	})
}

// endUncheckpointed ends the executors that do not outlive the process of their agent.
func (m *Master) endUncheckpointed(a *agent) {
	for _, e := range slices.Clone(a.running) {
		if !e.framework.info.GetCheckpoint() {
			e.remove(m)
		}
	}
}

// FreezeAgent stops the agent without breaking its connection, as SIGSTOP or a network
// partition does. Nobody notices before Config.AgentPingTimeout has passed.
func (m *Master) FreezeAgent(hostname string) bool {
	return m.withAgent(hostname, func(a *agent) {
		if !a.connected {
			a.interrupt()
		} else if a.alive {
			a.alive = false
			m.watch(a)
		}
	})
}

// interrupt takes an agent away again that is about to register.
func (a *agent) interrupt() {
	if a.alive {
		a.alive = false
		a.patience.stop()
	}
}

// ReturnAgent brings an agent back that LoseAgent or FreezeAgent took away, with its
// tasks, or without any one that StartMaintenance removed. What was killed meanwhile is killed
// now. As long as its machine is down for maintenance an agent stays away.
func (m *Master) ReturnAgent(hostname string) bool {
	return m.withAgent(hostname, func(a *agent) {
		if a.alive || m.isDown(a) {
			return
		}
		m.reopenAPI(a)
		frozen := a.frozen
		a.alive, a.frozen = true, false
		a.patience.stop()
		switch {
		case !m.ready: // it registers with the next leader
		case m.agentByID[a.id] != a || a.recovered:
			m.enroll(a)
		case a.lostAt.IsZero():
			if !a.connected {
				a.connected, a.reregistered = true, time.Now()
			}
			m.sendAgain(a)
			m.killWaiting(a) // what becomes of it is sent once
			m.allocate([]*agent{a})
			m.beginDraining(a)
		case frozen: // it works off what waits in its socket before it registers
			m.killWaiting(a)
			a.patience = m.after(reregistration, func() { m.welcomeBack(a) })
		default:
			m.welcomeBack(a)
			m.killWaiting(a)
		}
	})
}

// watch gives the agent the ping timeout to come back, from the first ping on that it misses. One that was
// sent at this very moment was answered.
func (m *Master) watch(a *agent) {
	now := time.Now()
	first, ok := m.config.pinged(now)
	if !ok {
		interval := m.config.AgentPingTimeout / time.Duration(m.config.MaxAgentPingTimeouts)
		first = now.Add(interval - now.Sub(a.pinged)%max(interval, 1))
	}
	a.patience.stop()
	a.patience = m.after(first.Sub(now)+m.config.AgentPingTimeout, func() { m.markUnreachable(a) })
}

// markUnreachable gives up waiting for an agent. Its tasks may well live on.
func (m *Master) markUnreachable(a *agent) {
	a.frozen = a.connected
	a.connected, a.recovered = false, false
	a.lostAt = time.Now()
	m.forgetOperations(a, mesos.OPERATION_UNREACHABLE, "Agent was marked unreachable")
	for _, t := range m.tasksOn(a) {
		e := m.masterUpdate(t.info.TaskID, &a.id, t.framework.lost(mesos.TASK_UNREACHABLE), mesos.REASON_AGENT_REMOVED, "health check timed out")
		e.Update.Status.UnreachableTime = a.unreachableTime()
		t.framework.send(m, e)
		t.retry.stop()
		if !a.frozen {
			t.killLater = nil // the master forgets it, and no socket has it
		}
		t.free(m)
		delete(t.framework.tasks, t.info.TaskID.Value)
		t.framework.unreachable[t.info.TaskID.Value] = t
	}
	for _, e := range a.running {
		m.free(e.framework, a, e.resources)
		e.resources = nil
	}
	m.rescindAll(a)
	m.agents = slices.DeleteFunc(m.agents, func(other *agent) bool { return other == a })
	m.fail(a)
}

// welcomeBack registers an agent again that the master did not expect any more or does not know, or knows from
// the registry, with the tasks that it has.
func (m *Master) welcomeBack(a *agent) {
	why := ""
	switch {
	case !a.lostAt.IsZero():
		why = "Unreachable agent re-reregistered"
	case !a.recovered:
		why = "Unknown agent reregistered"
	}
	a.connected, a.recovered, a.lostAt, a.pinged = true, false, time.Time{}, time.Now()
	m.agents = append(m.agents, a)
	m.agentByID[a.id] = a
	m.adoptAll(a, why)
	for _, f := range m.order {
		for id, t := range f.unreachable {
			if t.agent == a { // it ended with its executor
				delete(f.unreachable, id)
			}
		}
	}
	m.sendAgain(a)
	a.reregistered = time.Now()
	a.newToAllocator()
	m.allocate([]*agent{a})
	m.beginDraining(a)
}

// retake books resources again that an agent's tasks held all the time.
func (m *Master) retake(f *framework, a *agent, list []mesos.Resource) resources.List {
	rs := resources.New(list)
	if !rs.Empty() {
		a.free = a.free.Subtract(rs.Unallocated())
		m.charge(f, rs[0].AllocatedTo(), rs, 1)
	}
	return rs
}

// sendAgain sends the oldest update of every task on the agent, and that twice, as real
// agents do: when they register and when they hear of the framework.
func (m *Master) sendAgain(a *agent) {
	for _, t := range m.tasksOn(a) {
		if len(t.updates) > 0 {
			t.sendFirst(m)
			t.sendFirst(m)
		}
	}
	for _, f := range m.order {
		for _, op := range f.operations {
			if op.agent == a {
				m.report(f, op)
			}
		}
	}
}

// killWaiting performs the kills that waited for the agent.
func (m *Master) killWaiting(a *agent) {
	for _, e := range slices.Clone(a.running) {
		for _, t := range slices.Clone(e.tasks) {
			if k := t.killLater; k != nil {
				t.killLater = nil
				t.kill(m, k.override)
			}
		}
	}
}

// replaceAgent discards an agent that is away when another registers at its address.
func (m *Master) replaceAgent(by *agent) {
	for _, a := range slices.Clone(m.agents) {
		if !a.connected && a.config.IP == by.config.IP && a.config.Port == by.config.Port {
			m.discard(a, "a new agent registered at the same address")
		}
	}
}

// discard removes an agent and its tasks for good. TASK_LOST is sent even to frameworks
// that are PARTITION_AWARE, and before RESCIND and FAILURE.
func (m *Master) discard(a *agent, why string) {
	a.closeAPI()
	known := m.agentByID[a.id] == a
	a.patience.stop()
	a.connected, a.alive, a.recovered, a.discarded = false, false, false, true
	for _, t := range m.tasksOn(a) {
		m.lose(t, mesos.REASON_AGENT_REMOVED, "Agent "+a.config.Hostname+" removed: "+why)
	}
	for _, e := range slices.Clone(a.running) {
		e.remove(m)
	}
	m.forgetOperations(a, 0, "")
	a.operations = nil
	m.rescindAll(a)
	m.agents = slices.DeleteFunc(m.agents, func(other *agent) bool { return other == a })
	delete(m.agentByID, a.id)
	a.deactivated, a.drain, a.draining = false, nil, nil
	if known {
		m.fail(a)
	}
}

// lose ends a task that is gone with its agent.
func (m *Master) lose(t *task, reason mesos.TaskStatus_Reason, message string) {
	m.endTask(t, mesos.TASK_LOST, reason, message)
}

// endTask makes the master forget a task after it has reported the last state.
func (m *Master) endTask(t *task, state mesos.TaskState, reason mesos.TaskStatus_Reason, message string) {
	e := m.masterUpdate(t.info.TaskID, &t.agent.id, &state, reason, message)
	t.framework.send(m, e)
	t.remove(m)
	t.state = state
	t.remember(e.Update.Status)
}

func (m *Master) rescindAll(a *agent) {
	for _, o := range slices.Clone(a.offers) {
		m.rescind(o)
	}
	for _, i := range slices.Clone(m.inverseOffers) {
		if i.agent == a {
			m.rescindInverse(i)
		}
	}
}

// fail sends every framework a FAILURE when an agent is gone, whether it had tasks there or not.
func (m *Master) fail(a *agent) {
	for _, f := range m.order {
		f.send(m, &scheduler.Event{Type: scheduler.Event_FAILURE, Failure: &scheduler.Event_Failure{AgentID: &mesos.AgentID{Value: a.id}}})
	}
}
