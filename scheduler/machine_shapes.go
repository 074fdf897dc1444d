package scheduler

import (
	"maps"
	"reflect"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// shape is what tasks have in common that are alike to a matcher, see [task.Spec.Class]. It is kept as
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

// joinShape adds a task to the shape of a spec, its own or that of its pod, and lets its spec use the
// parts of the shape's that are equal: they are most of what a task keeps in memory. Nobody changes the
// spec of a task that is on record.
func (m *machine) joinShape(r *record, s *task.Spec) {
	m.key = s.AppendClass(m.key[:0])
	known := m.shapes[string(m.key)]
	if known == nil {
		key := string(m.key)
		known = &shape{key: key, spec: s, group: m.census.join(s.Group)}
		m.shapes[key] = known
	} else if r.pod == nil {
		share(s, known.spec)
	}
	known.tasks++
	r.shape = known
	if r.info.State == task.Pending {
		m.countPending(known, 1)
	}
}

// leave takes a task that is no longer on record out of its shape and its pod.
func (m *machine) leave(r *record) {
	if p := r.pod; p != nil {
		if p.onFile--; p.onFile == 0 {
			delete(m.pods, r.info.Spec.Pod)
		}
	}
	s := r.shape
	if s.tasks--; s.tasks > 0 {
		return
	}
	delete(m.shapes, s.key)
	m.census.leave(s.group)
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
	if before := s.pending; before == 0 || before+n == 0 {
		m.changedClasses = append(m.changedClasses, s)
	}
	s.pending += n
	m.demand.Count(s.spec.Role, n)
	if s.pending == 0 {
		s.findings = nil
	}
	m.census.countPending(s.group, n)
}

// share lets a spec use the parts of another one of its shape that are equal.
func share(s, like *task.Spec) {
	s.Role, s.Group = like.Role, like.Group
	s.Ports, s.Scalars, s.Constraints, s.Preferences = like.Ports, like.Scalars, like.Constraints, like.Preferences
	sharePart(&s.Container, like.Container)
	sharePart(&s.HealthCheck, like.HealthCheck)
	sharePart(&s.Check, like.Check)
	sharePart(&s.Limits, like.Limits)
	sharePart(&s.KillPolicy, like.KillPolicy)
	sharePart(&s.Discovery, like.Discovery)
	shareMap(&s.Command.Env, like.Command.Env)
	shareMap(&s.Labels, like.Labels)
}

func sharePart[T any](part **T, like *T) {
	if *part != nil && like != nil && reflect.DeepEqual(*part, like) {
		*part = like
	}
}

func shareMap(part *map[string]string, like map[string]string) {
	if len(*part) > 0 && maps.Equal(*part, like) {
		*part = like
	}
}
