package resources

import (
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// Fault checks the resources of an operation for what makes the master refuse the whole operation. It returns
// the master's message, "" if nothing is wrong with them.
func Fault(list []mesos.Resource) string {
	r, fault := firstFault(list)
	if r == nil {
		return ""
	}
	shown := Refined(*r)
	return "Resource '" + Format(&shown) + "' is invalid: " + fault
}

// Unprintable reports whether the first invalid resource is of a type that a master cannot print: it dies of the
// message that [Fault] returns.
func Unprintable(list []mesos.Resource) bool {
	r, _ := firstFault(list)
	return r != nil && r.GetType() != mesos.SCALAR && r.GetType() != mesos.RANGES && r.GetType() != mesos.SET
}

// firstFault returns the first invalid resource and what is wrong with it, nil if none is.
func firstFault(list []mesos.Resource) (r *mesos.Resource, fault string) {
	for i := range list {
		if fault := resourceFault(&list[i]); fault != "" {
			return &list[i], fault
		}
	}
	return nil, ""
}

// resourceFault returns what is wrong with one resource, "" when nothing is.
func resourceFault(r *mesos.Resource) string {
	if r.Name == "" {
		return "Empty resource name"
	}
	if fault := valueFault(r); fault != "" {
		return fault
	}
	if fault := diskFault(r); fault != "" {
		return fault
	}
	if fault := reservationFault(r); fault != "" {
		return fault
	}
	switch {
	case r.Shared == nil:
	case r.Name != "disk":
		return "Resource " + r.Name + " cannot be shared"
	case r.Disk.GetPersistence() == nil:
		return "Only persistent volumes can be shared"
	}
	return ""
}

func diskFault(r *mesos.Resource) string {
	if r.Disk == nil {
		return ""
	}
	if r.Name != "disk" {
		return "DiskInfo should not be set for " + r.Name + " resource"
	}
	source := r.Disk.Source
	if source == nil || source.Type != mesos.Resource_DiskInfo_Source_BLOCK && source.Type != mesos.Resource_DiskInfo_Source_RAW {
		return ""
	}
	switch {
	case source.Mount != nil:
		return "Mount should not be set for " + source.Type.String() + " disk source"
	case source.Path != nil:
		return "Path should not be set for " + source.Type.String() + " disk source"
	}
	return ""
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
	return refinementFault(r)
}

// refinementFault checks what the reservations are to each other, and to the fields of the older format.
func refinementFault(r *mesos.Resource) string {
	ancestor := r.Reservations[0].GetRole()
	for i := range r.Reservations[1:] {
		info := &r.Reservations[i+1]
		switch {
		case info.GetType() == mesos.Resource_ReservationInfo_STATIC:
			return "Invalid refined reservation: A refined reservation cannot be STATIC"
		case !strings.HasPrefix(info.GetRole(), ancestor+"/"):
			return "Invalid refined reservation: role '" + info.GetRole() + "' is not a refinement of '" + ancestor + "'"
		}
		ancestor = info.GetRole()
	}
	const format = "Invalid resource format: "
	if len(r.Reservations) > 1 {
		for _, field := range []struct {
			name string
			set  bool
		}{{"role", r.Role != nil}, {"reservation", r.Reservation != nil}} {
			if field.set {
				return format + "'Resource." + field.name + "' must not be set if there is more than one reservation in 'Resource.reservations'"
			}
		}
		return ""
	}
	info := &r.Reservations[0]
	static := info.GetType() == mesos.Resource_ReservationInfo_STATIC
	switch {
	case r.Role != nil && *r.Role != info.GetRole():
		return format + "'Resource.role' field with '" + *r.Role + "' does not match the role '" + info.GetRole() + "' in 'Resource.reservations'"
	case static && r.Reservation != nil:
		return format + "'Resource.reservation' must not be set if the single reservation in 'Resource.reservations' is STATIC"
	case !static && (r.Role == nil) != (r.Reservation == nil):
		return format + "'Resource.role' and 'Resource.reservation' must either be both set or both not set" +
			" if the single reservation in 'Resource.reservations' is DYNAMIC"
	case r.Reservation.GetPrincipal() != info.GetPrincipal() && r.Reservation != nil:
		return format + "'Resource.reservation.principal' field with '" + r.Reservation.GetPrincipal() +
			"' does not match the principal '" + info.GetPrincipal() + "' in 'Resource.reservations'"
	}
	return ""
}
