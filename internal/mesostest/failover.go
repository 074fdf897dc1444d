package mesostest

import (
	"slices"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
)

// LoseMaster kills the process of master n, counted from 0 in the order of Run's listeners: all its
// connections break, new ones are refused. If it led, what it knew is lost, except the
// agents in the registry; the others redirect to it until its session ends, then the
// next one leads. It reports whether master n was running.
func (m *Master) LoseMaster(n int) bool {
	return m.withMaster(n, func(c *contender) bool {
		if c.running == nil {
			return false
		}
		m.end(c.running)
		m.elect()
		return true
	})
}

// FreezeMaster isolates master n, as SIGSTOP or a network partition does: it answers nothing and sends
// nothing, but no connection breaks. When its session has ended, another one leads. It
// reports whether master n was running.
func (m *Master) FreezeMaster(n int) bool {
	return m.withMaster(n, func(c *contender) bool {
		if c.running == nil || c.frozen != nil {
			return false
		}
		m.freeze(c)
		m.leave(c.running.node)
		return true
	})
}

// ReturnMaster starts master n again after LoseMaster, as a new process with a new ID, or lets it go on
// after FreezeMaster. A frozen one whose session has ended finds that out, ends, and is
// started again. It reports whether master n was lost or frozen.
func (m *Master) ReturnMaster(n int) bool {
	return m.withMaster(n, func(c *contender) bool {
		p := c.running
		switch {
		case p == nil:
			m.restart(c)
		case c.frozen == nil:
			return false
		case p.node == nil:
			m.end(p)
			m.restart(c)
		default:
			p.node.expiry.stop()
			p.node.expiry = nil
			m.thaw(c)
			m.releaseStreams()
		}
		m.elect()
		return true
	})
}

// Failover kills the leading master and starts it again after down. A single master then leads again
// after Config.Recovery; of several another one leads after Config.SessionTimeout. It
// reports whether there was a leader.
func (m *Master) Failover(down time.Duration) bool {
	found := false
	m.must(func() {
		p := m.leading
		if p == nil {
			return
		}
		found = true
		m.end(p)
		m.elect()
		m.after(down, func() {
			if p.contender.running == nil {
				m.restart(p.contender)
				m.elect()
			}
		})
	})
	return found
}

// Leader returns the number of the master that leads and has recovered, -1 when there is none.
func (m *Master) Leader() int {
	n := -1
	m.must(func() { n = m.leader() })
	return n
}

func (m *Master) leader() int {
	if !m.ready || m.leading == nil {
		return -1
	}
	return slices.Index(m.contenders, m.leading.contender)
}

func (m *Master) withMaster(n int, f func(*contender) bool) (done bool) {
	m.must(func() { done = n >= 0 && n < len(m.contenders) && f(m.contenders[n]) })
	return done
}

// restart starts a new process for a contender that has none.
func (m *Master) restart(c *contender) {
	p := m.begin(c, m.newUUID().String())
	if m.zookeeperLost == nil {
		m.join(p)
	}
}

// end kills a process.
func (m *Master) end(p *incarnation) {
	c := p.contender
	c.running = nil
	c.admit(nil)
	if m.leading == p {
		m.forget()
	}
	p.kill()
	p.belief.Store(&belief{})
	m.thaw(c)
	m.leave(p.node)
}

func (m *Master) freeze(c *contender) {
	c.frozen = make(chan struct{})
	if l, ok := c.listener.(*virtualnet.Listener); ok {
		l.Hold(c.frozen)
	}
	m.publish()
}

// thaw lets what waits for a frozen master go on. What it believes is known before.
func (m *Master) thaw(c *contender) {
	if c.frozen == nil {
		return
	}
	frozen := c.frozen
	c.frozen = nil
	m.publish()
	if l, ok := c.listener.(*virtualnet.Listener); ok {
		l.Hold(nil)
	}
	close(frozen)
}

// muted reports whether events have to wait.
func (m *Master) muted() bool {
	return m.silent || m.leading != nil && m.leading.contender.frozen != nil
}

// lead makes a process the leader, which serves once it has read the registry.
func (m *Master) lead(p *incarnation) {
	m.leading, m.info = p, p.info
	m.recovery = m.after(m.config.Recovery, m.recover)
}

// quorate reports whether as many masters run as the registry needs.
func (m *Master) quorate() bool {
	running := 0
	for _, c := range m.contenders {
		if c.running != nil && c.frozen == nil {
			running++
		}
	}
	return running >= m.config.Quorum
}

// recover makes the leader serve, if there is a quorum. Agents that live register again
// one by one.
func (m *Master) recover() {
	m.recovery = nil
	if !m.quorate() {
		return // elect calls again
	}
	m.ready = true
	m.publish()
	for _, a := range m.everRegistered {
		if a.alive {
			a.patience = m.after(m.config.reregister(a.config.Hostname, m.random), func() { m.enroll(a) })
		}
	}
	if !m.recovering() {
		return
	}
	m.reregistration = m.after(m.config.AgentReregisterTimeout, func() {
		for _, a := range m.everRegistered {
			if a.recovered {
				m.markUnreachable(a)
			}
		}
	})
}

