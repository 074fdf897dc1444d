package taskmatcher

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/mesos-actor/mesos-actor-go/internal/taskclass"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// How the package works, for those who change it.
//
// # Terms and data structures
//
//   - A candidate (candidate.go) is what one agent offers to one role: all such offers, merged. cluster
//     (cluster.go) holds all candidates in the default order, and what is free in them in two tables. An int32
//     named at, and every number called a candidate elsewhere, is an index into cluster.candidates.
//   - A class (class.go) is the pending tasks that a matcher cannot tell apart, see [task.Demand]. The tasks of a
//     class share their queues, so that a candidate that was dropped for one task is not checked for the next.
//   - A condition (condition.go) is a constraint or preference of a class. It asks either a predicate, which depends
//     on the agent alone and is evaluated once for each value of the attribute, or a counter (counter.go) of the
//     group's tasks by value. attribute.go numbers the values. It stays false once it is false, but for GROUP_BY.
//   - A queue (partitions.go) returns the best candidate for a class. After the first time, its cost depends on the
//     number of changes and not on that of candidates. bucketQueue (bucketqueue.go) is for scores that are small whole
//     numbers and only grow: FirstFit, Spread. scoredQueue (scoredqueue.go) is a heap (heap.go), for all other
//     scores: those of the user, and BestFit for classes with several GROUP_BY constraints or a GROUP_BY preference.
//   - A block list (blocklist.go) has the candidates in the order of BestFit, for all classes together. Each class has a
//     search of its own (blocksearch.go), which knows what it need not look at. It takes the place of the queues.
//   - A partition (partitions.go) is the candidates with equal values of all attributes for which a class has GROUP_BY.
//     Each partition has a queue. GROUP_BY chooses among the partitions whose queue has a head: by key, which is how
//     many tasks have the values of the constraints, in their order, and then by the head.
//   - A known agent (task.KnownAgent) becomes a candidate behind those of the offers, so that match.fits and filters work
//     for it. It is in no queue. If it fits, is expected and its partition has a lower key than all that have a
//     head, the class waits (groupby.go).
//   - match.changes is the log of placements. Queues that must know of changes read it from where they stopped.
//
// Further files: dominant.go finds the resource that BestFit goes by, ports.go keeps free ports, place.go takes
// resources, tasks.go counts tasks of a group by agent, usable.go says which resources count, maintenance.go ranks planned
// maintenance, groupby.go compares values, thousandths.go does exact arithmetic, sort.go is a radix sort, reasons.go
// explains what was not placed, matcher.go has the exported strategies.
//
// # From a Cycle to placements and rejections
//
//  1. strategy.run classifies the tasks (classify), merges and sorts the offers (newCluster), ranks planned maintenance, and
//     prepares each class (newClass).
//  2. A pass (match.pass) gives each task its turn (match.tryPlace), in the order of submission.
//  3. match.choose finds the best candidate of the task's class: by its search, or the head of the queue or of the best
//     partition.
//  4. match.place takes the resources and appends the placement; match.noteChange appends to the log and counts the task.
//  5. Where no candidate was found, the class is marked: for good (neverFits), or until something changes (failedAt) if
//     it waits for a known agent or the user's filter decides. Tasks of the latter kind get further passes,
//     until a pass places nothing.
//  6. match.rejections looks at all candidates once for each class with tasks that are left.
//
// # What is not obvious
//
//   - Everything rests on this: within a cycle free resources only shrink, and counts of tasks only grow. So a candidate
//     that match.fits refuses is dropped from the queues of the class for good. Whatever may become true again
//     (that GROUP_BY prefers no other value, a user's filter) must not be part of match.fits.
//   - For the same reason a rank whose score only grows can only get worse. So a bucketQueue may hold outdated levels, as
//     long as it evaluates its head again before it returns it; the same goes for the penalties in a scoredQueue and for the
//     keys in partitionedQueues.ranked. Scores of BestFit get better with each placement, and user-defined filters and
//     scores may change either way. So a scoredQueue must be told of each change before it is asked for its head (catchUp).
//     Each class's queues are told: with many classes that is most of the work. A block list is told once for all
//     classes, and what a search knows of a block holds until a candidate comes into it.
//   - A filter and a score may ask for the tasks on the agent. So a placement is logged for all candidates of the
//     agent (match.siblings); only the entry of the candidate itself names the class, or tasks would be counted twice.
//   - A GROUP_BY preference may hold again when the fewest tasks of a value rise, also because the value with the fewest
//     has no candidate left. Then ranked is built again (partitionedQueues.build).
//   - What goes by the offered amounts (totalOffered, match.offered) must be computed before the first placement, and all
//     counters must be there. That is why all classes are prepared before the first pass.
//   - cluster.sort moves the candidates. Afterwards agentNumber is no index of a candidate but only identifies the agent,
//     and nextOfAgent must not be used. Indexes of offers remain valid.
//   - An offer that does not name its agent is an agent of its own, with no running tasks.
//   - The order of offers must not matter, and no loop over a map may decide anything.
//   - Sums of amounts are capped at maxAmount, and counts of tasks at 31 bits each, so that no input overflows.
//
// # Where to add something
//
//   - A strategy: a rule below and an exported type in matcher.go; its score in match.bucketLevel (newPartitionedQueues
//     and catchUp list the rules with bucketQueues) or in match.evaluate. If many classes agree on the order, a
//     blockList may have it. In the tests: its score for the reference (reference_test.go), its rows in variants and
//     benchStrategies.
//   - An operator: package task defines and validates it; condition.go evaluates it, as a predicate or with a counter;
//     it must stay false once it is false. In the tests: reference.holds (reference_constraint_test.go), randomConstraint.
//   - A reason for rejections: a [task.ReasonKind]. If it depends neither on free resources nor on other tasks, it is one
//     more case in match.exclusion and one more element of the list in match.reasons, where Filtered must be the last.
//     Otherwise it is a further tally in match.reasons, whose index match.obstacle returns; match.fits must check it, too.

