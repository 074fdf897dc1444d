package taskmatcher

import (
	"slices"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// Usable reports whether the matchers may give a resource of an offer to a task. All others are ignored wherever
// amounts are counted or compared, see the package documentation.
func (o Options) Usable(r *mesos.Resource) bool { return usable(r, o.ReservationLabels) }

// usable reports whether tasks may use a resource. Volumes and disks with a source hold data or can only be taken as a
// whole; shared resources and those of resource providers have rules of their own. Revocable resources
// are usable, by tasks that ask for them.
func usable(r *mesos.Resource, labels map[string]string) bool {
	return r.Type != nil && r.Disk == nil && r.Shared == nil && r.ProviderID == nil && !foreign(r, labels)
}

// foreign reports whether a resource is reserved for somebody else: frameworks that share a role label the reservations
// that they make, so that each knows its own. Any refinement of a reservation may be labelled.
func foreign(r *mesos.Resource, labels map[string]string) bool {
	for i := range r.Reservations {
		if !ours(r.Reservations[i].Labels, labels) {
			return true
		}
	}
	return r.Reservation != nil && !ours(r.Reservation.Labels, labels) // the format of old
}

// ours reports whether the labels of a reservation include all of ours, or whether it has no labels.
func ours(reservation *mesos.Labels, labels map[string]string) bool {
	if len(reservation.GetLabels()) == 0 {
		return true
	}
	for key, value := range labels {
		if !slices.ContainsFunc(reservation.Labels, func(l mesos.Label) bool { return l.Key == key && l.GetValue() == value }) {
			return false
		}
	}
	return len(labels) > 0
}
