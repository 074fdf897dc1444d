package taskmatcher_test

import (
	"slices"

	"github.com/gogo/protobuf/proto"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

func scalar(name string, value float64) mesos.Resource {
	return mesos.Resource{Name: name, Type: mesos.SCALAR.Enum(), Scalar: &mesos.Value_Scalar{Value: value}}
}

// ranges takes pairs of begin and end.
func ranges(name string, ends ...uint64) mesos.Resource {
	r := mesos.Resource{Name: name, Type: mesos.RANGES.Enum(), Ranges: &mesos.Value_Ranges{}}
	for i := 0; i < len(ends); i += 2 {
		r.Ranges.Range = append(r.Ranges.Range, mesos.Value_Range{Begin: ends[i], End: ends[i+1]})
	}
	return r
}

// reserve reserves statically, in the refined format.
func reserve(r mesos.Resource, role string) mesos.Resource {
	r.Reservations = []mesos.Resource_ReservationInfo{{
		Type: mesos.Resource_ReservationInfo_STATIC.Enum(), Role: proto.String(role),
	}}
	return r
}

// reserveOld reserves in the format of masters that talk to frameworks without
// RESERVATION_REFINEMENT.
func reserveOld(r mesos.Resource, role string) mesos.Resource {
	r.Role = proto.String(role)
	return r
}

// label adds a label to the last reservation of a resource, which becomes dynamic.
func label(r mesos.Resource, key, value string) mesos.Resource {
	r.Reservations = slices.Clone(r.Reservations)
	last := &r.Reservations[len(r.Reservations)-1]
	last.Type = mesos.Resource_ReservationInfo_DYNAMIC.Enum()
	last.Labels = &mesos.Labels{Labels: append(slices.Clone(last.Labels.GetLabels()), mesos.Label{Key: key, Value: &value})}
	return r
}

// refine adds another reservation to those of a resource.
func refine(r mesos.Resource, role string) mesos.Resource {
	r.Reservations = append(slices.Clone(r.Reservations), reserve(r, role).Reservations...)
	return r
}

func allocate(r mesos.Resource, role string) mesos.Resource {
	r.AllocationInfo = &mesos.Resource_AllocationInfo{Role: proto.String(role)}
	return r
}

func text(name, value string) mesos.Attribute {
	return mesos.Attribute{Name: name, Type: mesos.TEXT, Text: &mesos.Value_Text{Value: value}}
}

func number(name string, value float64) mesos.Attribute {
	return mesos.Attribute{Name: name, Type: mesos.SCALAR, Scalar: &mesos.Value_Scalar{Value: value}}
}

// spans takes pairs of begin and end.
func spans(name string, ends ...uint64) mesos.Attribute {
	return mesos.Attribute{Name: name, Type: mesos.RANGES, Ranges: ranges(name, ends...).Ranges}
}

func set(name string, items ...string) mesos.Attribute {
	return mesos.Attribute{Name: name, Type: mesos.SET, Set: &mesos.Value_Set{Item: items}}
}

func revocable(r mesos.Resource) mesos.Resource {
	r.Revocable = &mesos.Resource_RevocableInfo{}
	return r
}
