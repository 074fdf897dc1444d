package taskmatcher

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// The kinds of scalar resources, which are indexes into cluster.kinds. They are followed by the custom resources that
// tasks of the cycle ask for, in the order of their names.
const (
	cpus = iota
	mem
	disk
	gpus
)

// cluster is all candidates of a cycle, in the default order: ascending offered memory, then agent ID, then role. The
// order is independent of that of the offers. They are followed by what known agents offered last, in the same form and
// order, on which nothing is placed.
type cluster struct {
	offers        []task.Offer
	previousOffer []int32 // by offer: another offer of the same candidate, -1: none
	candidates    []candidate
	known         []*task.KnownAgent // those of the last offers
	labels        map[string]string  // Options.ReservationLabels
	kinds         []string           // names of the scalar resources
	// free and revocable are tables of what is left of each kind of scalar resource: the entry of a candidate and a
	// kind is at candidate*len(kinds)+kind. Revocable resources are in the second one only, which is nil if
	// none are offered.
	free, revocable []thousandths
	allCandidates   []int32          // 0, 1, 2, …: those on which tasks may be placed
	agentNumbers    map[string]int32 // by agent ID; numbers are less than len(candidates)
	idPrefix        string           // what the IDs of all agents begin with
	unavailable     bool             // maintenance of some agent is planned, or over
	maintenances    int32            // the highest candidate.maintenance
	sortSpace       []sortItem       // see radixSort; for all candidates
	allocator       detailsAllocator
}

// newCluster merges offers into candidates and sorts these. An offer that is given twice counts once. Known agents that
// have an offer, or no ID, are left out. Specs say of which scalar resources to keep tables, labels which reservations
// are the framework's own.
func newCluster(offers []task.Offer, known []task.KnownAgent, specs []*task.Spec, labels map[string]string) *cluster {
	n := len(offers) + len(known)
	c := &cluster{
		offers: offers, previousOffer: make([]int32, n), candidates: make([]candidate, 0, n), agentNumbers: make(map[string]int32, n),
		labels: labels, kinds: append([]string{cpus: "cpus", mem: "mem", disk: "disk", gpus: "gpus"}, customScalars(specs)...),
	}
	c.free = make([]thousandths, n*len(c.kinds))
	unnamed := make(map[string]int32) // by offer ID, for offers that do not name their agent
	for i := range offers {
		if o := &offers[i]; o.Agent.ID == "" {
			c.merge(int32(i), unnamed, o.ID)
		} else {
			c.merge(int32(i), c.agentNumbers, o.Agent.ID)
		}
	}
	placeable := int32(len(c.candidates))
	if len(known) > 0 {
		c.offers = slices.Grow(slices.Clone(offers), len(known))
	}
	for i := range known {
		o := &known[i].Offer
		if number, there := c.agentNumbers[o.Agent.ID]; o.Agent.ID == "" || there && number < placeable {
			continue
		}
		c.offers, c.known = append(c.offers, *o), append(c.known, &known[i])
		c.merge(int32(len(c.offers)-1), c.agentNumbers, o.Agent.ID)
	}
	c.sort(placeable)
	return c
}

// merge adds an offer to the candidate that it belongs to.
func (c *cluster) merge(offer int32, agents map[string]int32, id string) {
	at := c.candidateOf(offer, agents, id)
	if c.addOffer(offer, &c.candidates[at]) {
		c.addScalars(c.offers[offer].Resources, int(at))
	}
}

// expected reports whether a candidate is a known agent that is expected to be offered.
func (c *cluster) expected(at int32, now time.Time) bool {
	offered := len(c.offers) - len(c.known)
	return c.known[int(c.candidates[at].leadOffer)-offered].ExpectedUntil.After(now)
}

// candidateOf returns the candidate that an offer belongs to, and adds it if it is new. The number of an agent is the
// index of its first candidate before they are sorted; the others are found from there by nextOfAgent.
func (c *cluster) candidateOf(offer int32, agents map[string]int32, id string) int32 {
	next := int32(len(c.candidates))
	role := c.offers[offer].Role
	agent, known := agents[id]
	if !known {
		agent = next
		agents[id] = next
	}
	for at := agent; at < next; at = c.candidates[at].nextOfAgent {
		if c.candidates[at].role == role {
			return at
		}
		if c.candidates[at].nextOfAgent == 0 {
			c.candidates[at].nextOfAgent = next
		}
	}
	c.noteAgent(&c.offers[offer].Agent)
	c.candidates = append(c.candidates, candidate{role: role, agentNumber: agent, leadOffer: offer, lastOffer: -1})
	return next
}

// noteAgent updates what is known of all agents.
func (c *cluster) noteAgent(a *task.Agent) {
	if len(c.candidates) == 0 {
		c.idPrefix = a.ID
	} else if !strings.HasPrefix(a.ID, c.idPrefix) {
		c.idPrefix = commonPrefix(c.idPrefix, a.ID)
	}
}

