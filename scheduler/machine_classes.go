package scheduler

import "github.com/mesos-actor/mesos-actor-go/task"

// classify adds a task to the class of a spec, its own or that of its pod.
func (m *machine) classify(e *entry, s *task.Spec) {
	c, created := m.backlog.class(s)
	if created {
		c.group = m.census.join(s.Group)
	} else if e.pod == nil {
		share(s, c.spec)
	}
	c.tasks++
	e.class = c
	if e.Info.State == task.Pending {
		m.countPending(c, 1)
	}
}

// leaveClass takes a task that is no longer on record out of its class.
func (m *machine) leaveClass(e *entry) {
	if m.backlog.leave(e.class) {
		m.census.leave(e.class.group)
	}
}

// countPending counts n more pending tasks of a class, or fewer, wherever they are counted.
func (m *machine) countPending(c *class, n int) {
	m.backlog.count(c, n)
	m.demand.Count(c.spec.Role, n)
	m.census.countPending(c.group, n)
}
