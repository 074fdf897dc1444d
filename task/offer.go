package task

import (
	"encoding/json"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// Agent is a Mesos agent, as described by its offers.
type Agent struct {
	ID       string `json:"id,omitzero"`
	Hostname string `json:"hostname,omitzero"`
	// Address is where the agent serves HTTP: "host:port", or "https://host:port" if it uses TLS. Empty: unknown.
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
