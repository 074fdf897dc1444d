package scheduler

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// offerFromMesos converts an offer of Mesos. The result shares the resources and attributes of o, which
// must not be modified afterwards. The ID does not keep the other texts of o in memory. Quarantined is left empty.
//
// The role is that of the offer's allocation_info, else that of a resource's allocation_info (a
// master allocates all resources of an offer to one role), else the role that a resource is reserved
// for (frameworks without MULTI_ROLE get no allocation_info), else "*".
func offerFromMesos(o mesos.Offer) task.Offer {
	agent := task.Agent{ID: o.AgentID.Value, Hostname: o.Hostname, Address: agentAddress(o.URL), Attributes: o.Attributes}
	if d := o.Domain.GetFaultDomain(); d != nil {
		agent.Region, agent.Zone = d.Region.Name, d.Zone.Name
	}
	if u := o.Unavailability; u != nil {
		agent.Unavailable = time.Unix(0, u.Start.Nanoseconds)
		agent.UnavailableFor = time.Duration(u.Duration.GetNanoseconds())
	}
	return task.Offer{ID: strings.Clone(o.ID.Value), Agent: agent, Role: offerRole(&o), Resources: o.Resources}
}

// agentAddress returns the address in the URL of an agent, "" if it has none. The host is the agent's name, as in
// Mesos' own links, and otherwise its IP address.
func agentAddress(u *mesos.URL) string {
	if u == nil {
		return ""
	}
	host := cmp.Or(u.Address.GetHostname(), u.Address.GetIP())
	if host == "" {
		return ""
	}
	if strings.Contains(host, ":") { // IPv6
		host = "[" + host + "]"
	}
	address := host + ":" + strconv.Itoa(int(u.Address.Port))
	if u.Scheme == "https" {
		return "https://" + address
	}
	return address
}

func offerRole(o *mesos.Offer) string {
	role := o.AllocationInfo.GetRole()
	for i := range o.Resources {
		role = cmp.Or(role, o.Resources[i].AllocationInfo.GetRole())
	}
	for i := range o.Resources {
		role = cmp.Or(role, reservedFor(&o.Resources[i]))
	}
	return cmp.Or(role, "*")
}

// reservedFor returns the role that a resource is reserved for, or "" if it is not reserved. In the refined format
// reservations are a stack, of which the last one counts; in the old format there is one role.
func reservedFor(r *mesos.Resource) string {
	if n := len(r.Reservations); n > 0 {
		return r.Reservations[n-1].GetRole()
	}
	if role := r.GetRole(); role != "*" {
		return role
	}
	return ""
}

// filters returns those of a call that refuses offers for a time.
func filters(refuse time.Duration) *mesos.Filters {
	seconds := refuse.Seconds()
	return &mesos.Filters{RefuseSeconds: &seconds}
}
