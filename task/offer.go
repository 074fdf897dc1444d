package task

import (
	"cmp"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// Agent is where tasks run.
type Agent struct {
	ID       string
	Hostname string
	// Region and Zone of the agent's fault domain. Empty: it has none.
	Region, Zone string
	Attributes   []mesos.Attribute
	// Unavailable is when planned maintenance of the agent begins, and UnavailableFor how long it takes. Zero:
	// none is planned, and nobody knows. See Mesos' docs/maintenance.md.
	Unavailable    time.Time
	UnavailableFor time.Duration
}

// Maintained tells whether there is planned maintenance of the agent at some time from begin to end.
func (a *Agent) Maintained(begin, end time.Time) bool {
	return !a.Unavailable.IsZero() && !a.Unavailable.After(end) &&
		(a.UnavailableFor == 0 || begin.Before(a.Unavailable.Add(a.UnavailableFor)))
}

// Offer is what one agent has free for one role, as a matcher sees it.
type Offer struct {
	ID    string
	Agent Agent
	// Role is the allocation role of the offer, "*" without one.
	Role string
	// Resources as offered, reservations and allocation included.
	Resources []mesos.Resource
	// Quarantined are host ports that must not be handed out although they are offered, ascending.
	Quarantined []uint16
}

// OfferFromMesos translates an offer. The result shares the resources and attributes of o, which
// must not be altered afterwards. Quarantined is left empty.
//
// The role is that of the offer's allocation_info, else that of a resource's allocation_info (a
// master allocates all resources of an offer to one role), else, from a master that talks to a
// framework without MULTI_ROLE, the role for which a resource is reserved, else "*".
func OfferFromMesos(o mesos.Offer) Offer {
	agent := Agent{ID: o.AgentID.Value, Hostname: o.Hostname, Attributes: o.Attributes}
	if d := o.Domain.GetFaultDomain(); d != nil {
		agent.Region, agent.Zone = d.Region.Name, d.Zone.Name
	}
	if u := o.Unavailability; u != nil {
		agent.Unavailable = time.Unix(0, u.Start.Nanoseconds)
		agent.UnavailableFor = time.Duration(u.Duration.GetNanoseconds())
	}
	return Offer{ID: o.ID.Value, Agent: agent, Role: offerRole(o), Resources: o.Resources}
}

func offerRole(o mesos.Offer) string {
	role := o.AllocationInfo.GetRole()
	for i := range o.Resources {
		role = cmp.Or(role, o.Resources[i].AllocationInfo.GetRole())
	}
	for i := range o.Resources {
		role = cmp.Or(role, reservedFor(&o.Resources[i]))
	}
	return cmp.Or(role, "*")
}

// reservedFor gives the role that a resource is reserved for, in the refined format (a stack, the
// last one counts) or the old one. Empty: it is not reserved.
func reservedFor(r *mesos.Resource) string {
	if n := len(r.Reservations); n > 0 {
		return r.Reservations[n-1].GetRole()
	}
	if role := r.GetRole(); role != "*" {
		return role
	}
	return ""
}
