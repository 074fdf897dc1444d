package scheduler

import (
	"slices"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// spreadWait is how long tasks with GROUP_BY wait for an agent after a REVIVE. By default a master makes offers every
// second: three allocations are enough for what another framework was offered and declined.
const spreadWait = 3 * time.Second

// lastOffer is what an agent offered last to one role, less what was launched on it since.
type lastOffer struct {
	role      string
	resources []mesos.Resource
	left      leftovers // what launches have left of it, nil: all
}

// lastOffers are what an agent offered last. They are in the order of the roles.
type lastOffers struct {
	last    []lastOffer
	askedAt time.Time // when the master was first asked to offer the agent again; zero: it was not asked since
}

// noteLast notes an offer of the present event. Very many of one agent are put together in linear time.
func (a *lastOffers) noteLast(o *task.Offer) {
	at, found := slices.BinarySearchFunc(a.last, o.Role, func(l lastOffer, role string) int { return strings.Compare(l.role, role) })
	if found {
		a.last[at].resources = append(a.last[at].resources, o.Resources...)
	} else {
		a.last = slices.Insert(a.last, at, lastOffer{role: o.Role, resources: slices.Clip(o.Resources)})
	}
}

// forgetLast forgets what was offered: the agent is not waited for.
func (a *lastOffers) forgetLast() {
	clear(a.last)
	a.last, a.askedAt = a.last[:0], time.Time{}
}

// noteUse notes what launches leave of an agent's offers for a role.
func (c *census) noteUse(agentID, role string, left leftovers) {
	a := c.agents[agentID]
	if a == nil {
		return
	}
	for i := range a.last {
		if a.last[i].role == role {
			a.last[i].left = left
		}
	}
}

// forgetOffer forgets what an agent offered, since an offer of it was rescinded.
func (c *census) forgetOffer(agentID string) {
	if a := c.agents[agentID]; a != nil {
		a.forgetLast()
	}
}

// asked notes that the master is asked for offers to these roles; none: to all. It is not asked for agents that are at hand,
// which it does not offer again.
func (c *census) asked(now time.Time, roles []string, atHand map[string]bool) {
	for id, a := range c.agents {
		if !atHand[id] && a.askedAt.IsZero() && slices.ContainsFunc(a.last, func(l lastOffer) bool { return len(roles) == 0 || slices.Contains(roles, l.role) }) {
			a.askedAt = now
		}
	}
}

// known returns the agents that were offered recently, but those to be skipped, ordered by ID and role.
func (c *census) known(now time.Time, skip func(*task.Agent) bool) []task.KnownAgent {
	all := make([]task.KnownAgent, 0, len(c.agents))
	for _, a := range c.inOrder() {
		if len(a.last) == 0 || now.Sub(a.offeredAt) >= c.ttl || skip(a.about) {
			continue
		}
		until := a.askedAt.Add(spreadWait)
		if a.askedAt.IsZero() {
			until = now.Add(spreadWait)
		}
		for i := range a.last {
			l := &a.last[i]
			if l.left != nil {
				l.resources, l.left = l.left.resources(), nil
			}
			all = append(all, task.KnownAgent{
				Offer: task.Offer{Agent: *a.about, Role: l.role, Resources: l.resources}, OfferedAt: a.offeredAt, ExpectedUntil: until,
			})
		}
	}
	return all
}

// unasked reports whether there is an agent that may be waited for, and that the master was not asked to offer again.
func (c *census) unasked(agents []task.KnownAgent) bool {
	return slices.ContainsFunc(agents, func(k task.KnownAgent) bool {
		a := c.agents[k.Offer.Agent.ID] // a matcher may have changed its argument, though it should not
		return a != nil && a.askedAt.IsZero()
	})
}
