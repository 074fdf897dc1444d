package resources

import (
	"math"
	"slices"
	"sort"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// List is a list of resources, at most one entry of each kind. Scalars are counted in thousandths, so that
// 4 - 0.1 + 0.1 is 4 again. Ranges and sets are shown as they were written until something is added to them or taken away:
// then they are sorted and joined. The order of entries is that of their arrival,
// because Mesos prints them so.
type List []Entry

// Entry is a kind of resource and how much of it there is.
type Entry struct {
	// Shape is the resource without its value, with its reservations in the refined format (see [Refined]).
	// Lists share it: it must not be changed.
	Shape *mesos.Resource

	key   string   // equal for resources that can be added up
	milli int64    // of a SCALAR
	spans []span   // of RANGES: sorted, joined
	items []string // of a SET: sorted

	given *mesos.Resource // how ranges or a set were written, nil after a calculation; it must not be changed
}

// New returns the sum of the resources in a message, of either reservation format.
func New(list []mesos.Resource) List {
	rs := slices.Grow(List(nil), len(list))
	for i := range list {
		rs = rs.put(newEntry(&list[i]))
	}
	return rs
}

func newEntry(r *mesos.Resource) Entry {
	shape := Refined(*r)
	e := Entry{milli: Milli(r.GetScalar().GetValue())}
	for _, p := range r.GetRanges().GetRange() {
		e.spans = append(e.spans, span{p.Begin, p.End})
	}
	e.spans = joinSpans(e.spans)
	e.items = slices.Clone(r.GetSet().GetItem())
	sort.Strings(e.items)
	if r.GetType() != mesos.SCALAR {
		e.given = r
	}
	shape.Scalar, shape.Ranges, shape.Set = nil, nil, nil
	return e.reshaped(shape)
}

func (e Entry) reshaped(shape mesos.Resource) Entry {
	e.Shape = &shape
	e.key = shapeKey(&shape)
	return e
}

// shapeKey returns a text that is equal for two resources which are counted together. The reservations'
// own order matters: they are a stack.
func shapeKey(r *mesos.Resource) string {
	var b strings.Builder
	b.Grow(64) // most are shorter
	appendDescription(&b, r)
	b.WriteByte(byte('0' + int(r.GetType())))
	if p := r.GetProviderID(); p != nil {
		b.WriteString(p.Value)
	}
	return b.String()
}

// Milli returns a scalar in thousandths, rounded as a master does.
func Milli(v float64) int64 { return int64(math.Round(v * 1000)) }

func (e Entry) empty() bool {
	return e.milli <= 0 && len(e.spans) == 0 && len(e.items) == 0
}

// ReservedFor returns the role of the innermost reservation, "" of an unreserved resource.
func (e Entry) ReservedFor() string {
	if n := len(e.Shape.Reservations); n > 0 {
		return e.Shape.Reservations[n-1].GetRole()
	}
	return ""
}

// AllocatedTo returns the role that the resource is allocated to, "" for none.
func (e Entry) AllocatedTo() string { return e.Shape.GetAllocationInfo().GetRole() }

// plus leaves rs alone, also its spare capacity, which other lists may share.
func (rs List) plus(e Entry) List {
	return slices.Clone(rs).put(e)
}

// put changes a list that nobody else has seen.
func (rs List) put(e Entry) List {
	if e.empty() {
		return rs
	}
	for i := range rs {
		if rs[i].key == e.key {
			rs[i].milli += e.milli
			rs[i].spans = joinSpans(append(slices.Clone(rs[i].spans), e.spans...))
			rs[i].items = addItems(rs[i].items, e.items)
			rs[i].given = nil
			return rs
		}
	}
	return append(rs, e)
}

func (rs List) minus(e Entry) List {
	for i := range rs {
		if rs[i].key != e.key {
			continue
		}
		rs = slices.Clone(rs)
		rs[i].milli -= e.milli
		rs[i].spans = cutSpans(rs[i].spans, e.spans)
		rs[i].items = cutItems(rs[i].items, e.items)
		rs[i].given = nil
		if rs[i].empty() { // Mesos fills the gap with the last entry
			rs[i] = rs[len(rs)-1]
			rs = rs[:len(rs)-1]
		}
		return rs
	}
	return rs
}

// Add returns both together.
func (rs List) Add(other List) List {
	for _, e := range other {
		rs = rs.plus(e)
	}
	return rs
}

// Subtract returns rs without what both have; what rs lacks is no debt.
func (rs List) Subtract(other List) List {
	for _, e := range other {
		rs = rs.minus(e)
	}
	return rs
}

// Contains reports whether rs has at least as much of everything.
func (rs List) Contains(other List) bool {
	for _, e := range other {
		i := slices.IndexFunc(rs, func(have Entry) bool { return have.key == e.key })
		if i < 0 || rs[i].milli < e.milli ||
			len(cutSpans(e.spans, rs[i].spans)) > 0 || len(cutItems(e.items, rs[i].items)) > 0 {
			return false
		}
	}
	return true
}

// Empty reports whether there is nothing.
func (rs List) Empty() bool { return len(rs) == 0 }

// Filter returns the entries for which keep returns true.
func (rs List) Filter(keep func(Entry) bool) List {
	var out List
	for _, e := range rs {
		if keep(e) {
			out = append(out, e)
		}
	}
	return out
}

// Named returns the entries of a name.
func (rs List) Named(name string) List {
	return rs.Filter(func(e Entry) bool { return e.Shape.Name == name })
}

// Offerable returns what may be offered to a role: the unreserved resources and those that are
// reserved for the role or one of its ancestors (for "a/b" also those of "a").
func (rs List) Offerable(role string) List {
	return rs.Filter(func(e Entry) bool {
		owner := e.ReservedFor()
		return owner == "" || owner == role || strings.HasPrefix(role, owner+"/")
	})
}

// Allocated returns all entries as allocated to a role, or to none when it is empty.
func (rs List) Allocated(role string) List {
	var out List
	for _, e := range rs {
		shape := *e.Shape
		shape.AllocationInfo = nil
		if role != "" {
			shape.AllocationInfo = &mesos.Resource_AllocationInfo{Role: &role}
		}
		out = out.plus(e.reshaped(shape))
	}
	return out
}

// Unallocated returns all entries as allocated to nobody.
func (rs List) Unallocated() List { return rs.Allocated("") }

// Unreserved returns the entries without a reservation.
func (rs List) Unreserved() List {
	return rs.Filter(func(e Entry) bool { return e.ReservedFor() == "" })
}

// Milli returns the amount of all scalars of a name, in thousandths.
func (rs List) Milli(name string) int64 {
	var sum int64
	for _, e := range rs {
		if e.Shape.Name == name {
			sum += e.milli
		}
	}
	return sum
}

// Quantity returns the amount of a name, whatever its type: thousandths of scalars, numbers in ranges
// and members of sets counted as one each.
func (rs List) Quantity(name string) int64 {
	var sum int64
	for _, e := range rs {
		if e.Shape.Name != name {
			continue
		}
		sum += e.milli + 1000*int64(len(e.items))
		for _, s := range e.spans {
			sum += 1000 * int64(s.end-s.begin+1)
		}
	}
	return sum
}

// Proto returns the list as messages in the refined reservation format.
func (rs List) Proto() []mesos.Resource {
	out := make([]mesos.Resource, 0, len(rs))
	for _, e := range rs {
		out = append(out, e.Proto())
	}
	return out
}

// Proto returns the entry as a message in the refined reservation format.
func (e Entry) Proto() mesos.Resource {
	r := *e.Shape
	switch r.GetType() {
	case mesos.SCALAR:
		r.Scalar = &mesos.Value_Scalar{Value: float64(e.milli) / 1000}
		return r
	case mesos.RANGES:
		if e.given != nil {
			r.Ranges = &mesos.Value_Ranges{Range: slices.Clone(e.given.GetRanges().GetRange())}
			return r
		}
		r.Ranges = &mesos.Value_Ranges{Range: make([]mesos.Value_Range, 0, len(e.spans))}
		for _, s := range e.spans {
			r.Ranges.Range = append(r.Ranges.Range, mesos.Value_Range{Begin: s.begin, End: s.end})
		}
	case mesos.SET:
		if e.given != nil {
			r.Set = &mesos.Value_Set{Item: slices.Clone(e.given.GetSet().GetItem())}
			return r
		}
		r.Set = &mesos.Value_Set{Item: slices.Clone(e.items)}
	}
	return r
}
