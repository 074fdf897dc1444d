package taskmatcher

import (
	"cmp"
	"slices"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// The scalar resources that a task can ask for, in the order in which they are tried and taken.
const (
	cpus = iota
	mem
	disk
	gpus
	scalars // how many there are
)

func scalarNames() [scalars]string { return [...]string{"cpus", "mem", "disk", "gpus"} }

// room is an offer with what is left of it.
type room struct {
	offer task.Offer
	// free is what is left of each scalar, parts where it comes from: reserved resources first.
	free  [scalars]thousandths
	parts [scalars][]part
	ports ports
}

// part is what is left of one scalar resource of an offer.
type part struct {
	resource int // index into the offer's resources
	free     thousandths
}

// rooms prepares the offers in the order in which tasks are tried on them: ascending memory, equal
// ones by ID, so that the order of the argument does not matter. An offer given twice counts once.
func rooms(offers []task.Offer) []*room {
	all := make([]*room, len(offers))
	for i, o := range offers {
		all[i] = newRoom(o)
	}
	slices.SortStableFunc(all, func(a, b *room) int {
		return cmp.Or(cmp.Compare(a.free[mem], b.free[mem]), cmp.Compare(a.offer.ID, b.offer.ID))
	})
	seen := make(map[string]bool, len(all))
	return slices.DeleteFunc(all, func(r *room) bool {
		twice := seen[r.offer.ID]
		seen[r.offer.ID] = true
		return twice
	})
}

func newRoom(o task.Offer) *room {
	r := &room{offer: o}
	names := scalarNames()
	for i := range o.Resources {
		resource := &o.Resources[i]
		if !usable(resource) {
			continue
		}
		switch kind := slices.Index(names[:], resource.Name); {
		case kind >= 0 && *resource.Type == mesos.SCALAR:
			if free := offered(resource.GetScalar().GetValue()); free > 0 {
				r.parts[kind] = append(r.parts[kind], part{i, free})
				r.free[kind] = min(r.free[kind]+free, most)
			}
		case resource.Name == "ports" && *resource.Type == mesos.RANGES:
			r.ports.add(resource, i)
		}
	}
	for kind := range r.parts {
		slices.SortStableFunc(r.parts[kind], func(a, b part) int {
			return reservedFirst(&o.Resources[a.resource], &o.Resources[b.resource])
		})
	}
	r.ports.settle(o.Quarantined, o.Resources)
	return r
}

// usable tells whether a task may take from a resource without having asked for it by name.
// Volumes and disks with a source hold data or are taken whole, revocable resources may be
// withdrawn, shared ones and those of resource providers follow rules of their own.
func usable(r *mesos.Resource) bool {
	return r.Type != nil && r.Disk == nil && r.Revocable == nil && r.Shared == nil && r.ProviderID == nil
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

// place takes out what the demand asks for, which must be there.
func (r *room) place(d demand) task.Placement {
	taken := make([]mesos.Resource, 0, scalars+1)
	for kind, amount := range d.scalars {
		taken = r.take(kind, amount, taken)
	}
	taken, hostPorts := r.ports.take(d.ports, r.offer.Resources, taken)
	return task.Placement{
		TaskID:    d.id,
		OfferIDs:  []string{r.offer.ID},
		AgentID:   r.offer.Agent.ID,
		Hostname:  r.offer.Agent.Hostname,
		Resources: taken,
		HostPorts: hostPorts,
	}
}

// take moves an amount of one scalar from the parts, in their order, to taken.
func (r *room) take(kind int, amount thousandths, taken []mesos.Resource) []mesos.Resource {
	r.free[kind] -= amount
	for amount > 0 {
		p := &r.parts[kind][0]
		some := min(amount, p.free)
		amount -= some
		p.free -= some
		resource := r.offer.Resources[p.resource]
		resource.Scalar = &mesos.Value_Scalar{Value: some.float()}
		taken = append(taken, resource)
		if p.free == 0 {
			r.parts[kind] = r.parts[kind][1:]
		}
	}
	return taken
}
