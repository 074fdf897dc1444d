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
//
// A master may make, and rescind, very many offers one by one. What is done for each takes constant time on average.
type pool struct {
	policy poolPolicy
	offers []task.Offer
	holds  []hold // for how long each offer is held
	// numbers are those of the offers at hand, by ID: an offer's place is its number less first. Nil: to be made again.
	numbers   map[string]int
	first     int
	rescinded int // of the offers, see hold
	bytes     int // of the offers
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
	limit        int // how many offers are at hand
	bytes        int // how many bytes they take
	hold         time.Duration
	holdPerAgent int
	holdMax      int
	usable       usable // which resources count for the preferred agent
}

// hold is for how long an offer is held.
type hold struct {
	since     time.Time // when it came
	until     time.Time // it is declined then
	extended  bool      // it is held for longer than a moment
	rescinded bool      // it is not at hand any more, and is removed with others
	size      int       // of the offer, in bytes
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
	p.takeAll()
	p.cycleNotBefore, p.preferred = now, preferred{}
	p.await(time.Time{}, nil)
}

// size returns how many offers are at hand.
func (p *pool) size() int { return len(p.offers) - p.rescinded }

// add adds new offers, and takes over the slice. It returns those that are too many. One that is at hand already is not added
// again.
func (p *pool) add(now time.Time, offers []task.Offer) (surplus []task.Offer) {
	until := now.Add(min(p.policy.hold, defaultHold))
	if p.size() == 0 || until.Before(p.holdUntil) {
		p.holdUntil = until
	}
	offers, surplus = p.admit(now, offers, until)
	if len(p.offers) == 0 {
		p.offers = offers // the pool owns the slice now
	} else {
		p.offers = append(p.offers, offers...)
	}
	for i := range offers {
		if offers[i].Agent.ID == p.preferred.agentID {
			p.preferred = preferred{}
		}
	}
	p.newOffers = p.newOffers || len(offers) > 0
	return surplus
}

// admit numbers the offers that are to be added and held until then, in place, and returns them, and those that are too many.
func (p *pool) admit(now time.Time, offers []task.Offer, until time.Time) (admitted, surplus []task.Offer) {
	p.number()
	p.holds = slices.Grow(p.holds, len(offers))
	room, next := p.policy.limit-p.size(), p.first+len(p.offers)
	admitted = offers[:0]
	for i := range offers {
		id := offers[i].ID
		if _, known := p.numbers[id]; known {
			continue
		}
		size := offerSize(&offers[i])
		if len(admitted) == room || p.bytes+size > p.policy.bytes {
			surplus = append(surplus, offers[i])
			continue
		}
		p.numbers[id] = next + len(admitted)
		p.bytes += size
		p.holds = append(p.holds, hold{since: now, until: until, size: size})
		admitted = append(admitted, offers[i])
	}
	return admitted, surplus
}

