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
	tasks   int        // on record
	pending int
	demand  *demand // for its role, which counts them as well
}

// join adds a task to its shape, and lets its spec use the parts of the shape's that are equal: they
// are most of what a task keeps in memory. Nobody changes the spec of a task that is on record.
func (m *machine) join(r *record) {
	s := &r.info.Spec
	key := s.Shape()
	known := m.shapes[key]
	if known == nil {
		known = &shape{key: key, spec: s, demand: m.demandOf(s.Role)}
		m.shapes[key] = known
	} else {
		share(s, known.spec)
	}
	known.tasks++
	r.shape = known
	if r.info.State == task.Pending {
		known.pending++
		known.demand.pending++
	}
}

// leave takes a task out of its shape.
func (m *machine) leave(s *shape) {
	if s.tasks--; s.tasks == 0 {
		delete(m.shapes, s.key)
	}
}

// count follows a task of the shape from one state to another.
func (s *shape) count(previous, state task.State) {
	if previous == task.Pending {
		s.pending--
		s.demand.pending--
	}
	if state == task.Pending {
		s.pending++
		s.demand.pending++
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