// addOffer adds an offer to a candidate. It returns false if the candidate has an offer with this ID already.
func (c *cluster) addOffer(offer int32, cand *candidate) bool {
	id := c.offers[offer].ID
	for i := cand.lastOffer; i >= 0; i = c.previousOffer[i] {
		if c.offers[i].ID == id {
			return false
		}
	}
	c.previousOffer[offer], cand.lastOffer = cand.lastOffer, offer
	c.unavailable = c.unavailable || !c.offers[offer].Agent.Unavailable.IsZero()
	if id < c.offers[cand.leadOffer].ID {
		cand.leadOffer = offer
	}
	return true
}

// addScalars adds the scalar resources of an offer to the tables.
func (c *cluster) addScalars(resources []mesos.Resource, at int) {
	for i := range resources {
		resource := &resources[i]
		kind := c.kind(resource.Name)
		if kind < 0 || !usable(resource, c.labels) || *resource.Type != mesos.SCALAR {
			continue
		}
		free := offeredAmount(resource.GetScalar().GetValue())
		if kind == gpus && free > 0 {
			c.candidates[at].hasGPU = true
		}
		table := c.free
		if resource.Revocable != nil {
			if c.revocable == nil {
				c.revocable = make([]thousandths, len(c.free))
			}
			table = c.revocable
		}
		slot := at*len(c.kinds) + kind
		table[slot] = min(table[slot]+free, maxAmount)
	}
}

// kind returns the index of a scalar resource in kinds, or -1 if no task of the cycle asks for it.
func (c *cluster) kind(name string) int {
	switch name { // faster than a search; this is called for each resource of each offer
	case "cpus":
		return cpus
	case "mem":
		return mem
	case "disk":
		return disk
	case "gpus":
		return gpus
	}
	if custom := slices.Index(c.kinds[gpus+1:], name); custom >= 0 {
		return gpus + 1 + custom
	}
	return -1
}

// sort sorts the candidates, and the rows of the tables with them: those on which tasks may be placed, which are the
// first ones, and those of known agents. It fills the fields that depend on the lead offer.
func (c *cluster) sort(placeable int32) {
	order := make([]sortItem, len(c.candidates))
	for i := range order {
		cand := &c.candidates[i]
		cand.agent = &c.offers[cand.leadOffer].Agent
		order[i] = sortItem{first8(cand.agent.ID[len(c.idPrefix):]), int32(i)}
	}
	c.sortSpace = make([]sortItem, len(order))
	c.sortPart(order[:placeable])
	c.sortPart(order[placeable:])
	c.rearrange(order)
	c.allCandidates = make([]int32, placeable)
	for i := range c.allCandidates {
		c.allCandidates[i] = int32(i)
	}
}

// sortPart sorts candidates, which are given by the first bytes in which their IDs differ.
func (c *cluster) sortPart(order []sortItem) {
	radixSort(order, c.sortSpace)
	// Agent IDs have a long prefix in common, the ID of their master, and differ in the bytes that follow. The
	// first eight of these suffice for nearly all candidates.
	sortTies(order, func(a, b sortItem) int {
		x, y := &c.candidates[a.at], &c.candidates[b.at]
		return cmp.Or(cmp.Compare(x.agent.ID, y.agent.ID), cmp.Compare(x.role, y.role), cmp.Compare(c.offers[x.leadOffer].ID, c.offers[y.leadOffer].ID))
	})
	for i := range order {
		order[i].by = uint64(c.free[int(order[i].at)*len(c.kinds)+mem])
	}
	radixSort(order, c.sortSpace)
}

// commonPrefix returns the longest common prefix of two strings.
func commonPrefix(a, b string) string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return a[:n]
}

// first8 returns the first eight bytes of a string as a number, so that the numbers are in the order of the strings.
func first8(s string) uint64 {
	var b [8]byte
	copy(b[:], s)
	return binary.BigEndian.Uint64(b[:])
}

// rearrange brings the candidates, and the rows of the tables with them, into the given order. It moves them in place,
// cycle by cycle of the permutation, and uses up the order.
func (c *cluster) rearrange(order []sortItem) {
	width := len(c.kinds)
	row := func(table []thousandths, at int32) []thousandths {
		if table == nil {
			return nil
		}
		return table[int(at)*width:][:width]
	}
	free, revocable := make([]thousandths, width), make([]thousandths, width)
	for begin := range int32(len(order)) {
		if order[begin].at == begin {
			continue
		}
		first := c.candidates[begin]
		copy(free, row(c.free, begin))
		copy(revocable, row(c.revocable, begin))
		to := begin
		for from := order[to].at; from != begin; to, from = from, order[from].at {
			c.candidates[to] = c.candidates[from]
			copy(row(c.free, to), row(c.free, from))
			copy(row(c.revocable, to), row(c.revocable, from))
			order[to].at = to
		}
		c.candidates[to] = first
		copy(row(c.free, to), free)
		copy(row(c.revocable, to), revocable)
		order[to].at = to
	}
}

// amount returns what is left of a kind of resource in a candidate: what is not revocable, and what is.
func (c *cluster) amount(at int32, kind int) (free, revocable thousandths) {
	slot := int(at)*len(c.kinds) + kind
	if c.revocable != nil {
		revocable = c.revocable[slot]
	}
	return c.free[slot], revocable
}
