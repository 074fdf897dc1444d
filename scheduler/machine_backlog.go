package scheduler

import "github.com/mesos-actor/mesos-actor-go/task"

// enqueue adds a new task to the end of the backlog.
func (m *machine) enqueue(e *entry) {
	m.backlog.add(e, true)
	m.demand.TaskArrived(e.Info.Spec.Base().Role)
}

// classify adds a task to the class of a spec: its own one, or the combined one of its pod.
func (m *machine) classify(e *entry, s *task.Spec) {
	c, created := m.backlog.class(s)
	if created {
		c.join(m.census.join(s.Group))
	}
	if e.SpecStored { // what was read from the store shares its parts already
		c.bases.Add(&e.Info.Spec)
	} else {
		e.edit().Info.Spec = c.bases.Share(e.Info.Spec)
	}
	c.enter()
	e.class = c
	if e.Info.State == task.StatePending {
		m.countPending(c, 1)
	}
}

// leaveClass removes a task that is no longer on record from its class.
func (m *machine) leaveClass(e *entry) {
	if m.backlog.leave(e.class) {
		m.census.leave(e.class.group)
	}
}

// countPending adds n to the number of pending tasks of a class, everywhere these are counted.
func (m *machine) countPending(c *class, n int) {
	m.backlog.count(c, n)
	m.demand.AddPending(c.spec.Role, n)
	m.census.countPending(c.group, n)
}
