package scheduler

import (
	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// Estimates, in bytes, of what offers take without texts.
const (
	offerOverhead     = 500
	agentOverhead     = 350 // of what the census keeps
	attributeOverhead = 150
	resourceOverhead  = 250
)

// fit reports whether an offer is not too large.
func (l *limits) fit(o *task.Offer) bool {
	about := agentSize(&o.Agent)
	return about <= l.about && about+resourcesSize(o) <= l.offer && len(o.Role) <= l.about
}

// offerSize returns about how many bytes an offer takes in memory.
func offerSize(o *task.Offer) int {
	return offerOverhead + len(o.ID) + agentSize(&o.Agent) + resourcesSize(o)
}

// agentSize returns about how many bytes the description of an agent takes.
func agentSize(a *task.Agent) int {
	size := len(a.ID) + len(a.Hostname) + len(a.Address) + len(a.Region) + len(a.Zone)
	for i := range a.Attributes {
		size += attributeOverhead + a.Attributes[i].Size()
	}
	return size
}

// resourcesSize returns about how many bytes the resources of an offer, and its role, take.
func resourcesSize(o *task.Offer) int {
	size := len(o.Role)
	for i := range o.Resources {
		size += resourceSize(&o.Resources[i])
	}
	return size
}

// resourceSize spares most resources a second look.
func resourceSize(r *mesos.Resource) int {
	size := resourceOverhead + len(r.Name) + len(r.GetRole()) + len(r.AllocationInfo.GetRole())
	if r.Ranges != nil {
		const each = 16
		size += each * len(r.Ranges.Range)
	}
	if r.Set != nil || r.Disk != nil || r.Reservation != nil || len(r.Reservations) > 0 || r.ProviderID != nil {
		const decoded = 3 // times its encoded size
		size += decoded * r.Size()
	}
	return size
}
