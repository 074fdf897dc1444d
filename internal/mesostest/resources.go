package mesostest

import (
	"math"
	"slices"
	"sort"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// resources is a bag of Mesos resources with the arithmetic of the master: scalars are counted in
// thousandths, so that 4 - 0.1 + 0.1 is 4 again, and ranges are kept sorted and joined.
//
// A value is never changed once made; every method returns a new bag. The order of entries is the
// order of arrival, because Mesos prints them so.
type resources []resource

// resource is one entry: what it is (key, shape) and how much of it there is.
type resource struct {
	key   string          // equal for resources that can be added up
	shape *mesos.Resource // all but the value, reservations in the refined format; shared
	milli int64           // of a SCALAR
	spans []span          // of RANGES: sorted, joined
	items []string        // of a SET: sorted
}

// span is a range of numbers, both ends included.
type span struct{ begin, end uint64 }

// newResources adds up a list as it stands in a message, of either reservation format.
func newResources(list []mesos.Resource) resources {
	rs := slices.Grow(resources(nil), len(list))
	for i := range list {
		rs = rs.put(newResource(&list[i]))
	}
	return rs
}

func newResource(r *mesos.Resource) resource {
	shape := refined(*r)
	e := resource{milli: toMilli(r.GetScalar().GetValue())}
	for _, p := range r.GetRanges().GetRange() {
		e.spans = append(e.spans, span{p.Begin, p.End})
	}
	e.spans = joinSpans(e.spans)
	e.items = slices.Clone(r.GetSet().GetItem())
	sort.Strings(e.items)
	shape.Scalar, shape.Ranges, shape.Set = nil, nil, nil
	return e.reshaped(shape)
}

func (e resource) reshaped(shape mesos.Resource) resource {
	e.shape = &shape
	e.key = shapeKey(&shape)
	return e
}

// shapeKey prints what must be equal for two resources to be counted together. The reservations'
// own order matters: they are a stack.
func shapeKey(r *mesos.Resource) string {
	var b strings.Builder
	b.WriteString(describe(r))
	b.WriteByte(byte('0' + int(r.GetType())))
	if p := r.GetProviderID(); p != nil {
		b.WriteString(p.Value)
	}
	return b.String()
}

func toMilli(v float64) int64 { return int64(math.Round(v * 1000)) }

func (e resource) empty() bool {
	return e.milli <= 0 && len(e.spans) == 0 && len(e.items) == 0
}

// reservedFor is the role of the innermost reservation, "" of an unreserved resource.
func (e resource) reservedFor() string {
	if n := len(e.shape.Reservations); n > 0 {
		return e.shape.Reservations[n-1].GetRole()
	}
	return ""
}

// allocatedTo is the role the resource is allocated to, "" when it is to none.
func (e resource) allocatedTo() string { return e.shape.GetAllocationInfo().GetRole() }

// plus leaves rs alone, also its spare capacity: bags share entries.
func (rs resources) plus(e resource) resources {
	return slices.Clone(rs).put(e)
}

// put changes a bag that nobody else has seen.
func (rs resources) put(e resource) resources {
	if e.empty() {
		return rs
	}
	for i := range rs {
		if rs[i].key == e.key {
			rs[i].milli += e.milli
			rs[i].spans = joinSpans(append(slices.Clone(rs[i].spans), e.spans...))
			rs[i].items = addItems(rs[i].items, e.items)
			return rs
		}
	}
	return append(rs, e)
}

func (rs resources) minus(e resource) resources {
	for i := range rs {
		if rs[i].key != e.key {
			continue
		}
		rs = slices.Clone(rs)
		rs[i].milli -= e.milli
		rs[i].spans = cutSpans(rs[i].spans, e.spans)
		rs[i].items = cutItems(rs[i].items, e.items)
		if rs[i].empty() { // Mesos fills the gap with the last entry
			rs[i] = rs[len(rs)-1]
			rs = rs[:len(rs)-1]
		}
		return rs
	}
	return rs
}

func (rs resources) add(other resources) resources {
	for _, e := range other {
		rs = rs.plus(e)
	}
	return rs
}

// subtract takes away what both have; what rs lacks is no debt.
func (rs resources) subtract(other resources) resources {
	for _, e := range other {
		rs = rs.minus(e)
	}
	return rs
}

func (rs resources) contains(other resources) bool {
	for _, e := range other {
		i := slices.IndexFunc(rs, func(have resource) bool { return have.key == e.key })
		if i < 0 || rs[i].milli < e.milli ||
			len(cutSpans(e.spans, rs[i].spans)) > 0 || len(cutItems(e.items, rs[i].items)) > 0 {
			return false
		}
	}
	return true
}

func (rs resources) empty() bool { return len(rs) == 0 }

// filter keeps the entries that keep wants.
func (rs resources) filter(keep func(resource) bool) resources {
	var out resources
	for _, e := range rs {
		if keep(e) {
			out = append(out, e)
		}
	}
	return out
}

// offerable keeps what may be offered to a role: the unreserved resources and those that are
// reserved for the role or one of its ancestors (for "a/b" also those of "a").
func (rs resources) offerable(role string) resources {
	return rs.filter(func(e resource) bool {
		owner := e.reservedFor()
		return owner == "" || owner == role || strings.HasPrefix(role, owner+"/")
	})
}

// allocated marks all entries as allocated to a role; "" takes the mark off.
func (rs resources) allocated(role string) resources {
	var out resources
	for _, e := range rs {
		shape := *e.shape
		shape.AllocationInfo = nil
		if role != "" {
			shape.AllocationInfo = &mesos.Resource_AllocationInfo{Role: &role}
		}
		out = out.plus(e.reshaped(shape))
	}
	return out
}

// unallocated takes the mark of the allocation off.
func (rs resources) unallocated() resources { return rs.allocated("") }

// unreserved keeps the entries without a reservation.
func (rs resources) unreserved() resources {
	return rs.filter(func(e resource) bool { return e.reservedFor() == "" })
}

// milli is the amount of all scalars of a name, in thousandths.
func (rs resources) milli(name string) int64 {
	var sum int64
	for _, e := range rs {
		if e.shape.Name == name {
			sum += e.milli
		}
	}
	return sum
}

// quantity is the amount of a name, whatever its type: thousandths of scalars, numbers in ranges
// and members of sets counted as one each.
func (rs resources) quantity(name string) int64 {
	var sum int64
	for _, e := range rs {
		if e.shape.Name != name {
			continue
		}
		sum += e.milli + 1000*int64(len(e.items))
		for _, s := range e.spans {
			sum += 1000 * int64(s.end-s.begin+1)
		}
	}
	return sum
}

// proto writes the bag as messages in the refined reservation format.
func (rs resources) proto() []mesos.Resource {
	out := make([]mesos.Resource, 0, len(rs))
	for _, e := range rs {
		out = append(out, e.proto())
	}
	return out
}

func (e resource) proto() mesos.Resource {
	r := *e.shape
	switch r.GetType() {
	case mesos.SCALAR:
		r.Scalar = &mesos.Value_Scalar{Value: float64(e.milli) / 1000}
	case mesos.RANGES:
		r.Ranges = &mesos.Value_Ranges{Range: make([]mesos.Value_Range, 0, len(e.spans))}
		for _, s := range e.spans {
			r.Ranges.Range = append(r.Ranges.Range, mesos.Value_Range{Begin: s.begin, End: s.end})
		}
	case mesos.SET:
		r.Set = &mesos.Value_Set{Item: slices.Clone(e.items)}
	}
	return r
}

// refined brings a resource into the format of the capability RESERVATION_REFINEMENT: a stack of
// reservations, none of an unreserved resource, and never a role.
func refined(r mesos.Resource) mesos.Resource {
	if role := r.GetRole(); len(r.Reservations) == 0 && role != "*" && role != "" {
		static := mesos.Resource_ReservationInfo_STATIC
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

// unrefined brings resources into the older format, for frameworks without RESERVATION_REFINEMENT.
// Resources with more than one reservation have no such form: the master does not offer them.
func unrefined(list []mesos.Resource) []mesos.Resource {
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

// allocate gives the role to those resources of a request that name none. Frameworks need not
// repeat the role of the offer.
func allocate(list []mesos.Resource, role string) []mesos.Resource {
	out := slices.Clone(list)
	for i := range out {
		if out[i].AllocationInfo == nil {
			out[i].AllocationInfo = &mesos.Resource_AllocationInfo{Role: &role}
		}
	}
	return out
}

// joinSpans sorts ranges and joins those that touch or overlap. It may reorder its argument.
func joinSpans(spans []span) []span {
	if len(spans) == 0 {
		return nil
	}
	slices.SortFunc(spans, func(a, b span) int {
		switch {
		case a.begin < b.begin:
			return -1
		case a.begin > b.begin:
			return 1
		}
		return 0
	})
	out := []span{spans[0]}
	for _, s := range spans[1:] {
		last := &out[len(out)-1]
		if s.begin > last.end && s.begin-last.end > 1 {
			out = append(out, s)
			continue
		}
		last.end = max(last.end, s.end)
	}
	return out
}

// cutSpans returns what of from is in none of take.
func cutSpans(from, take []span) []span {
	out := slices.Clone(from)
	for _, t := range take {
		var rest []span
		for _, s := range out {
			if t.end < s.begin || t.begin > s.end {
				rest = append(rest, s)
				continue
			}
			if s.begin < t.begin {
				rest = append(rest, span{s.begin, t.begin - 1})
			}
			if s.end > t.end {
				rest = append(rest, span{t.end + 1, s.end})
			}
		}
		out = rest
	}
	return out
}

func addItems(a, b []string) []string {
	out := append(slices.Clone(a), b...)
	sort.Strings(out)
	return slices.Compact(out)
}

func cutItems(from, take []string) []string {
	return slices.DeleteFunc(slices.Clone(from), func(s string) bool { return slices.Contains(take, s) })
}
