package scheduler

import (
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// pool keeps the offers at hand, the oldest first. All are held for a moment, so that tasks to come need not wait for
// the master. While nothing is pending, the oldest ones are held for longer, up to the limits of the policy. Offers
// belong to their subscription: when it ends, also at the end of Run, the master takes them back at once and without
// refusal, whatever the failover timeout. They need not be declined then.
type pool struct {
	policy poolPolicy
	offers []task.Offer
	holds  []hold // for how long each offer is held
	// newOffers reports whether there are offers that no cycle has looked at.
	newOffers bool
	// Tasks of these roles wait until awaitUntil for agents that are not at hand; then all offers are looked at again.
	awaitUntil     time.Time
	awaitRoles     []string
	again          bool
	cycleNotBefore time.Time // no cycle before that
	holdUntil      time.Time // no offer is declined before that
	preferred      preferred
}

type poolPolicy struct {
	hold         time.Duration
	holdPerAgent int
	holdMax      int
	usable       usable // which resources count for the preferred agent
}

// hold is for how long an offer is held.
type hold struct {
	until    time.Time // it is declined then
	extended bool      // it is held for longer than a moment
}

// preferred is the agent that tasks wait for; "": none. Tasks that are submitted one by one would each use another
// agent, since the offer of the agent before is used up. So a policy may make them wait a moment for the next offer of
// the agent with the least memory left.
type preferred struct {
	agentID string
	until   time.Time
}

// reset drops all offers, for a new subscription.
func (p *pool) reset(now time.Time) {
	p.offers, p.holds, p.cycleNotBefore, p.preferred = nil, nil, now, preferred{}
	p.await(time.Time{}, nil)
}

// add adds new offers, and takes over the slice.
func (p *pool) add(now time.Time, offers []task.Offer) {
	until := now.Add(min(p.policy.hold, defaultHold))
	if len(p.offers) == 0 || until.Before(p.holdUntil) {
		p.holdUntil = until
	}
	if len(p.offers) == 0 {
		p.offers = offers // the pool owns the slice now
	} else {
		p.offers = append(p.offers, offers...)
	}
	p.holds = slices.Grow(p.holds, len(offers))
	for i := range offers {
		p.holds = append(p.holds, hold{until: until})
		if offers[i].Agent.ID == p.preferred.agentID {
			p.preferred = preferred{}
		}
	}
	p.newOffers = true
}

// cyclePause is the least time between two cycles. If many tasks are submitted one by one, the first is launched at
// once and the others together: a cycle for each would use up an offer for each.
const cyclePause = 5 * time.Millisecond

// pause lets no cycle begin before then.
func (p *pool) pause(until time.Time) { p.cycleNotBefore = until }

// markSeen notes that a cycle has looked at all offers.
func (p *pool) markSeen() { p.newOffers, p.again = false, false }

// lookAgain has the next cycle look at all offers.
func (p *pool) lookAgain() { p.again = true }

// await notes until when tasks of these roles wait for agents that are not at hand; the zero time: none do.
func (p *pool) await(until time.Time, roles []string) { p.awaitUntil, p.awaitRoles = until, roles }

// awaited returns the roles of tasks that have waited for long enough. All offers are then looked at again.
func (p *pool) awaited(now time.Time) []string {
	if p.awaitUntil.IsZero() || now.Before(p.awaitUntil) {
		return nil
	}
	roles := p.awaitRoles
	p.awaitUntil, p.awaitRoles, p.again = time.Time{}, nil, true
	return roles
}

// standby reports whether offers are to be held while nothing is pending.
func (p *pool) standby() bool { return p.policy.hold > defaultHold }

// wantsMore reports whether more offers are to be held.
func (p *pool) wantsMore() bool { return p.standby() && len(p.offers) < p.policy.holdMax }

// drop removes the offers that pick selects by their indices.
func (p *pool) drop(pick func(i int) bool) {
	stay := 0
	for i := range p.offers {
		if !pick(i) {
			p.offers[stay], p.holds[stay] = p.offers[i], p.holds[i]
			stay++
		}
	}
	clear(p.offers[stay:])
	p.offers, p.holds = p.offers[:stay], p.holds[:stay]
}

// agents returns the IDs of the agents whose offers are at hand.
func (p *pool) agents() map[string]bool {
	ids := make(map[string]bool, len(p.offers))
	for i := range p.offers {
		ids[p.offers[i].Agent.ID] = true
	}
	return ids
}

// rescind removes an offer, if it is there, and returns the ID of its agent.
func (p *pool) rescind(id string) (agentID string) {
	p.drop(func(i int) bool {
		gone := p.offers[i].ID == id
		if gone {
			agentID = p.offers[i].Agent.ID
		}
		return gone
	})
	return agentID
}

// takeFrom removes the offers of an agent and returns them.
func (p *pool) takeFrom(agentID string) []task.Offer {
	var taken []task.Offer
	p.drop(func(i int) bool {
		there := p.offers[i].Agent.ID == agentID
		if there {
			taken = append(taken, p.offers[i])
		}
		return there
	})
	return taken
}

// takeAll removes all offers and returns them.
func (p *pool) takeAll() []task.Offer {
	all := p.offers
	p.offers, p.holds = nil, nil
	return all
}

// takeExpired removes the offers that have been held for long enough, and returns them. While nothing is pending (idle),
// some of them are held for longer. Those for which that was decided before are counted first, since they are older:
// so the oldest stay.
func (p *pool) takeExpired(now time.Time, idle bool) []task.Offer {
	if len(p.offers) == 0 || now.Before(p.holdUntil) {
		return nil
	}
	var expired []task.Offer
	extended, onAgent, first := 0, map[string]int{}, true
	p.drop(func(i int) bool {
		h, agentID := &p.holds[i], p.offers[i].Agent.ID
		over := !now.Before(h.until)
		if over && p.standby() && idle && !h.extended && extended < p.policy.holdMax && onAgent[agentID] < p.policy.holdPerAgent {
			h.extended, h.until = true, h.until.Add(p.policy.hold-defaultHold)
			over = !now.Before(h.until)
		}
		if over {
			expired = append(expired, p.offers[i])
			return true
		}
		if h.extended {
			extended++
			onAgent[agentID]++
		}
		if first || h.until.Before(p.holdUntil) {
			p.holdUntil = h.until
		}
		first = false
		return false
	})
	return expired
}

// shorten holds the offers for no more than a moment, since they do not fit the pending tasks. They might if the master
// offered them again with other resources of their agents, for another role, or later.
func (p *pool) shorten(now time.Time) {
	if !p.standby() {
		return
	}
	until := now.Add(defaultHold)
	for i := range p.holds {
		if h := &p.holds[i]; h.until.After(until) {
			h.until = until
		}
	}
	if p.holdUntil.After(until) {
		p.holdUntil = until
	}
}

// prefer makes tasks wait, until then, for the agent with the least memory left among those of a cycle's launches. An
// agent with less than leastOffered is taken for full and not waited for.
func (p *pool) prefer(launches []*offerUse, until time.Time) {
	offered := map[string]float64{}
	for i := range p.offers {
		offered[p.offers[i].ID] = memOf(p.offers[i].Resources, p.policy.usable)
	}
	p.preferred = preferred{}
	least := 0.0
	for _, u := range launches {
		left := 0.0
		for _, id := range u.offers {
			left += offered[id]
		}
		for i := range u.operations {
			for _, t := range launchedIn(&u.operations[i]) {
				left -= memOf(t.Resources, p.policy.usable)
			}
		}
		if left >= leastOffered && (p.preferred.agentID == "" || left < least) {
			least, p.preferred = left, preferred{u.agentID, until}
		}
	}
}

// offerUse is what an offer is used for in a cycle. Offers that are accepted together share one.
type offerUse struct {
	agentID, role string
	offers        []string // their IDs; nil: not used so far
	operations    []mesos.Offer_Operation
	resources     []mesos.Resource  // of the offers
	left          leftovers         // of the resources; nil: not used so far
	taken         []*task.Placement // from the resources
}

// take takes what a placement uses. If it returns an error nothing was taken.
func (u *offerUse) take(p *task.Placement) error {
	if u.left == nil {
		u.left = newLeftovers(u.resources)
	}
	err := u.left.takePlacement(p)
	if err == nil {
		u.taken = append(u.taken, p)
		return nil
	}
	u.left = newLeftovers(u.resources)
	for _, taken := range u.taken {
		_ = u.left.takePlacement(taken) // as before
	}
	return err
}

// leastOffered is the least memory, in MB, with which a master makes an offer that has no cpus, by default.
const leastOffered = 32

func memOf(resources []mesos.Resource, usable usable) (sum float64) {
	for i := range resources {
		if resources[i].Name == "mem" && usable.counts(&resources[i]) {
			sum += resources[i].GetScalar().GetValue()
		}
	}
	return sum
}
