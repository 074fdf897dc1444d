package task

import (
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// Agent is a Mesos agent, as described by its offers.
type Agent struct {
	ID       string
	Hostname string
	// Region and Zone of the agent's fault domain. Empty: the agent has none.
	Region, Zone string
	Attributes   []mesos.Attribute
	// Unavailable is when planned maintenance of the agent begins; zero: none is planned. UnavailableFor is how
	// long it takes; zero: unknown. See Mesos' docs/maintenance.md.
	Unavailable    time.Time
	UnavailableFor time.Duration
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
