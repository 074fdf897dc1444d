package resources

import (
	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// Fault checks the resources of an operation for what makes the master refuse the whole operation. It returns
// the master's message, "" if nothing is wrong with them.
func Fault(list []mesos.Resource) string {
	for i := range list {
		if fault := resourceFault(&list[i]); fault != "" {
			shown := Refined(list[i])
			return "Resource '" + formatResource(&shown) + "' is invalid: " + fault
		}
	}
	return ""
}

// resourceFault returns what is wrong with one resource, "" when nothing is.
func resourceFault(r *mesos.Resource) string {
	if r.Name == "" {
		return "Empty resource name"
	}
	if fault := valueFault(r); fault != "" {
		return fault
	}
	if r.Disk != nil && r.Name != "disk" {
		return "DiskInfo should not be set for " + r.Name + " resource"
	}
	return reservationFault(r)
}

func valueFault(r *mesos.Resource) string {
	scalar, ranges, set := r.Scalar != nil, r.Ranges != nil, r.Set != nil
	switch r.GetType() {
	case mesos.SCALAR:
		if !scalar || ranges || set {
			return "Invalid scalar resource"
		}
		if r.Scalar.Value != 0 && Milli(r.Scalar.Value) <= 0 {
			return "Invalid scalar resource: value <= 0"
		}
	case mesos.RANGES:
		if scalar || !ranges || set {
			return "Invalid ranges resource"
		}
		return rangesFault(r.Ranges.Range)
	case mesos.SET:
		if scalar || ranges || !set {
			return "Invalid set resource"
		}
		if items := addItems(nil, r.Set.Item); len(items) != len(r.Set.Item) {
			return "Invalid set resource: duplicated elements"
		}
	default:
		return "Unsupported resource type"
	}
	return ""
}

func rangesFault(list []mesos.Value_Range) string {
	for i, a := range list {
		if a.Begin > a.End {
			return "Invalid ranges resource: begin > end"
		}
		for _, b := range list[i+1:] {
			if a.Begin <= b.Begin && b.Begin <= a.End {
				return "Invalid ranges resource: overlapping ranges"
			}
		}
	}
	return ""
}

func reservationFault(r *mesos.Resource) string {
	if len(r.Reservations) == 0 {
		if r.Role != nil {
			if fault := RoleFault(*r.Role); fault != "" {
				return fault
			}
		}
		switch {
		case r.Reservation == nil:
			return ""
		case r.Reservation.Type != nil:
			return "'Resource.ReservationInfo.type' must not be set for the 'Resource.reservation' field"
		case r.Reservation.Role != nil:
			return "'Resource.ReservationInfo.role' must not be set for the 'Resource.reservation' field"
		case r.GetRole() == "*":
			return `Invalid reservation: role "*" cannot be dynamically reserved`
		}
		return ""
	}
	for i := range r.Reservations {
		info := &r.Reservations[i]
		switch {
		case info.Type == nil:
			return "Invalid reservation: 'Resource.ReservationInfo.type' field must be set."
		case info.Role == nil:
			return "Invalid reservation: 'Resource.ReservationInfo.role' field must be set."
		case RoleFault(*info.Role) != "":
			return RoleFault(*info.Role)
		case *info.Role == "*":
			return `Invalid reservation: role "*" cannot be reserved`
		}
	}
	return ""
}
