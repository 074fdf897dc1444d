package taskmatcher

import (
	"cmp"
	"slices"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// room is what one agent offers to one role. Most rooms of a large cluster are never used in a cycle, so
// everything that costs memory is made when somebody asks for it.
type room struct {
	agent  *task.Agent
	role   string
	lead   int32 // the offer with the lowest ID, which speaks for the agent
	last   int32 // one of the offers; cluster.before leads to the others
	hasGPU bool  // offered

	touched int32 // its number among the rooms in which something was placed, from 1 on; 0: nothing was
	offers  []*task.Offer
	ids     []string // of the offers
	parts   []part
	ports   *ports
}

// part is what is left of one scalar resource of an offer.
type part struct {
	resource *mesos.Resource
	kind     int
	free     thousandths
}

// usable tells whether a task may take from a resource without having asked for it by name.
// Volumes and disks with a source hold data or are taken whole; shared ones and those of resource
// providers follow rules of their own. Revocable ones are usable by tasks that say so.
func usable(r *mesos.Resource) bool {
	return r.Type != nil && r.Disk == nil && r.Shared == nil && r.ProviderID == nil
}

// reservedFirst orders resources: what is reserved for the role is of use to nobody else.
func reservedFirst(a, b *mesos.Resource) int {
	return cmp.Compare(reserved(b), reserved(a))
}

// reserved gives 1 for a reserved resource, in the refined or the old format, else 0.
func reserved(r *mesos.Resource) int {
	if len(r.Reservations) > 0 || r.GetRole() != "*" {
		return 1
	}
	return 0
}

// offersOf gives the offers of a room in the order of their IDs.
func (c *cluster) offersOf(r *room) []*task.Offer {
	if r.offers == nil {
		for i := r.last; i >= 0; i = c.before[i] {
			r.offers = append(r.offers, &c.offers[i])
		}
		slices.SortFunc(r.offers, func(a, b *task.Offer) int { return cmp.Compare(a.ID, b.ID) })
	}
	return r.offers
}

// idsOf gives the IDs of a room's offers, which its placements share.
func (c *cluster) idsOf(r *room) []string {
	if r.ids == nil {
		offers := c.offersOf(r)
		r.ids = make([]string, len(offers))
		for i, o := range offers {
			r.ids[i] = o.ID
		}
	}
	return r.ids
}

// partsOf gives what is left of the scalar resources of a room, reserved ones first.
func (c *cluster) partsOf(r *room) []part {
	if r.parts != nil {
		return r.parts
	}
	offers := c.offersOf(r)
	r.parts = make([]part, 0, len(offers[0].Resources))
	for _, o := range offers {
		for i := range o.Resources {
			resource := &o.Resources[i]
			kind := c.kind(resource.Name)
			if kind < 0 || !usable(resource) || *resource.Type != mesos.SCALAR {
				continue
			}
			if free := offered(resource.GetScalar().GetValue()); free > 0 {
				r.parts = append(r.parts, part{resource, kind, free})
			}
		}
	}
	slices.SortStableFunc(r.parts, func(a, b part) int { return reservedFirst(a.resource, b.resource) })
	return r.parts
}

// portsOf gives the free ports of a room.
func (c *cluster) portsOf(r *room) *ports {
	if r.ports == nil {
		r.ports = newPorts(c.offersOf(r))
	}
	return r.ports
}

// unasked gives what a room has of a scalar resource that no task of the cycle asks for.
func (c *cluster) unasked(r *room, name string) thousandths {
	sum := thousandths(0)
	for _, o := range c.offersOf(r) {
		for i := range o.Resources {
			resource := &o.Resources[i]
			if resource.Name == name && usable(resource) && *resource.Type == mesos.SCALAR && resource.Revocable == nil {
				sum = min(sum+offered(resource.GetScalar().GetValue()), most)
			}
		}
	}
	return sum
}
