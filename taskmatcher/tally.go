package taskmatcher

import (
	"cmp"
	"slices"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// obstacle says what keeps a task out of an offer. From firstConstraint on there is one for each
// constraint of the task.
type obstacle int

const (
	nothing         obstacle = iota - 1
	wrongRole                // the first that is counted
	firstScalar              // one for each scalar
	tooFewPorts     = firstScalar + scalars
	firstConstraint = tooFewPorts + 1
)

// reason names the obstacle.
func (o obstacle) reason(s *task.Spec) task.Reason {
	switch {
	case o == wrongRole:
		return task.Reason{Kind: task.WrongRole}
	case o >= firstConstraint:
		return task.Reason{Kind: task.ConstraintMismatch, Constraint: s.Constraints[o-firstConstraint]}
	case o == tooFewPorts:
		return task.Reason{Kind: task.Shortage, Resource: "ports"}
	}
	return task.Reason{Kind: task.Shortage, Resource: scalarNames()[o-firstScalar]}
}

// tally counts the obstacles that one task meets. It is used again for the next task, so that a
// pair which does not match costs no memory.
type tally struct {
	counts []count // by obstacle
}

type count struct {
	offers   int
	short    thousandths
	hostname string
}

// reset makes ready for a task.
func (t *tally) reset(d demand) {
	t.counts = slices.Grow(t.counts[:0], int(firstConstraint)+len(d.rules))
	t.counts = t.counts[:int(firstConstraint)+len(d.rules)]
	clear(t.counts)
}

func (t *tally) count(o obstacle, short thousandths, r *room) {
	c := &t.counts[o]
	c.offers++
	if short > 0 && (c.short == 0 || short < c.short) {
		c.short, c.hostname = short, r.offer.Agent.Hostname
	}
}

// rejection sums up, most frequent obstacle first.
func (t *tally) rejection(d demand) task.Rejection {
	var reasons []task.Reason
	for i, c := range t.counts {
		if c.offers == 0 {
			continue
		}
		reason := obstacle(i).reason(d.spec)
		reason.Agents, reason.Short, reason.Hostname = c.offers, c.short.float(), c.hostname
		reasons = append(reasons, reason)
	}
	if len(reasons) == 0 {
		reasons = []task.Reason{{Kind: task.NoOffers}}
	}
	slices.SortStableFunc(reasons, func(a, b task.Reason) int { return cmp.Compare(b.Agents, a.Agents) })
	return task.Rejection{TaskID: d.id, Reasons: reasons}
}