// number makes the numbers again, if need be.
func (p *pool) number() {
	if p.numbers != nil {
		return
	}
	p.numbers, p.first = make(map[string]int, len(p.offers)), 0
	for i := range p.offers {
		if !p.holds[i].rescinded {
			p.numbers[p.offers[i].ID] = i
		}
	}
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
func (p *pool) wantsMore() bool { return p.standby() && p.size() < p.policy.holdMax }

// drop removes the offers that pick selects by their indices, and those that were rescinded.
func (p *pool) drop(pick func(i int) bool) {
	stay := 0
	for i := range p.offers {
		if p.holds[i].rescinded {
			continue
		}
		if pick(i) {
			p.bytes -= p.holds[i].size
			continue
		}
		p.offers[stay], p.holds[stay] = p.offers[i], p.holds[i]
		stay++
	}
	if stay == len(p.offers) {
		return
	}
	clear(p.offers[stay:])
	p.offers, p.holds, p.numbers, p.rescinded = p.offers[:stay], p.holds[:stay], nil, 0
}

// sweep removes the offers that were rescinded.
func (p *pool) sweep() {
	if p.rescinded > 0 {
		p.drop(func(int) bool { return false })
	}
}

// agents returns the IDs of the agents whose offers are at hand.
func (p *pool) agents() map[string]bool {
	p.sweep()
	ids := make(map[string]bool, len(p.offers))
	for i := range p.offers {
		ids[p.offers[i].Agent.ID] = true
	}
	return ids
}

// atHand returns the offers at hand, which are the pool's own.
func (p *pool) atHand() []task.Offer {
	p.sweep()
	return p.offers
}

// list returns the offers at hand as users are told.
func (p *pool) list() []OfferAtHand {
	all := make([]OfferAtHand, 0, p.size())
	for i := range p.offers {
		if p.holds[i].rescinded {
			continue
		}
		o, sum := &p.offers[i], Amounts{}
		sum.addResources(o.Resources, p.policy.usable)
		all = append(all, OfferAtHand{ID: o.ID, Agent: o.Agent, Role: o.Role, Resources: sum.rounded(), Since: p.holds[i].since})
	}
	return all
}

// rescind removes an offer, if it is there, and returns the ID of its agent.
func (p *pool) rescind(id string) (agentID string) {
	p.number()
	number, found := p.numbers[id]
	if !found {
		return ""
	}
	delete(p.numbers, id)
	at := number - p.first
	agentID = p.offers[at].Agent.ID
	p.offers[at] = task.Offer{} // so that it can be freed
	p.holds[at].rescinded = true
	p.bytes -= p.holds[at].size
	if p.rescinded++; 2*p.rescinded > len(p.offers) {
		p.sweep()
	}
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
	all := p.atHand()
	p.offers, p.holds, p.numbers, p.bytes = nil, nil, nil, 0
	return all
}

// takeExpired removes the offers that have been held for long enough, and returns them. While nothing is pending (idle),
// some of them are held for longer: the oldest. These come first, so that only they and what has expired is looked at.
func (p *pool) takeExpired(now time.Time, idle bool) []task.Offer {
	if len(p.offers) == 0 || now.Before(p.holdUntil) {
		return nil
	}
	p.number()
	var expired []task.Offer
	stay, seen, onAgent := 0, 0, map[string]int{}
	for ; seen < len(p.offers); seen++ {
		h, o := &p.holds[seen], &p.offers[seen]
		if h.rescinded {
			continue
		}
		over := !now.Before(h.until)
		if over && p.standby() && idle && !h.extended && stay < p.policy.holdMax && onAgent[o.Agent.ID] < p.policy.holdPerAgent {
			h.extended, h.until = true, h.until.Add(p.policy.hold-defaultHold)
			over = !now.Before(h.until)
		}
		if over {
			delete(p.numbers, o.ID)
			p.bytes -= h.size
			expired = append(expired, *o)
			continue
		}
		if !h.extended {
			break // those that follow came later
		}
		onAgent[o.Agent.ID]++
		p.offers[stay], p.holds[stay] = *o, *h
		stay++
	}
	p.rescinded -= seen - stay - len(expired)
	p.removeFirst(stay, seen)
	return expired
}

// removeFirst removes the first offers, as many as were seen, but for those that stay, which are the first of them.
func (p *pool) removeFirst(stay, seen int) {
	gone := seen - stay
	copy(p.offers[gone:], p.offers[:stay])
	copy(p.holds[gone:], p.holds[:stay])
	clear(p.offers[:gone])
	p.offers, p.holds, p.first = p.offers[gone:], p.holds[gone:], p.first+gone
	for i := range min(stay+1, len(p.offers)) {
		if i < stay {
			p.numbers[p.offers[i].ID] = p.first + i
		}
		if until := p.holds[i].until; i == 0 || until.Before(p.holdUntil) {
			p.holdUntil = until
		}
	}
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
