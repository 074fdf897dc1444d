package task

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// Agent is a Mesos agent, as described by its offers.
type Agent struct {
	ID       string `json:"id,omitzero"`
	Hostname string `json:"hostname,omitzero"`
	// Address is where the agent serves HTTP: "host:port", or "https://host:port" if it speaks TLS. Empty: unknown.
	Address string `json:"address,omitzero"`
	// Region and Zone of the agent's fault domain. Empty: the agent has none.
	Region     string            `json:"region,omitzero"`
	Zone       string            `json:"zone,omitzero"`
	Attributes []mesos.Attribute `json:"attributes,omitempty"`
	// Unavailable is when planned maintenance of the agent begins; zero: none is planned. UnavailableFor is how
	// long it takes; zero: unknown. See Mesos' docs/maintenance.md.
	Unavailable    time.Time     `json:"unavailable,omitzero"`
	UnavailableFor time.Duration `json:"unavailableFor,omitzero"`
}

// MarshalJSON encodes UnavailableFor as text, such as "1h0m0s".
func (a Agent) MarshalJSON() ([]byte, error) {
	type plain Agent
	text := ""
	if a.UnavailableFor != 0 {
		text = a.UnavailableFor.String()
	}
	return json.Marshal(struct {
		plain
		UnavailableFor string `json:"unavailableFor,omitzero"`
	}{plain(a), text})
}

// UnmarshalJSON decodes what MarshalJSON has encoded.
func (a *Agent) UnmarshalJSON(data []byte) error {
	type plain Agent
	into := struct {
		*plain
		UnavailableFor string `json:"unavailableFor"`
	}{plain: (*plain)(a)}
	err := json.Unmarshal(data, &into)
	if a.UnavailableFor = 0; err == nil && into.UnavailableFor != "" {
		a.UnavailableFor, err = time.ParseDuration(into.UnavailableFor)
	}
	return err
}

// Maintained reports whether maintenance of the agent is planned for any time from begin to end. Maintenance of
// unknown duration does not end.
func (a *Agent) Maintained(begin, end time.Time) bool {
	return !a.Unavailable.IsZero() && !a.Unavailable.After(end) &&
		(a.UnavailableFor == 0 || begin.Before(a.Unavailable.Add(a.UnavailableFor)))
}

// Offer is an offer of Mesos, as a matcher sees it: resources of one agent that are free for one role.
type Offer struct {
	ID    string
	Agent Agent
	// Role is the role that the offer is allocated to, "*" without one.
	Role string
	// Resources are the offered resources, including their reservations and allocation info.
	Resources []mesos.Resource
	// Quarantined lists host ports that must not be used although they are offered, ascending.
	Quarantined []uint16
}

// OfferFromMesos converts an offer of Mesos. The result shares the resources and attributes of o, which
// must not be modified afterwards. Quarantined is left empty.
//
// The role is that of the offer's allocation_info, else that of a resource's allocation_info (a
// master allocates all resources of an offer to one role), else the role that a resource is reserved
// for (frameworks without MULTI_ROLE get no allocation_info), else "*".
func OfferFromMesos(o mesos.Offer) Offer {
	agent := Agent{ID: o.AgentID.Value, Hostname: o.Hostname, Address: agentAddress(o.URL), Attributes: o.Attributes}
	if d := o.Domain.GetFaultDomain(); d != nil {
		agent.Region, agent.Zone = d.Region.Name, d.Zone.Name
	}
	if u := o.Unavailability; u != nil {
		agent.Unavailable = time.Unix(0, u.Start.Nanoseconds)
		agent.UnavailableFor = time.Duration(u.Duration.GetNanoseconds())
	}
	return Offer{ID: o.ID.Value, Agent: agent, Role: offerRole(o), Resources: o.Resources}
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
