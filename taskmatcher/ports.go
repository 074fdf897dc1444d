package taskmatcher

import (
	"cmp"
	"math"
	"slices"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// span is a range of free ports, both ends included, of one resource of an offer.
type span struct {
	begin, end uint64
	resource   int // index into the offer's resources
}

func (s span) len() int { return int(s.end - s.begin + 1) }

// ports are the free ports of an offer: disjoint spans, reserved ones first, ascending.
type ports struct {
	spans []span
	count int
}

// add notes a resource's ranges. What is no port of TCP or UDP is left out.
func (p *ports) add(r *mesos.Resource, resource int) {
	for _, each := range r.GetRanges().GetRange() {
		s := span{max(each.Begin, 1), min(each.End, math.MaxUint16), resource}
		if s.begin <= s.end {
			p.spans = append(p.spans, s)
		}
	}
}

// settle makes the spans disjoint and free of quarantined ports, and puts those of reserved
// resources first.
func (p *ports) settle(quarantined []uint16, resources []mesos.Resource) {
	slices.SortStableFunc(p.spans, func(a, b span) int { return cmp.Compare(a.begin, b.begin) })
	if !slices.IsSorted(quarantined) {
		quarantined = slices.Sorted(slices.Values(quarantined))
	}
	var free []span
	next := uint64(0) // everything below is dealt with
	for _, s := range p.spans {
		s.begin = max(s.begin, next)
		next = max(next, s.end+1)
		first, _ := slices.BinarySearchFunc(quarantined, s.begin, func(port uint16, begin uint64) int {
			return cmp.Compare(uint64(port), begin)
		})
		for _, port := range quarantined[first:] {
			if uint64(port) > s.end {
				break
			}
			if s.begin < uint64(port) {
				free = append(free, span{s.begin, uint64(port) - 1, s.resource})
			}
			s.begin = uint64(port) + 1
		}
		if s.begin <= s.end {
			free = append(free, s)
		}
	}
	slices.SortStableFunc(free, func(a, b span) int {
		return reservedFirst(&resources[a.resource], &resources[b.resource])
	})
	p.spans, p.count = free, 0
	for _, s := range free {
		p.count += s.len()
	}
}

// take hands out n ports, which must be there, appends them to taken as resources, and lists them.
func (p *ports) take(n int, from []mesos.Resource, taken []mesos.Resource) ([]mesos.Resource, []uint16) {
	if n == 0 {
		return taken, nil
	}
	p.count -= n
	list := make([]uint16, 0, n)
	last := -1 // the resource that the last span was taken from
	for len(list) < n {
		s := p.spans[0]
		if missing := n - len(list); s.len() > missing {
			s.end = s.begin + uint64(missing) - 1
			p.spans[0].begin = s.end + 1
		} else {
			p.spans = p.spans[1:]
		}
		for port := s.begin; port <= s.end; port++ {
			list = append(list, uint16(port))
		}
		if s.resource != last {
			r := from[s.resource]
			r.Ranges = &mesos.Value_Ranges{}
			taken, last = append(taken, r), s.resource
		}
		ranges := taken[len(taken)-1].Ranges
		ranges.Range = append(ranges.Range, mesos.Value_Range{Begin: s.begin, End: s.end})
	}
	return taken, list
}
