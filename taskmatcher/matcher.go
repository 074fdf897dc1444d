package taskmatcher

import "github.com/mesos-actor/mesos-actor-go/task"

// Options are the options of all matchers. The zero value is ready to use.
type Options struct {
	// ShareGPUAgents allows tasks that ask for no GPUs on agents that offer GPUs. Default: such
	// agents are reserved for tasks that ask for GPUs.
	ShareGPUAgents bool
	// RandomPorts chooses host ports at random among those that are offered, with [task.Cycle.Seed] as seed, so that
	// a port that was just freed is not reused at once. Default: the lowest ports first. Either way
	// ports below 1024 are the last choice.
	RandomPorts bool
	// ReservationLabels are the labels of this framework's own dynamic reservations. A reservation with labels is used
	// only if it has all of these; it may have more. Default: reservations with labels are not used, since they belong
	// to other frameworks in the role. Reservations without labels are always used.
	ReservationLabels map[string]string
}

// FirstFit places each task on the agent that offered the least memory at the start of the cycle, among the
// agents on which the task fits. So it fills the agents one by one, the smallest first, and keeps large
// agents free for large tasks. The zero value is ready to use, also by several goroutines.
type FirstFit struct{ Options }

// Match places tasks as described in the package documentation.
func (f FirstFit) Match(cycle task.Cycle) ([]task.Placement, []task.Rejection) {
	return strategy{rule: ruleFirstFit, options: f.Options}.run(cycle)
}

// BestFit places each task on the agent that has the least left of the task's dominant resource: the scalar
// resource of which the task asks for the largest share of all that is offered. So it uses few agents,
// and fills them well. The zero value is ready to use, also by several goroutines.
type BestFit struct{ Options }

// Match places tasks as described in the package documentation.
func (f BestFit) Match(cycle task.Cycle) ([]task.Placement, []task.Rejection) {
	return strategy{rule: ruleBestFit, options: f.Options}.run(cycle)
}

// Spread places each task on the agent with the fewest tasks of its [task.Spec.Group], so that
// the loss of an agent affects as few tasks of a group as possible. The zero value is ready to use, also by
// several goroutines.
type Spread struct{ Options }

// Match places tasks as described in the package documentation.
func (f Spread) Match(cycle task.Cycle) ([]task.Placement, []task.Rejection) {
	return strategy{rule: ruleSpread, options: f.Options}.run(cycle)
}

// Scored places each task on the candidate with the lowest score among those that a filter accepts. Filter and
// score are functions of the user. They must depend on their arguments alone: on the fields of the spec that
// [task.Demand] names, and on what the methods of the candidate return. They must not keep the candidate.
//
// They are called only for candidates that meet all other requirements, and for few of all pairs of tasks and
// candidates: tasks of a class share the results, which are reused until a task is placed on the agent. If one of
// them panics, the scheduler recovers and skips the cycle.
type Scored struct {
	Options
	// Filter reports whether a task may run on a candidate. Default: it may. Rejections report
	// what it refuses as [task.ReasonFilter], before constraints and resources are checked.
	Filter func(*task.Spec, *Candidate) bool
	// Score returns how good a candidate is for a task; the lowest score is the best. NaN counts as +Inf. Default:
	// all scores are equal, so that the order of FirstFit decides.
	Score func(*task.Spec, *Candidate) float64
}

// Match places tasks as described in the package documentation.
func (f Scored) Match(cycle task.Cycle) ([]task.Placement, []task.Rejection) {
	return strategy{rule: ruleScored, options: f.Options, filter: f.Filter, score: f.Score}.run(cycle)
}

// Candidate is what one agent offers to one role, as a filter or a score sees it.
type Candidate struct {
	m  *match
	at int32
}

// viewOf returns a candidate for a filter or a score. It is valid until the next call.
func (m *match) viewOf(at int32) *Candidate {
	m.view = Candidate{m, at}
	return &m.view
}

func (c *Candidate) candidate() *candidate { return &c.m.candidates[c.at] }

// Agent returns the agent, which must not be modified.
func (c *Candidate) Agent() *task.Agent { return c.candidate().agent }

// Role returns the role that the agent offers to.
func (c *Candidate) Role() string { return c.candidate().role }

// Free returns how much is left of a scalar resource, such as "mem" in MiB, not counting revocable resources.
func (c *Candidate) Free(name string) float64 { return c.amount(name, c.m.free) }

// Offered returns how much of a scalar resource there was at the start of the cycle, not counting revocable resources.
func (c *Candidate) Offered(name string) float64 { return c.amount(name, c.m.offered) }

func (c *Candidate) amount(name string, table []thousandths) float64 {
	if kind := c.m.kind(name); kind >= 0 {
		return table[int(c.at)*len(c.m.kinds)+kind].float()
	}
	return c.m.otherScalar(c.candidate(), name).float() // no task asks for it, so nothing was taken
}

// FreePorts returns how many host ports are left, not counting quarantined ones.
func (c *Candidate) FreePorts() int { return c.m.portsOf(c.candidate()).count }

// Tasks returns how many tasks of a group are on the agent, including those placed in this cycle.
func (c *Candidate) Tasks(group string) int {
	return int(c.m.tasksOf(group)[c.candidate().agentNumber])
}