// rule is how a strategy chooses among the candidates on which a task fits and for which equally many
// preferences hold.
type rule int

const (
	ruleFirstFit rule = iota // the first in the cluster's order
	ruleBestFit              // the least that is left of the task's dominant resource
	ruleSpread               // the fewest tasks of the group on the agent
	ruleScored               // the lowest score of the user's function
)

// strategy is what differs between the matchers.
type strategy struct {
	rule    rule
	options Options
	filter  func(*task.Spec, *Candidate) bool    // ruleScored only; may be nil
	score   func(*task.Spec, *Candidate) float64 // ruleScored only; may be nil
	// blockSize is the most members of a block; 0: defaultBlockSize. Tests set less.
	blockSize int
}

// match is the state of one call of Match.
type match struct {
	strategy
	*cluster
	cycle   *task.Cycle
	classes []*class
	random  *rand.Rand // nil: ports are taken in ascending order

	// Shared by the classes and filled when they are first asked for.
	attributes      attributes
	predicates      map[task.Constraint]*predicate
	counters        map[counterKey]*counter
	countersByGroup map[string][]*counter
	running         map[string][]task.Presence // by group; nil: not grouped yet
	partitionings   map[string]*partitioning   // by the names of the attributes
	blockLists      map[blockListKey]*blockList
	offeredTotals   map[dominantResource]float64
	tasksByAgent    map[string][]int64 // by group, then by the number of the agent

	// For user-defined filters and scores only.
	siblings map[int32][]int32 // candidates by agent, for agents with several
	offered  []thousandths     // a copy of cluster.free from the start of the cycle
	view     Candidate         // the one that is passed to them

	changes    []change
	lastChange []int // by candidate: the index of its last change

	placements []task.Placement
	pieces     placementAllocator
}

// change is an entry of the log of placements: what the candidate offers, or the tasks on its agent, changed.
type change struct {
	candidate int32
	class     int32 // of the task that was placed; -1: it was placed in another candidate of the agent
}

type counterKey struct{ group, attribute string }

