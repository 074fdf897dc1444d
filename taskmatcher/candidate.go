package taskmatcher

import (
	"cmp"
	"slices"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// candidate is what one agent offers to one role. In a large cluster most candidates are looked at in each cycle but
// never used, so the struct is small, and what only placements need is in details.
type candidate struct {
	agent       *task.Agent
	role        string
	details     *details // nil until it is asked for
	agentNumber int32    // see cluster.agentNumbers
	nextOfAgent int32    // only while offers are merged: another candidate of the agent, 0: none
	leadOffer   int32    // the offer with the lowest ID, whose Agent is used
	lastOffer   int32    // one of the offers; cluster.previousOffer leads to the others
	maintenance int32    // see cluster.rankMaintenance
	hasGPU      bool     // GPUs were offered
}

// details is what a candidate offers, resource by resource. Fields are nil until they are asked for. Most candidates are one
// offer with one range of ports, for which there is space, so that they cost no allocations.
type details struct {
	offers     []*task.Offer // sorted by ID
	ids        []string      // of the offers
	scalars    []offeredScalar
	ports      *ports
	offerSpace [1]*task.Offer
	portSpace  ports
	spanSpace  [1]span
}

// detailsAllocator allocates details and what they consist of in chunks. Only the IDs outlive the cycle, as part of
// placements.
type detailsAllocator struct {
	details []details
	ids     []string
	scalars []offeredScalar
}

// take returns an empty slice with room for n elements from a chunk, which is replaced when it is used up.
func take[T any](chunk *[]T, n, size int) []T {
	if len(*chunk) < n {
		*chunk = make([]T, max(n, size))
	}
	taken := (*chunk)[:0:n]
	*chunk = (*chunk)[n:]
	return taken
}

// offeredScalar is one scalar resource of an offer.
type offeredScalar struct {
	resource *mesos.Resource
	kind     int
	free     thousandths // what is left
}

// reservedFirst orders resources: reserved ones come first, since no other role can use them.
func reservedFirst(a, b *mesos.Resource) int {
	return cmp.Compare(reserved(b), reserved(a))
}

// reserved returns 1 for a reserved resource, in the refined or the old format, and 0 otherwise.
func reserved(r *mesos.Resource) int {
	if len(r.Reservations) > 0 || r.GetRole() != "*" {
		return 1
	}
	return 0
}

// detailsOf returns the details of a candidate, at first with the offers only.
func (c *cluster) detailsOf(cand *candidate) *details {
	if cand.details == nil {
		d := &take(&c.allocator.details, 1, 32)[:1][0]
		offers := d.offerSpace[:0]
		for i := cand.lastOffer; i >= 0; i = c.previousOffer[i] {
			offers = append(offers, &c.offers[i])
		}
		slices.SortFunc(offers, func(a, b *task.Offer) int { return cmp.Compare(a.ID, b.ID) })
		d.offers, cand.details = offers, d
	}
	return cand.details
}

// idsOf returns the IDs of a candidate's offers. All placements on the candidate share the slice.
func (c *cluster) idsOf(cand *candidate) []string {
	d := c.detailsOf(cand)
	if d.ids == nil {
		d.ids = take(&c.allocator.ids, len(d.offers), 64)
		for _, o := range d.offers {
			d.ids = append(d.ids, o.ID)
		}
	}
	return d.ids
}

// scalarsOf returns the scalar resources of a candidate that tasks of the cycle ask for, reserved ones first.
func (c *cluster) scalarsOf(cand *candidate) []offeredScalar {
	d := c.detailsOf(cand)
	if d.scalars != nil {
		return d.scalars
	}
	d.scalars = take(&c.allocator.scalars, len(d.offers[0].Resources), 128)
	for _, o := range d.offers {
		for i := range o.Resources {
			resource := &o.Resources[i]
			kind := c.kind(resource.Name)
			if kind < 0 || !usable(resource, c.labels) || *resource.Type != mesos.SCALAR {
				continue
			}
			if free := offeredAmount(resource.GetScalar().GetValue()); free > 0 {
				d.scalars = append(d.scalars, offeredScalar{resource, kind, free})
			}
		}
	}
	slices.SortStableFunc(d.scalars, func(a, b offeredScalar) int { return reservedFirst(a.resource, b.resource) })
	return d.scalars
}

// portsOf returns the free ports of a candidate.
func (c *cluster) portsOf(cand *candidate) *ports {
	d := c.detailsOf(cand)
	if d.ports == nil {
		d.ports = &d.portSpace
		d.ports.spans = d.spanSpace[:0]
		d.ports.fill(d.offers, c.labels)
	}
	return d.ports
}

// otherScalar returns how much a candidate offers of a scalar resource that no task of the cycle asks for, so that it
// has no place in the tables. Revocable resources are not counted.
func (c *cluster) otherScalar(cand *candidate, name string) thousandths {
	sum := thousandths(0)
	for _, o := range c.detailsOf(cand).offers {
		for i := range o.Resources {
			resource := &o.Resources[i]
			if resource.Name == name && usable(resource, c.labels) && *resource.Type == mesos.SCALAR && resource.Revocable == nil {
				sum = min(sum+offeredAmount(resource.GetScalar().GetValue()), maxAmount)
			}
		}
	}
	return sum
}
