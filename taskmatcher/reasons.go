package taskmatcher

import (
	"cmp"
	"slices"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// rejections tells of each shape that has tasks left why they have no place, by what is left now.
func (m *match) rejections() []task.Rejection {
	left := slices.DeleteFunc(slices.Clone(m.shapes), func(s *shape) bool { return s.unplaced == 0 })
	slices.SortFunc(left, func(a, b *shape) int { return cmp.Compare(a.first, b.first) })
	var all []task.Rejection
	for _, s := range left {
		all = append(all, task.Rejection{
			TaskID: m.cycle.Tasks[s.first].ID, Others: s.unplaced - 1, Reasons: m.reasons(s),
		})
	}
	return all
}

// tally sums up what keeps a shape out of rooms. The kinds that are no shortage come first, then there is one
// for each constraint, each scalar, and the ports.
type tally struct {
	task.Reason
	short thousandths
}

// reasons sums up the first obstacle in each room, the most frequent one first.
func (m *match) reasons(s *shape) []task.Reason {
	if len(m.rooms) == 0 {
		return []task.Reason{{Kind: task.NoOffers}}
	}
	var tallies []tally
	for _, kind := range [...]task.ReasonKind{task.WrongRole, task.Maintenance, task.GPUAgent, task.Filtered} {
		tallies = append(tallies, tally{Reason: task.Reason{Kind: kind}})
	}
	bars := len(tallies)
	for _, c := range s.spec.Constraints {
		tallies = append(tallies, tally{Reason: task.Reason{Kind: task.ConstraintMismatch, Constraint: c}})
	}
	for _, n := range s.needs {
		tallies = append(tallies, tally{Reason: task.Reason{Kind: task.Shortage, Resource: m.kinds[n.kind]}})
	}
	tallies = append(tallies, tally{Reason: task.Reason{Kind: task.Shortage, Resource: "ports"}})
	for at := range m.rooms {
		r := &m.rooms[at]
		i, short := m.obstacle(s, int32(at), tallies[:bars])
		t := &tallies[i]
		t.Agents++
		if short > 0 && (t.short == 0 || short < t.short) {
			t.short, t.Short, t.Hostname = short, short.float(), r.agent.Hostname
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

// obstacle gives the number of the first thing that keeps a shape out of a room, and by how much a
// resource falls short. There must be one.
func (m *match) obstacle(s *shape, at int32, bars []tally) (int, thousandths) {
	if bar := m.bars(s, &m.rooms[at]); bar != "" {
		return slices.IndexFunc(bars, func(t tally) bool { return t.Kind == bar }), 0
	}
	if m.filter != nil && !m.filter(s.spec, m.view(at)) {
		return len(bars) - 1, 0
	}
	for i := range s.constraints {
		if !s.constraints[i].holds(at) {
			return len(bars) + i, 0
		}
	}
	first := len(bars) + len(s.constraints)
	for i, n := range s.needs {
		most, revocable := m.amount(at, n.kind)
		if s.spec.Revocable {
			most = max(most, revocable)
		}
		if n.amount > most {
			return first + i, n.amount - most
		}
	}
	missing := m.portsOf(&m.rooms[at]).missing(s.static, s.dynamic)
	return first + len(s.needs), thousandths(missing) * 1000
}