// run places the tasks of a cycle.
func (s strategy) run(cycle task.Cycle) ([]task.Placement, []task.Rejection) {
	m, classOf := s.prepare(&cycle)
	waiting := m.pass(classOf, nil)
	for placed := len(m.placements) > 0; placed && len(waiting) > 0; {
		before := len(m.placements)
		waiting = m.pass(classOf, waiting)
		placed = len(m.placements) > before
	}
	for _, i := range waiting {
		m.classes[classOf[i]].addUnplaced(int(i))
	}
	return m.placements, m.rejections()
}

// prepare returns the match of a cycle before anything is placed, and the number of the class of each task.
func (s strategy) prepare(cycle *task.Cycle) (m *match, classOf []int32) {
	s.blockSize = cmp.Or(s.blockSize, defaultBlockSize)
	m = &match{
		strategy: s, cycle: cycle,
		attributes: make(attributes), predicates: make(map[task.Constraint]*predicate),
		counters: make(map[counterKey]*counter), countersByGroup: make(map[string][]*counter), partitionings: make(map[string]*partitioning),
		blockLists: make(map[blockListKey]*blockList), offeredTotals: make(map[dominantResource]float64), tasksByAgent: make(map[string][]int64),
	}
	specs, classOf := classify(cycle.Tasks)
	var known []task.KnownAgent
	if slices.ContainsFunc(specs, taskclass.GroupsBy) {
		known = cycle.Agents
	}
	m.cluster = newCluster(cycle.Offers, known, specs, s.options.ReservationLabels)
	m.rankMaintenance(cycle.Now)
	m.lastChange = make([]int, len(m.candidates))
	if s.options.RandomPorts {
		m.random = rand.New(rand.NewPCG(cycle.Seed, 0))
	}
	if s.rule == ruleScored {
		m.offered = slices.Clone(m.free)
		m.findSiblings()
	}
	for _, spec := range specs {
		m.classes = append(m.classes, m.newClass(spec))
	}
	for _, c := range m.classes {
		c.counters = m.countersByGroup[c.spec.Group]
	}
	for _, number := range classOf {
		m.classes[number].tasks++
	}
	return m, classOf
}

// classify returns one spec for each class, in the order in which the classes first occur, and the class of each task.
func classify(tasks []task.Demand) (specs []*task.Spec, classOf []int32) {
	classOf = make([]int32, len(tasks))
	byPointer := make(map[*task.Spec]int32)
	byKey := make(map[string]int32)
	var b []byte
	for i := range tasks {
		spec := tasks[i].Spec
		if i > 0 && spec == tasks[i-1].Spec {
			classOf[i] = classOf[i-1]
			continue
		}
		number, known := byPointer[spec]
		if !known {
			b = taskclass.AppendKey(b[:0], spec)
			if number, known = byKey[string(b)]; !known {
				number = int32(len(specs))
				specs = append(specs, spec)
				byKey[string(b)] = number
			}
			byPointer[spec] = number
		}
		classOf[i] = number
	}
	return specs, classOf
}

// customScalars returns the names of all custom scalar resources that a spec asks for, sorted.
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

// pass tries to place tasks, in the order in which they were submitted: all tasks if waiting is nil (the first pass),
// otherwise those in waiting. It returns the tasks for which another pass may find a place. It reuses waiting.
func (m *match) pass(classOf, waiting []int32) []int32 {
	if waiting == nil {
		for i, number := range classOf {
			if m.tryPlace(i, m.classes[number]) {
				waiting = append(waiting, int32(i))
			}
		}
		return waiting
	}
	again := waiting[:0]
	for _, i := range waiting {
		if m.tryPlace(int(i), m.classes[classOf[i]]) {
			again = append(again, i)
		}
	}
	return again
}

// tryPlace tries to place one task. It reports whether the task was not placed but may be in a later pass.
func (m *match) tryPlace(i int, c *class) bool {
	if !c.neverFits && c.failedAt != len(m.changes)+1 {
		if at := m.choose(c); at >= 0 {
			m.place(m.cycle.Tasks[i].ID, c, at)
			return false
		}
		c.failedAt = len(m.changes) + 1
		c.neverFits = !c.waits && m.filter == nil
	}
	if c.neverFits {
		c.addUnplaced(i)
	}
	return !c.neverFits
}
