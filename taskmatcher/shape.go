package taskmatcher

import (
	"slices"
	"time"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// shape is what tasks ask for that are alike to a matcher, ready to be compared.
type shape struct {
	number  int32
	spec    *task.Spec
	needs   []need   // of scalars, by kind
	static  []uint16 // host ports wanted, each once
	dynamic int      // how many others
	// until is how long tasks may run: till then there must be no maintenance.
	until time.Time
	// Conditions: of constraints, in their order; those of them that stay false once they are, those that
	// may become true again (GROUP_BY), and the same two of preferences.
	constraints, steady, fickle    []condition
	preferences, ficklePreferences []condition
	// For strategies: what BestFit goes by, and the tasks of the group by agent.
	measure measure
	wanted  thousandths // of it
	order   *order
	tasks   []int64

	lanes *lanes // nil until the first turn
	seen  int    // changes that the lanes know of
	// What became of the tasks.
	first    int // place in the cycle of the first that is not placed
	unplaced int
	hopeless bool // nothing fits, or will
	failed   int  // 1 + the changes that were there when nothing fitted
}

// need is how much of a kind of scalar a task takes.
type need struct {
	kind   int
	amount thousandths
}

// newShape prepares a spec.
func (m *match) newShape(spec *task.Spec) *shape {
	s := &shape{number: int32(len(m.shapes)), spec: spec, until: m.cycle.Now.Add(spec.MaxCompletionTime)}
	named := [...]float64{cpus: spec.CPUs, mem: spec.Mem, disk: spec.Disk, gpus: spec.GPUs}
	for kind, name := range m.kinds {
		amount := spec.Scalars[name]
		if kind < len(named) {
			amount += named[kind] // Validate refuses both at once
		}
		if n := wanted(amount); n > 0 {
			s.needs = append(s.needs, need{kind, n})
		}
	}
	for _, p := range spec.Ports {
		switch {
		case p.Host == 0:
			s.dynamic++
		case !slices.Contains(s.static, p.Host): // one port may be wanted for tcp and for udp
			s.static = append(s.static, p.Host)
		}
	}
	for _, c := range spec.Constraints {
		condition := m.condition(c, spec.Group)
		s.constraints = append(s.constraints, condition)
		if condition.operator == task.GroupBy {
			s.fickle = append(s.fickle, condition)
		} else {
			s.steady = append(s.steady, condition)
		}
	}
	for _, c := range spec.Preferences {
		if condition := m.condition(c, spec.Group); condition.operator == task.GroupBy {
			s.ficklePreferences = append(s.ficklePreferences, condition)
		} else {
			s.preferences = append(s.preferences, condition)
		}
	}
	switch m.rule {
	case tightest:
		m.choosesBy(s)
	case emptiest:
		s.tasks = m.tasksOf(spec.Group)
	}
	return s
}

// leave notes that a task of the shape was not placed.
func (s *shape) leave(i int) {
	if s.unplaced == 0 {
		s.first = i
	}
	s.unplaced++
}

// penalty gives how many preferences a room does not satisfy, but for those that lanes know of.
func (s *shape) penalty(at int32) int32 {
	n := int32(0)
	for i := range s.preferences {
		if !s.preferences[i].holds(at) {
			n++
		}
	}
	return n
}

// fits tells whether a task may run in a room, as things are and but for lanes and filters. What does
// not fit will not fit later in the cycle either.
func (m *match) fits(s *shape, at int32) bool {
	for _, n := range s.needs {
		if firm, revocable := m.amount(at, n.kind); n.amount > firm && !(s.spec.Revocable && n.amount <= revocable) {
			return false
		}
	}
	r := &m.rooms[at]
	if m.bars(s, r) != "" {
		return false
	}
	for i := range s.steady {
		if !s.steady[i].holds(at) {
			return false
		}
	}
	return s.dynamic+len(s.static) == 0 || m.portsOf(r).missing(s.static, s.dynamic) == 0
}

// bars names what keeps a shape out of a room whatever is free there: nothing if it is empty.
func (m *match) bars(s *shape, r *room) task.ReasonKind {
	switch {
	case s.spec.Role != "" && s.spec.Role != r.role:
		return task.WrongRole
	case r.maintained && r.agent.Maintained(m.cycle.Now, s.until):
		return task.Maintenance
	case r.hasGPU && s.spec.GPUs == 0 && !m.options.ShareGPUAgents:
		return task.GPUAgent
	}
	return ""
}
