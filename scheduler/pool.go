package scheduler

import (
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// pool has the offers at hand, the oldest first. All are kept for a moment, for tasks to come that need not wait
// for the master then; while nothing is pending the oldest, within the caps of the policy, are kept for longer. They
// belong to their subscription: when that ends, at the end of Run too, the master takes them back at
// once and without refusal, whatever the failover timeout, so they need not be declined then.
type pool struct {
	policy poolPolicy
	offers []task.Offer // as a matcher gets them
	holds  []hold       // for how long each is kept
	// added: there are offers that no cycle has seen.
	added     bool
	cycleAt   time.Time // no cycle before that
	holdUntil time.Time // no offer goes back before that
	preferred preferred
}

type poolPolicy struct {
	hold         time.Duration
	holdPerAgent int
	holdMax      int
}

// hold is for how long an offer is kept.
type hold struct {
	until    time.Time // it goes back then
	extended bool      // it is kept for longer than a moment
}

// preferred is the agent that tasks wait for; "": none. Tasks that come one by one would each go to another agent, as
// the offer of the last one's is used up. So a policy may have them wait a moment for the next offer of the
// agent that is fullest.
type preferred struct {
	agentID string
	until   time.Time
}

// reset forgets all, for a new subscription.
func (p *pool) reset(now time.Time) {
	p.offers, p.holds, p.cycleAt, p.preferred = nil, nil, now, preferred{}
}

// add takes new offers.
func (p *pool) add(now time.Time, offers []task.Offer) {
	until := now.Add(min(p.policy.hold, DefaultHold))
	if len(p.offers) == 0 || until.Before(p.holdUntil) {
		p.holdUntil = until
	}
	p.offers = append(p.offers, offers...)
	p.holds = slices.Grow(p.holds, len(offers))
	for i := range offers {
		p.holds = append(p.holds, hold{until: until})
		if offers[i].Agent.ID == p.preferred.agentID {
			p.preferred = preferred{}
		}
	}
	p.added = true
}

// pause has no cycle be before then.
func (p *pool) pause(until time.Time) { p.cycleAt = until }

// seen notes that a cycle has seen all offers.
func (p *pool) seen() { p.added = false }

// standby reports whether offers are to be kept while nothing is pending.
func (p *pool) standby() bool { return p.policy.hold > DefaultHold }

// wantsMore reports whether more offers are to be kept.
func (p *pool) wantsMore() bool { return p.standby() && len(p.offers) < p.policy.holdMax }

// drop removes the offers that pick chooses, by their places.
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

// rescind removes an offer, if it is there.
func (p *pool) rescind(id string) {
	p.drop(func(i int) bool { return p.offers[i].ID == id })
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

// takeExpired removes the offers whose time is over and that may not be kept for longer, and returns them. While
// nothing is pending, idle, they may. Those that are kept already have come before the others, so that it is the
// oldest that stay.
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
			h.extended, h.until = true, h.until.Add(p.policy.hold-DefaultHold)
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

// shorten gives the offers at hand no more than a moment, since they do not fit what is pending: with what else
// their agents have, in another role, or later on, they might.
func (p *pool) shorten(now time.Time) {
	if !p.standby() {
		return
	}
	until := now.Add(DefaultHold)
	for i := range p.holds {
		if h := &p.holds[i]; h.until.After(until) {
			h.until = until
		}
	}
	if p.holdUntil.After(until) {
		p.holdUntil = until
	}
}

// prefer has tasks wait, until then, for the agent with the least memory left among those of a cycle's launches. One
// without memory is full, whatever else it has, and not waited for.
func (p *pool) prefer(launches []*offerUse, until time.Time) {
	offered := map[string]float64{}
	for i := range p.offers {
		offered[p.offers[i].ID] = memOf(p.offers[i].Resources)
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
				left -= memOf(t.Resources)
			}
		}
		if left >= leastOffered && (p.preferred.agentID == "" || left < least) {
			least, p.preferred = left, preferred{u.agentID, until}
		}
	}
}

// leastOffered is the memory in MB for which alone a master makes an offer, by default.
const leastOffered = 32

func memOf(resources []mesos.Resource) (sum float64) {
	for i := range resources {
		if resources[i].Name == "mem" {
			sum += resources[i].GetScalar().GetValue()
		}
	}
	return sum
}
