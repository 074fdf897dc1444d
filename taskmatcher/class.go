package taskmatcher

import (
	"math"
	"slices"
	"time"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// class is the pending tasks of one class: what they ask for, prepared for comparisons, and how far their placement got.
type class struct {
	number  int32 // index in match.classes
	spec    *task.Spec
	tasks   int      // of the class that are pending
	needs   []need   // scalar resources, in the order of kinds
	static  []uint16 // host ports that the tasks name, without duplicates
	dynamic int      // how many further host ports they take, of any number
	// until is the latest time at which the tasks may end: maintenance must not begin before. Tasks that have no time limit
	// (endless) rather go where none is planned.
	until   time.Time
	endless bool
	// constraints has the conditions of all constraints, in their order; groupBy has those of GROUP_BY again. Preferences
	// are divided: those of GROUP_BY are in groupByPreferences only.
	constraints, groupBy            []condition
	preferences, groupByPreferences []condition
	counters                        []*counter // all of its group, also those of other classes
	weight                          int32      // of a preference in a penalty; above that of any maintenance
	// For BestFit.
	dominant       dominantResource
	dominantAmount thousandths  // how much of it a task takes
	search         *blockSearch // nil: the class needs queues
	// For Spread: the tasks of the group by agent.
	groupTasks []int64

	queues      *partitionedQueues // nil until the first task has its turn; without queues if there is a search
	keyBuffer   []int64            // see class.key
	seenChanges int                // how much of match.changes the queues have seen

	firstUnplaced int // index in the cycle of the first task that was not placed
	unplaced      int
	waits         bool // when no candidate was found, it was since the class waits for a known agent
	neverFits     bool // no candidate fits, nor can one fit later
	failedAt      int  // 1 + the length of match.changes when no candidate was found; 0: never
}

// need is how much of one kind of scalar resource a task takes together with its executor.
type need struct {
	kind     int
	amount   thousandths
	executor thousandths // the executor's part of it
}

// newClass prepares a class. It must be called before anything is placed.
func (m *match) newClass(spec *task.Spec) *class {
	c := &class{number: int32(len(m.classes)), spec: spec, until: m.cycle.Now.Add(spec.MaxCompletionTime), endless: spec.MaxCompletionTime <= 0, weight: 1}
	if c.endless {
		c.weight += m.maintenances
	}
	c.needs = m.needsOf(spec)
	for _, p := range spec.Ports {
		switch {
		case p.NoHost:
		case p.Host == 0:
			c.dynamic++
		case !slices.Contains(c.static, p.Host): // a port may be asked for twice, for tcp and for udp
			c.static = append(c.static, p.Host)
		}
	}
	for _, constraint := range spec.Constraints {
		condition := m.condition(constraint, spec.Group)
		c.constraints = append(c.constraints, condition)
		if condition.operator == task.OpGroupBy {
			c.groupBy = append(c.groupBy, condition)
		}
	}
	for _, preference := range spec.Preferences {
		if condition := m.condition(preference, spec.Group); condition.operator == task.OpGroupBy {
			c.groupByPreferences = append(c.groupByPreferences, condition)
		} else {
			c.preferences = append(c.preferences, condition)
		}
	}
	switch m.rule {
	case ruleBestFit:
		m.findDominant(c)
		c.search = m.newBlockSearch(c)
	case ruleSpread:
		c.groupTasks = m.tasksOf(spec.Group)
	}
	return c
}

// needsOf returns how much of each kind of scalar resource a task takes with its executor.
func (m *match) needsOf(spec *task.Spec) (needs []need) {
	builtIn := [...]float64{cpus: spec.CPUs, mem: spec.Mem, disk: spec.Disk, gpus: spec.GPUs}
	var executor [disk + 1]float64
	if e := spec.Executor; e != nil {
		executor = [...]float64{cpus: e.CPUs, mem: e.Mem, disk: e.Disk}
	}
	for kind, name := range m.kinds {
		amount := spec.Scalars[name]
		if kind < len(builtIn) {
			amount += builtIn[kind] // a valid spec does not set both
		}
		n := need{kind: kind, amount: wantedAmount(amount)}
		if kind < len(executor) {
			n.executor = wantedAmount(executor[kind])
		}
		if max(n.amount, n.executor) > maxAmount { // the sum would overflow
			n.amount = math.MaxInt64
		} else {
			n.amount += n.executor
		}
		if n.amount > 0 {
			needs = append(needs, n)
		}
	}
	return needs
}

// addUnplaced records that a task of the class was not placed.
func (c *class) addUnplaced(i int) {
	if c.unplaced == 0 || i < c.firstUnplaced {
		c.firstUnplaced = i
	}
	c.unplaced++
}

// penalty returns the penalty of a candidate: first how many preferences do not hold, then how soon maintenance begins, if
// that matters. The preferences of GROUP_BY are added by partitionedQueues.
func (m *match) penalty(c *class, at int32) int32 {
	n := int32(0)
	if c.endless {
		n = m.candidates[at].maintenance
	}
	for i := range c.preferences {
		if !c.preferences[i].holds(at) {
			n += c.weight
		}
	}
	return n
}

// fits reports whether a task of the class may now run on a candidate, apart from a user's filter, and from GROUP_BY as
// far as it compares values. If it returns false it will also do so for the rest of the cycle.
func (m *match) fits(c *class, at int32) bool {
	for _, n := range c.needs {
		if free, revocable := m.amount(at, n.kind); n.amount > free && !(c.spec.Revocable && n.amount <= revocable) {
			return false
		}
	}
	cand := &m.candidates[at]
	if m.exclusion(c, cand) != "" {
		return false
	}
	for i := range c.constraints {
		if !c.constraints[i].holds(at) {
			return false
		}
	}
	return c.dynamic+len(c.static) == 0 || m.portsOf(cand).missing(c.static, c.dynamic) == 0
}

// exclusion returns why a class may not use a candidate whatever is free there and wherever other tasks are, or "" if
// it may.
func (m *match) exclusion(c *class, cand *candidate) task.ReasonKind {
	switch {
	case c.spec.Role != "" && c.spec.Role != cand.role:
		return task.ReasonRole
	case cand.maintenance > 0 && cand.agent.Maintained(m.cycle.Now, c.until):
		return task.ReasonMaintenance
	case cand.hasGPU && c.spec.GPUs == 0 && !m.options.ShareGPUAgents:
		return task.ReasonGPUAgent
	}
	return ""
}
