package taskmatcher

import (
	"cmp"
	"slices"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// rejections returns a rejection for each class with tasks that were not placed, in the order of the first such task.
// The reasons refer to what is left at the end of the cycle.
func (m *match) rejections() []task.Rejection {
	left := slices.DeleteFunc(slices.Clone(m.classes), func(c *class) bool { return c.unplaced == 0 })
	slices.SortFunc(left, func(a, b *class) int { return cmp.Compare(a.firstUnplaced, b.firstUnplaced) })
	var all []task.Rejection
	for _, c := range left {
		all = append(all, task.Rejection{
			TaskID: m.cycle.Tasks[c.firstUnplaced].ID, Others: c.unplaced - 1, Reasons: m.reasons(c),
		})
	}
	return all
}

// tally is a reason while candidates are counted.
type tally struct {
	task.Reason
	short thousandths // Reason.Short, exactly
}

// reasons counts, for each obstacle, the candidates for which it is the first one. The most frequent obstacle comes
// first. The order of the tallies must agree with the indexes that obstacle returns: first what exclusion
// returns, then the filter, the constraints, the scalar resources, the ports that the task names, and the others.
func (m *match) reasons(c *class) []task.Reason {
	if len(m.allCandidates) == 0 {
		return []task.Reason{{Kind: task.ReasonNoOffers}}
	}
	var tallies []tally
	for _, kind := range [...]task.ReasonKind{task.ReasonRole, task.ReasonMaintenance, task.ReasonGPUAgent, task.ReasonFilter} {
		tallies = append(tallies, tally{Reason: task.Reason{Kind: kind}})
	}
	exclusions := len(tallies)
	for i, constraint := range c.spec.Constraints {
		missing := !slices.ContainsFunc(m.allCandidates, func(at int32) bool { return c.constraints[i].values[at] >= 0 })
		tallies = append(tallies, tally{Reason: task.Reason{Kind: task.ReasonConstraint, Constraint: constraint, Missing: missing}})
	}
	for _, n := range c.needs {
		tallies = append(tallies, tally{Reason: task.Reason{Kind: task.ReasonShortage, Resource: m.kinds[n.kind]}})
	}
	for _, port := range c.static {
		tallies = append(tallies, tally{Reason: task.Reason{Kind: task.ReasonShortage, Resource: "ports", Port: port}})
	}
	tallies = append(tallies, tally{Reason: task.Reason{Kind: task.ReasonShortage, Resource: "ports"}})
	for _, at := range m.allCandidates {
		i, short, awaited := m.obstacle(c, at, tallies[:exclusions])
		t := &tallies[i]
		t.Agents++
		t.Awaited = cmp.Or(t.Awaited, awaited)
		if short > 0 && (t.short == 0 || short < t.short) {
			t.short, t.Short, t.Hostname = short, short.float(), m.candidates[at].agent.Hostname
		}
	}
	slices.SortStableFunc(tallies, func(a, b tally) int { return cmp.Compare(b.Agents, a.Agents) })
	var reasons []task.Reason
	for _, t := range tallies {
		if t.Agents > 0 {
			reasons = append(reasons, t.Reason)
		}
	}
	return reasons
}

// obstacle returns the index of the tally for the first obstacle that keeps a class off a candidate; if it is a shortage,
// how much is missing, and if it is GROUP_BY, the value that is awaited. There must be an obstacle.
func (m *match) obstacle(c *class, at int32, exclusions []tally) (i int, short thousandths, awaited string) {
	if kind := m.exclusion(c, &m.candidates[at]); kind != "" {
		return slices.IndexFunc(exclusions, func(t tally) bool { return t.Kind == kind }), 0, ""
	}
	if m.filter != nil && !m.filter(c.spec, m.viewOf(at)) {
		return len(exclusions) - 1, 0, ""
	}
	refusing, awaited := m.waitsFor(c, at)
	for i := range c.constraints {
		condition := &c.constraints[i]
		if !condition.holds(at) {
			return len(exclusions) + i, 0, ""
		}
		if condition.operator != task.OpGroupBy {
			continue
		}
		if refusing == 0 {
			return len(exclusions) + i, 0, awaited
		}
		refusing--
	}
	firstNeed := len(exclusions) + len(c.constraints)
	for i, n := range c.needs {
		most, revocable := m.amount(at, n.kind)
		if c.spec.Revocable {
			most = max(most, revocable)
		}
		if n.amount > most {
			return firstNeed + i, n.amount - most, ""
		}
	}
	free, firstPort := m.portsOf(&m.candidates[at]), firstNeed+len(c.needs)
	for i, port := range c.static {
		if free.find(uint32(port)) < 0 {
			return firstPort + i, 0, ""
		}
	}
	missing := free.missing(c.static, c.dynamic)
	return firstPort + len(c.static), thousandths(missing) * 1000, ""
}
