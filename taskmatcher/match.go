package taskmatcher

import (
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// rule says what makes a room better than another one.
type rule int

const (
	inOrder  rule = iota // nothing but the cluster's order
	tightest             // least left of what the task wants most of
	emptiest             // fewest tasks of the group on the agent
	own                  // what the user's filter and score say
)

// strategy is what differs between the matchers.
type strategy struct {
	rule    rule
	options Options
	filter  func(*task.Spec, *Room) bool
	score   func(*task.Spec, *Room) float64
}

// match is one run of a matcher.
//
// All strategies rest on this: within a cycle resources only become fewer and tasks only more. What does not fit a
// shape will not fit it later, but for GROUP_BY and a user's filter, so each queue of a shape leaves
// rooms behind for good, and all queues together cost what changes, not tasks × rooms.
type match struct {
	strategy
	*cluster
	cycle  *task.Cycle
	shapes []*shape
	random *rand.Rand // nil: ports are taken in ascending order

	attributes attributes
	judges     map[task.Constraint]*judge
	counters   map[counterKey]*counter
	byGroup    map[string][]*counter
	running    map[string][]task.Presence // by group; nil: not asked for yet
	divisions  map[string]*division
	orders     map[measure]*order
	totals     map[measure]float64
	siblings   map[int32][]int32  // rooms by agent, if there are several; nil: nobody asks
	groups     map[string][]int64 // tasks by agent
	offered    []thousandths      // what free was in the beginning, for a user's filter and score

	log     []change
	latest  []int // by room: where its last change is in the log
	touched int32 // rooms in which something was placed
	seen    Room  // for a user's filter and score

	placements []task.Placement
	stock      stock
}

// change is a room that is not what it was.
type change struct {
	room int32
	// shape of which a task was placed there; -1: it was placed in another room of the agent, which is
	// noted by itself.
	shape int32
}

type counterKey struct{ group, attribute string }

// run places the tasks of a cycle.
func (s strategy) run(cycle task.Cycle) ([]task.Placement, []task.Rejection) {
	m := &match{
		strategy: s, cycle: &cycle,
		attributes: make(attributes), judges: make(map[task.Constraint]*judge),
		counters: make(map[counterKey]*counter), byGroup: make(map[string][]*counter), divisions: make(map[string]*division),
		orders: make(map[measure]*order), totals: make(map[measure]float64), groups: make(map[string][]int64),
	}
	specs, shapeOf := group(cycle.Tasks)
	m.cluster = newCluster(cycle.Offers, customScalars(specs))
	m.latest = make([]int, len(m.rooms))
	if s.options.RandomPorts {
		m.random = rand.New(rand.NewPCG(cycle.Seed, 0))
	}
	if s.rule == own {
		m.offered = slices.Clone(m.free)
		m.findSiblings()
	}
	for _, spec := range specs {
		m.shapes = append(m.shapes, m.newShape(spec))
	}
	waiting := m.pass(shapeOf, nil)
	for placed := len(m.placements) > 0; placed && len(waiting) > 0; {
		before := len(m.placements)
		waiting = m.pass(shapeOf, waiting)
		placed = len(m.placements) > before
	}
	for _, i := range waiting {
		m.shapes[shapeOf[i]].leave(int(i))
	}
	return m.placements, m.rejections()
}

// group finds out which tasks are alike: the specs of the shapes and, for each task, the number of its shape.
func group(tasks []task.Demand) (specs []*task.Spec, shapeOf []int32) {
	shapeOf = make([]int32, len(tasks))
	pointers := make(map[*task.Spec]int32)
	keys := make(map[string]int32)
	var b []byte
	for i := range tasks {
		spec := tasks[i].Spec
		if i > 0 && spec == tasks[i-1].Spec {
			shapeOf[i] = shapeOf[i-1]
			continue
		}
		number, known := pointers[spec]
		if !known {
			b = spec.AppendClass(b[:0])
			if number, known = keys[string(b)]; !known {
				number = int32(len(specs))
				specs = append(specs, spec)
				keys[string(b)] = number
			}
			pointers[spec] = number
		}
		shapeOf[i] = number
	}
	return specs, shapeOf
}

// customScalars lists the names of further scalars that somebody asks for.
func customScalars(specs []*task.Spec) []string {
	var names map[string]bool
	for _, s := range specs {
		for name := range s.Scalars {
			if names == nil {
				names = make(map[string]bool)
			}
			names[name] = true
		}
	}
	for _, builtIn := range [...]string{"cpus", "mem", "disk", "gpus"} {
		delete(names, builtIn)
	}
	return slices.Sorted(maps.Keys(names))
}

// pass tries to place tasks in the order in which they were submitted: those that wait, or all in the first
// pass. It gives those that wait for what a later pass may bring.
func (m *match) pass(shapeOf, waiting []int32) []int32 {
	if waiting == nil {
		for i, number := range shapeOf {
			if m.turn(i, m.shapes[number]) {
				waiting = append(waiting, int32(i))
			}
		}
		return waiting
	}
	again := waiting[:0]
	for _, i := range waiting {
		if m.turn(int(i), m.shapes[shapeOf[i]]) {
			again = append(again, i)
		}
	}
	return again
}

// turn tries to place one task. It tells whether the task waits for what a later pass may bring.
func (m *match) turn(i int, s *shape) bool {
	if !s.hopeless && s.failed != len(m.log)+1 {
		if at := m.choose(s); at >= 0 {
			m.place(m.cycle.Tasks[i].ID, s, at)
			return false
		}
		s.failed = len(m.log) + 1
		s.hopeless = len(s.fickle) == 0 && m.filter == nil
	}
	if s.hopeless {
		s.leave(i)
	}
	return !s.hopeless
}
