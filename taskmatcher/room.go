package taskmatcher

import (
	"cmp"
	"slices"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// room is what one agent offers to one role. Most rooms of a large cluster are never used in a cycle, so
// that it is small, and looking at it does not lead elsewhere.
type room struct {
	agent      *task.Agent
	role       string
	contents   *contents // nil until somebody asks
	number     int32     // of the agent
	other      int32     // another room of the agent while offers are merged, 0: none
	lead       int32     // the offer with the lowest ID, which speaks for the agent
	last       int32     // one of the offers; cluster.before leads to the others
	touched    int32     // its number among the rooms in which something was placed, from 1 on; 0: nothing was
	hasGPU     bool      // offered
	maintained bool      // some time
}

// contents is a room in detail. What is nil was not asked for yet.
type contents struct {
	offers []*task.Offer // in the order of their IDs
	ids    []string      // of the offers
	parts  []part
	ports  *ports
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

// open gives a room in detail.
func (c *cluster) open(r *room) *contents {
	if r.contents == nil {
		offers := make([]*task.Offer, 0, 1)
		for i := r.last; i >= 0; i = c.before[i] {
			offers = append(offers, &c.offers[i])
		}
		slices.SortFunc(offers, func(a, b *task.Offer) int { return cmp.Compare(a.ID, b.ID) })
		r.contents = &contents{offers: offers}
	}
	return r.contents
}

// idsOf gives the IDs of a room's offers, which its placements share.
func (c *cluster) idsOf(r *room) []string {
	in := c.open(r)
	if in.ids == nil {
		for _, o := range in.offers {
			in.ids = append(in.ids, o.ID)
		}
	}
	return in.ids
}

// partsOf gives what is left of the scalar resources of a room, reserved ones first.
func (c *cluster) partsOf(r *room) []part {
	in := c.open(r)
	if in.parts != nil {
		return in.parts
	}
	in.parts = make([]part, 0, len(in.offers[0].Resources))
	for _, o := range in.offers {
		for i := range o.Resources {
			resource := &o.Resources[i]
			kind := c.kind(resource.Name)
			if kind < 0 || !usable(resource) || *resource.Type != mesos.SCALAR {
				continue
			}
			if free := offered(resource.GetScalar().GetValue()); free > 0 {
				in.parts = append(in.parts, part{resource, kind, free})
			}
		}
	}
	slices.SortStableFunc(in.parts, func(a, b part) int { return reservedFirst(a.resource, b.resource) })
	return in.parts
}

// portsOf gives the free ports of a room.
func (c *cluster) portsOf(r *room) *ports {
	in := c.open(r)
	if in.ports == nil {
		in.ports = newPorts(in.offers)
	}
	return in.ports
}

// unasked gives what a room has of a scalar resource that no task of the cycle asks for.
func (c *cluster) unasked(r *room, name string) thousandths {
	sum := thousandths(0)
	for _, o := range c.open(r).offers {
		for i := range o.Resources {
			resource := &o.Resources[i]
			if resource.Name == name && usable(resource) && *resource.Type == mesos.SCALAR && resource.Revocable == nil {
				sum = min(sum+offered(resource.GetScalar().GetValue()), most)
			}
		}
	}
	return sum
}
