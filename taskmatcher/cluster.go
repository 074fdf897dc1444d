package taskmatcher

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// The scalar resources that each room has a number of. Custom ones, as far as tasks of the cycle ask for
// them, follow in the order of their names.
const (
	cpus = iota
	mem
	disk
	gpus
)

// cluster is all rooms of a cycle, in the order in which they are tried when nothing else decides:
// ascending offered memory, then agent ID, then role. So the order of the offers does not matter. A room
// goes by its place in this order.
type cluster struct {
	offers []task.Offer
	before []int32 // by offer: another one of the same room, -1: none
	rooms  []room
	kinds  []string // names of scalars
	// free and revocable are what is left of each kind of scalar in each room: those of a room are next
	// to each other. Revocable is nil if nothing revocable is offered.
	free, revocable []thousandths
	everywhere      []int32          // all rooms
	agents          map[string]int32 // their numbers by ID
}

// newCluster merges offers into rooms. An offer given twice counts once.
func newCluster(offers []task.Offer, custom []string) *cluster {
	n := len(offers)
	c := &cluster{
		offers: offers, before: make([]int32, n), rooms: make([]room, 0, n), agents: make(map[string]int32, n),
		kinds: append([]string{cpus: "cpus", mem: "mem", disk: "disk", gpus: "gpus"}, custom...),
	}
	c.free = make([]thousandths, n*len(c.kinds))
	nameless := make(map[string]int32) // offers that do not say of which agent they are
	for i := range offers {
		o := &offers[i]
		agents, id := c.agents, o.Agent.ID
		if id == "" {
			agents, id = nameless, o.ID
		}
		at := c.roomOf(int32(i), agents, id)
		if c.admit(int32(i), &c.rooms[at]) {
			c.count(o.Resources, int(at))
		}
	}
	c.sort()
	return c
}

// roomOf gives the room of an offer of an agent, which is new if need be. An agent goes by the number of its
// first room here, from where the others are found.
func (c *cluster) roomOf(offer int32, agents map[string]int32, id string) int32 {
	fresh := int32(len(c.rooms))
	role := c.offers[offer].Role
	agent, known := agents[id]
	if !known {
		agent = fresh
		agents[id] = fresh
	}
	for at := agent; at < fresh; at = c.rooms[at].other {
		if c.rooms[at].role == role {
			return at
		}
		if c.rooms[at].other == 0 {
			c.rooms[at].other = fresh
		}
	}
	c.rooms = append(c.rooms, room{role: role, number: agent, lead: offer, last: -1})
	return fresh
}

// admit adds an offer to the room, unless it is there already.
func (c *cluster) admit(offer int32, r *room) bool {
	id := c.offers[offer].ID
	for i := r.last; i >= 0; i = c.before[i] {
		if c.offers[i].ID == id {
			return false
		}
	}
	c.before[offer], r.last = r.last, offer
	if id < c.offers[r.lead].ID {
		r.lead = offer
	}
	return true
}

// count adds what an offer holds to a room.
func (c *cluster) count(resources []mesos.Resource, at int) {
	for i := range resources {
		resource := &resources[i]
		kind := c.kind(resource.Name)
		if kind < 0 || !usable(resource) || *resource.Type != mesos.SCALAR {
			continue
		}
		free := offered(resource.GetScalar().GetValue())
		if kind == gpus && free > 0 {
			c.rooms[at].hasGPU = true
		}
		table := c.free
		if resource.Revocable != nil {
			if c.revocable == nil {
				c.revocable = make([]thousandths, len(c.free))
			}
			table = c.revocable
		}
		slot := at*len(c.kinds) + kind
		table[slot] = min(table[slot]+free, most)
	}
}

// kind gives the number of a scalar, -1 if no task of the cycle can ask for it.
func (c *cluster) kind(name string) int {
	switch name { // faster than a search, and called for each resource of each offer
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

// sort brings the rooms into their order, and all tables with them.
func (c *cluster) sort() {
	prefix := ""
	for i := range c.rooms {
		r := &c.rooms[i]
		lead := &c.offers[r.lead]
		r.agent, r.maintained = &lead.Agent, !lead.Agent.Unavailable.IsZero()
		if i == 0 {
			prefix = r.agent.ID
		} else if !strings.HasPrefix(r.agent.ID, prefix) {
			prefix = common(prefix, r.agent.ID)
		}
	}
	order := make([]numbered, len(c.rooms))
	for i := range order {
		order[i] = numbered{first8(c.rooms[i].agent.ID[len(prefix):]), int32(i)}
	}
	sortNumbered(order)
	// Agent IDs have a long part in common, that of their master, and differ in the next bytes. It is rare
	// that these do not tell rooms apart.
	sortRuns(order, func(a, b numbered) int {
		x, y := &c.rooms[a.at], &c.rooms[b.at]
		return cmp.Or(cmp.Compare(x.agent.ID, y.agent.ID), cmp.Compare(x.role, y.role), cmp.Compare(c.offers[x.lead].ID, c.offers[y.lead].ID))
	})
	for i := range order {
		order[i].by = uint64(c.free[int(order[i].at)*len(c.kinds)+mem])
	}
	sortNumbered(order)
	rooms := make([]room, len(c.rooms))
	c.everywhere = make([]int32, len(c.rooms))
	for i, key := range order {
		rooms[i], c.everywhere[i] = c.rooms[key.at], int32(i)
	}
	c.rooms, c.free, c.revocable = rooms, c.sorted(c.free, order), c.sorted(c.revocable, order)
}

// common gives what two texts begin with.
func common(a, b string) string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return a[:n]
}

// first8 gives the first bytes of a text as a number of the same order.
func first8(s string) uint64 {
	var b [8]byte
	copy(b[:], s)
	return binary.BigEndian.Uint64(b[:])
}

// sorted gives a table in another order of the rooms.
func (c *cluster) sorted(table []thousandths, order []numbered) []thousandths {
	if table == nil {
		return nil
	}
	width := len(c.kinds)
	result := make([]thousandths, 0, len(order)*width)
	for _, key := range order {
		result = append(result, table[int(key.at)*width:][:width]...)
	}
	return result
}

// amount gives what is left of a kind in a room: all that is not revocable, and all that is.
func (c *cluster) amount(at int32, kind int) (firm, revocable thousandths) {
	slot := int(at)*len(c.kinds) + kind
	if c.revocable != nil {
		revocable = c.revocable[slot]
	}
	return c.free[slot], revocable
}