// forget ends a leader: frameworks, offers and tasks are known no more. The agents and what
// runs on them live on, and the registry, unless it is in memory, tells which agents there were.
func (m *Master) forget() {
	m.leading, m.ready = nil, false
	m.recovery.stop()
	m.reregistration.stop()
	for _, f := range m.order {
		f.forget()
	}
	for _, a := range m.everRegistered {
		if !a.discarded {
			a.forget(m.config.InMemoryRegistry || m.agentByID[a.id] != a)
		}
	}
	if m.config.InMemoryRegistry {
		clear(m.agentByID)
	}
	m.forgetOperator(m.config.InMemoryRegistry)
	clear(m.frameworks)
	clear(m.offers)
	clear(m.shares)
	m.order, m.removed, m.agents = nil, nil, nil
	m.registered, m.admitted, m.offered = 0, 0, 0
}

// forget ends what the master did for a framework. Its stream gets no last chunk. Agents keep the object
// for the updates of its tasks until they register again.
func (f *framework) forget() {
	f.heartbeat.stop()
	f.removal.stop()
	if f.stream != nil {
		f.stream.abandon()
		f.stream = nil
	}
	for _, op := range f.operations {
		op.retry.stop()
		op.agent.operations = append(op.agent.operations, op)
	}
	f.operations = nil
	clear(f.tasks)
	clear(f.unreachable)
}

// forget takes back all that the master had booked on an agent.
func (a *agent) forget(entirely bool) {
	a.patience.stop()
	a.connected, a.frozen = false, false
	if entirely {
		a.lostAt = time.Time{}
	}
	a.recovered = a.id != "" && a.lostAt.IsZero() && !entirely
	free := a.free
	for _, o := range a.offers {
		o.timeout.stop()
		free = free.Add(o.resources.Unallocated())
	}
	a.offers = nil
	for _, t := range a.byLaunch() {
		t.killLater = nil // the next leader knows nothing of it
		free = free.Add(t.resources.Unallocated())
		t.resources = nil
	}
	for _, e := range a.running {
		free = free.Add(e.resources.Unallocated())
		e.resources = nil
	}
	a.free = resources.OfferOrder(free)
}

// adopt returns what the master now knows of a framework that an agent reports: one that has subscribed, else
// one that is recovered, nil if it has been removed.
func (m *Master) adopt(told *framework) *framework {
	if f := m.frameworks[told.id]; f != nil {
		return f
	}
	if slices.ContainsFunc(m.removed, func(f *framework) bool { return f.id == told.id }) {
		return nil
	}
	f := m.addFramework(told.info)
	f.recovered = true
	return f
}

// adoptAll takes over what an agent has. Executors and tasks of removed frameworks end. why is reported of
// each task, nothing when "".
func (m *Master) adoptAll(a *agent, why string) {
	for _, e := range slices.Clone(a.running) {
		f := m.adopt(e.framework)
		if f == nil {
			e.remove(m)
			continue
		}
		e.framework = f
		if e.info != nil {
			e.resources = m.retake(f, a, e.info.Resources)
		}
	}
	for _, t := range a.byLaunch() {
		f, id := m.adopt(t.framework), t.info.TaskID.Value
		if f == nil {
			delete(a.tasks, t)
			continue
		}
		if f.tasks[id] != nil {
			_ = m.die("task '" + id + "' was launched again while its agent " + a.id + " was away, and that has registered") // there is no call to answer
			t.vanish(m)
			continue
		}
		delete(f.unreachable, id)
		t.framework, f.tasks[id] = f, t
		if !terminal(t.latest) {
			t.resources = m.retake(f, a, t.info.Resources)
		}
		t.state = t.latest
		if why != "" {
			t.forwarded.State = ptr(t.latest)
			m.tellOfReturn(t, why)
		}
	}
	for _, op := range a.operations {
		if f := m.adopt(op.framework); f != nil {
			op.framework = f
			f.operations = append(f.operations, op) // sendAgain reports it
		}
	}
	a.operations = nil
}

func (m *Master) tellOfReturn(t *task, why string) {
	e := m.masterUpdate(t.info.TaskID, &t.agent.id, ptr(t.state), mesos.REASON_AGENT_REREGISTERED, why)
	status := &e.Update.Status
	status.Healthy, status.CheckStatus, status.ContainerStatus = t.forwarded.Healthy, t.forwarded.CheckStatus, t.forwarded.ContainerStatus
	t.framework.send(m, e)
}

// vanish ends a task without reporting it.
func (t *task) vanish(m *Master) {
	t.stop()
	delete(t.agent.tasks, t)
	t.executor.tasks = slices.DeleteFunc(t.executor.tasks, func(other *task) bool { return other == t })
	if len(t.executor.tasks) == 0 {
		t.executor.remove(m)
	}
}
