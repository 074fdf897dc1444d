package scheduler

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// cycleOf returns the input of the matcher.
func (m *machine) cycleOf(now time.Time, tasks []task.Demand, offers []task.Offer) task.Cycle {
	c := task.Cycle{
		Now: now, Seed: uint64(m.settings.random() * (1 << 53)), // a float64 has 53 bits
		Tasks: m.backlog.copyOf(tasks), Offers: offers, Running: m.census.running(),
	}
	if m.backlog.grouping > 0 {
		c.Agents = m.knownAgents(now)
	}
	return c
}

// knownAgents returns the agents that were offered recently and are not at hand, but for those that are kept free.
func (m *machine) knownAgents(now time.Time) []task.KnownAgent {
	atHand := m.pool.agents()
	known := m.census.known(now, func(a *task.Agent) bool {
		return atHand[a.ID] || m.vacated.keeps(now, a.ID)
	})
	quarantined := m.quarantine.ports(now)
	for i := range known {
		known[i].Offer.Quarantined = quarantined[known[i].Offer.Agent.ID]
	}
	return known
}

// match calls the matcher. It is user code: if it panics over tasks of some classes, these tasks fail. If it
// panics whatever the class, nothing but this cycle is lost.
func (m *machine) match(now time.Time, c task.Cycle) ([]task.Placement, []task.Rejection, error) {
	placed, rejected, err := m.tryMatch(c)
	if err == nil {
		return placed, rejected, nil
	}
	guilty := m.panicking(c)
	if len(guilty) == 0 {
		return nil, nil, err
	}
	var innocent []task.Demand
	var failed []*entry
	for _, d := range c.Tasks {
		e := m.tasks.byID[d.ID]
		if err := guilty[d.Spec]; err != nil && e != nil && e.Info.State == task.StatePending {
			for _, e := range e.members() {
				m.setState(now, e, task.StateError, err)
			}
			failed = append(failed, e)
		} else {
			innocent = append(innocent, d)
		}
	}
	m.backlog.removeAll(failed)
	if len(innocent) == 0 {
		return nil, nil, err
	}
	c.Tasks, c.Running = innocent, m.census.running()
	placed, rejected, again := m.tryMatch(c)
	return placed, rejected, cmp.Or(again, err)
}

// panicking returns the specs of the classes over which the matcher panics, with the panic of each. It searches by
// bisection, with the first task of each class. It returns none if the matcher panics over every one of several
// tasks: then an offer, or the matcher itself, is at fault.
func (m *machine) panicking(c task.Cycle) map[*task.Spec]error {
	var firsts []task.Demand
	seen := map[*task.Spec]bool{} // tasks of a class share their spec
	for _, d := range c.Tasks {
		if !seen[d.Spec] {
			seen[d.Spec] = true
			firsts = append(firsts, d)
		}
	}
	guilty := map[*task.Spec]error{}
	tries := maxTries
	if !m.findPanicking(c, firsts, guilty, &tries) || len(guilty) == len(firsts) && len(c.Tasks) > 1 {
		return nil
	}
	return guilty
}

// maxTries limits the search for the classes over which a matcher panics: each try costs as much as a small cycle.
// It is enough to find several classes among a thousand.
const maxTries = 100

// findPanicking adds the classes among tasks over which the matcher panics to guilty. It returns false if the tries
// ran out.
func (m *machine) findPanicking(c task.Cycle, tasks []task.Demand, guilty map[*task.Spec]error, tries *int) bool {
	if *tries--; *tries < 0 {
		return false
	}
	c.Tasks = tasks
	_, _, err := m.tryMatch(c)
	switch half := len(tasks) / 2; {
	case err == nil:
		return true
	case half == 0:
		guilty[tasks[0].Spec] = err
		return true
	default:
		return m.findPanicking(c, tasks[:half], guilty, tries) && m.findPanicking(c, tasks[half:], guilty, tries)
	}
}

func (m *machine) tryMatch(c task.Cycle) (placed []task.Placement, rejected []task.Rejection, err error) {
	defer func() {
		if p := recover(); p != nil {
			placed, rejected, err = nil, nil, panicked("the matcher", p)
		}
	}()
	placed, rejected = m.settings.matcher.Match(c)
	return placed, rejected, nil
}

// checkAnswers notes as faults rejections that make no sense, and tasks for which the matcher returned neither a placement
// nor a rejection.
func (m *machine) checkAnswers(a *answers, placements []task.Placement, rejections []task.Rejection) {
	named, others := map[string]bool{}, map[*task.Spec]int{}
	for i := range rejections {
		r := &rejections[i]
		e := m.tasks.byID[r.TaskID]
		switch {
		case e == nil || e.Info.State != task.StatePending || e != e.head():
			a.fault(fmt.Errorf("scheduler: the matcher rejected task %q, which is not pending, or which it placed", r.TaskID))
			continue
		case named[r.TaskID]:
			a.fault(fmt.Errorf("scheduler: the matcher rejected task %q twice", r.TaskID))
			continue
		case r.Others < 0 || r.Others >= a.open[e.class.spec]:
			a.fault(fmt.Errorf("scheduler: the matcher rejected task %q and %d more of its class, of which %d were left", r.TaskID, r.Others, a.open[e.class.spec]-1))
		}
		named[r.TaskID] = true
		others[e.class.spec] += max(0, r.Others)
		a.answered(e.class.spec, 1+max(0, r.Others))
	}
	for _, open := range a.open {
		if open <= 0 {
			continue
		}
		for i := range placements {
			named[placements[i].TaskID] = true
		}
		a.missing(func(id string) bool { return named[id] }, others)
		return
	}
}

// awaitAgents is called after a cycle. If the matcher waits for known agents, the master is asked for their offers, and
// there is another cycle whenever some of them have had their chance. What is at hand until then is declined as ever: the
// master is asked again then, and offers all of it.
func (m *machine) awaitAgents(now time.Time, known []task.KnownAgent, rejections []task.Rejection) {
	var roles []string
	for i := range rejections {
		waits := slices.ContainsFunc(rejections[i].Reasons, func(r task.Reason) bool { return r.Awaited != "" })
		if e := m.tasks.byID[rejections[i].TaskID]; waits && e != nil && !slices.Contains(roles, e.class.spec.Role) {
			roles = append(roles, e.class.spec.Role)
		}
	}
	var until time.Time
	for i := range known {
		if at := known[i].ExpectedUntil; at.After(now) && (until.IsZero() || at.Before(until)) {
			until = at
		}
	}
	if len(roles) == 0 || until.IsZero() {
		m.pool.await(time.Time{}, nil)
		return
	}
	m.pool.await(until, roles)
	if m.census.unasked(known) {
		m.askAgain(roles)
	}
}

// endAwaiting is called when known agents have had their chance. The tasks that waited for them are matched without.
func (m *machine) endAwaiting(now time.Time) {
	if roles := m.pool.awaited(now); len(roles) > 0 {
		m.askAgain(roles)
	}
}

func (m *machine) askAgain(roles []string) {
	for _, role := range roles {
		m.demand.AskAgain(role)
	}
}
