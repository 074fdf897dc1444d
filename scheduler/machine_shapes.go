package scheduler

import (
	"maps"
	"reflect"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// shape is what tasks have in common that are alike to a matcher, see [task.Spec.Shape]. It is kept as
// long as one of them is on record.
type shape struct {
	key     string
	spec    *task.Spec // of the first of them
	group   *group
	tasks   int // on record
	pending int
	// findings are what the last cycles said of them, the oldest first, while one of them is pending.
	findings []Finding
}

// join adds a task to its shape, and lets its spec use the parts of the shape's that are equal: they
// are most of what a task keeps in memory. Nobody changes the spec of a task that is on record.
func (m *machine) join(r *record) {
	s := &r.info.Spec
	key := s.Shape()
	known := m.shapes[key]
	if known == nil {
		known = &shape{key: key, spec: s, group: m.groupOf(s.Group)}
		known.group.shapes++
		m.shapes[key] = known
	} else {
		share(s, known.spec)
	}
	known.tasks++
	r.shape = known
	if r.info.State == task.Pending {
		m.countPending(known, 1)
	}
}

// leave takes a task out of its shape.
func (m *machine) leave(s *shape) {
	if s.tasks--; s.tasks > 0 {
		return
	}
	delete(m.shapes, s.key)
	if s.group.shapes--; s.group.shapes == 0 {
		delete(m.groups, s.group.name)
	}
}

// count follows a task of the shape from one state to another.
func (m *machine) count(s *shape, previous, state task.State) {
	if previous == task.Pending {
		m.countPending(s, -1)
	}
	if state == task.Pending {
		m.countPending(s, 1)
	}
}

func (m *machine) countPending(s *shape, n int) {
	s.pending += n
	if s.pending == 0 {
		s.findings = nil
	}
	had := s.group.pending > 0
	s.group.pending += n
	if had != (s.group.pending > 0) {
		m.presence.stale = true // it has the groups of pending tasks only
	}
}

// share lets a spec use the parts of another one of its shape that are equal.
func share(s, like *task.Spec) {
	s.Role, s.Group = like.Role, like.Group
	s.Ports = like.Ports
	if reflect.DeepEqual(s.Container, like.Container) {
		s.Container = like.Container
	}
	if reflect.DeepEqual(s.HealthCheck, like.HealthCheck) {
		s.HealthCheck = like.HealthCheck
	}
	if maps.Equal(s.Command.Env, like.Command.Env) {
		s.Command.Env = like.Command.Env
	}
	if maps.Equal(s.Labels, like.Labels) {
		s.Labels = like.Labels
	}
	s.Scalars, s.Constraints, s.Preferences = like.Scalars, like.Constraints, like.Preferences
}
