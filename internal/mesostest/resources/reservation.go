package resources

import (
	"slices"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// Refined returns a resource in the format of the capability RESERVATION_REFINEMENT: a stack of
// reservations, none of an unreserved resource, and never a role.
func Refined(r mesos.Resource) mesos.Resource {
	if of := r.GetRole(); len(r.Reservations) == 0 && of != "*" && of != "" {
		role, static := of, mesos.Resource_ReservationInfo_STATIC // allocated here, since few have one
		info := mesos.Resource_ReservationInfo{Type: &static, Role: &role}
		if r.Reservation != nil {
			dynamic := mesos.Resource_ReservationInfo_DYNAMIC
			info.Type = &dynamic
			info.Principal, info.Labels = r.Reservation.Principal, r.Reservation.Labels
		}
		r.Reservations = []mesos.Resource_ReservationInfo{info}
	}
	r.Role, r.Reservation = nil, nil
	return r
}

// Unrefined returns resources in the older format, for frameworks without RESERVATION_REFINEMENT.
// Resources with more than one reservation have no such form: the master does not offer them.
func Unrefined(list []mesos.Resource) []mesos.Resource {
	out := make([]mesos.Resource, 0, len(list))
	for _, r := range list {
		role := "*"
		if len(r.Reservations) == 1 {
			info := r.Reservations[0]
			role = info.GetRole()
			if info.GetType() == mesos.Resource_ReservationInfo_DYNAMIC {
				r.Reservation = &mesos.Resource_ReservationInfo{Principal: info.Principal, Labels: info.Labels}
			}
		}
		r.Role, r.Reservations = &role, nil
		out = append(out, r)
	}
	return out
}

// Allocate returns the resources of a request with the role of the offer in those that name none: frameworks need
// not repeat it.
func Allocate(list []mesos.Resource, role string) []mesos.Resource {
	out := slices.Clone(list)
	for i := range out {
		if out[i].AllocationInfo == nil {
			out[i].AllocationInfo = &mesos.Resource_AllocationInfo{Role: &role}
		}
	}
	return out
}
