package taskmatcher

import "github.com/mesos-actor/mesos-actor-go/task"

// Options are what all matchers can be told. The zero value is ready to use.
type Options struct {
	// ShareGPUAgents lets tasks without GPUs run where GPUs are offered. Default: such
	// agents are kept for tasks that ask for GPUs.
	ShareGPUAgents bool
	// RandomPorts draws host ports at random among those that are offered, from [task.Cycle.Seed], so that
	// a port that was just given up is not used again at once. Default: the lowest first.
	RandomPorts bool
}

// FirstFit places each task on the agent that offers the least memory of those on which it fits, as
// offered at the start of the cycle. So agents fill up one by one, the smallest first, and large
// gaps stay free for large tasks. The zero value is ready; it may be used by several goroutines.
type FirstFit struct{ Options }

// Match places tasks as the package comment says.
func (f FirstFit) Match(cycle task.Cycle) ([]task.Placement, []task.Rejection) {
	return strategy{rule: inOrder, options: f.Options}.run(cycle)
}

// BestFit places each task on the agent that has the least left of the task's dominant resource: the scalar
// resource of which it takes the largest share of what all offers hold together. So few agents are
// used, and those well. The zero value is ready; it may be used by several goroutines.
type BestFit struct{ Options }

// Match places tasks as the package comment says.
func (f BestFit) Match(cycle task.Cycle) ([]task.Placement, []task.Rejection) {
	return strategy{rule: tightest, options: f.Options}.run(cycle)
}

// Spread places each task on the agent with the fewest tasks of its [task.Spec.Group], so that
// the loss of an agent costs a group as little as possible. The zero value is ready; it may be
// used by several goroutines.
type Spread struct{ Options }

// Match places tasks as the package comment says.
func (f Spread) Match(cycle task.Cycle) ([]task.Placement, []task.Rejection) {
	return strategy{rule: emptiest, options: f.Options}.run(cycle)
}

// Matcher places each task where a filter and a score of one's own say. Both are functions of their arguments
// alone: of the spec only what [task.Spec.Class] tells apart, and of the room what its methods give. They are
// called for few of all pairs of tasks and rooms, and for a room only if everything else holds there;
// they must not keep the room. The scheduler survives their panics, which cost it the cycle.
//
// What the answers were stays so until something is placed on the agent: only then are they asked again.
type Matcher struct {
	Options
	// Filter tells whether a task may run in a room. Default: it may. What it refuses
	// has the reason [task.Filtered], before constraints and resources are looked at.
	Filter func(*task.Spec, *Room) bool
	// Score says how good a room is for a task, the lowest is the best. NaN counts as infinity. Default:
	// all are alike, and the order of FirstFit decides.
	Score func(*task.Spec, *Room) float64
}

// Match places tasks as the package comment says.
func (f Matcher) Match(cycle task.Cycle) ([]task.Placement, []task.Rejection) {
	return strategy{rule: own, options: f.Options, filter: f.Filter, score: f.Score}.run(cycle)
}

// Room is what a filter or a score sees of one agent's offers to one role.
type Room struct {
	m  *match
	at int32
}

// view gives the room to look at, one at a time.
func (m *match) view(at int32) *Room {
	m.seen = Room{m, at}
	return &m.seen
}

func (r *Room) room() *room { return &r.m.rooms[r.at] }

// Agent gives the agent, which must not be changed.
func (r *Room) Agent() *task.Agent { return r.room().agent }

// Role gives the role that the agent offers to.
func (r *Room) Role() string { return r.room().role }

// Free gives what is left of a scalar resource, such as "mem" in MiB, without what is revocable.
func (r *Room) Free(name string) float64 { return r.amount(name, r.m.free) }

// Offered gives what there was of it at the start of the cycle.
func (r *Room) Offered(name string) float64 { return r.amount(name, r.m.offered) }

func (r *Room) amount(name string, table []thousandths) float64 {
	if kind := r.m.kind(name); kind >= 0 {
		return table[int(r.at)*len(r.m.kinds)+kind].float()
	}
	return r.m.unasked(r.room(), name).float() // nobody took of it
}

// FreePorts gives how many host ports are left that are not quarantined.
func (r *Room) FreePorts() int { return r.m.portsOf(r.room()).count }

// Tasks gives how many tasks of a group the agent has, with those placed in this cycle.
func (r *Room) Tasks(group string) int { return int(r.m.tasksOf(group)[r.room().number]) }
