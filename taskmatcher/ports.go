package taskmatcher

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// span is a range of free ports, both ends included, of one resource of an offer.
type span struct {
	begin, end uint32
	resource   *mesos.Resource
}

func (s span) len() int { return int(s.end-s.begin) + 1 }

// ports are the free ports of a room: disjoint spans, reserved ones first, ascending.
type ports struct {
	spans []span
	count int
}

// newPorts collects what offers have, without what is quarantined, what is revocable and what is no port of
// TCP or UDP. A port that is offered twice counts once.
func newPorts(offers []*task.Offer) *ports {
	var p ports
	var quarantined []uint16
	for _, o := range offers {
		for i := range o.Resources {
			r := &o.Resources[i]
			if r.Name != "ports" || !usable(r) || *r.Type != mesos.RANGES || r.Revocable != nil {
				continue
			}
			for _, each := range r.GetRanges().GetRange() {
				if begin, end := max(each.Begin, 1), min(each.End, math.MaxUint16); begin <= end {
					p.spans = append(p.spans, span{uint32(begin), uint32(end), r})
				}
			}
		}
		quarantined = append(quarantined, o.Quarantined...)
	}
	if len(p.spans) == 0 {
		return &p
	}
	slices.Sort(quarantined)
	slices.SortStableFunc(p.spans, func(a, b span) int { return cmp.Compare(a.begin, b.begin) })
	p.settle(quarantined)
	return &p
}

// settle makes the spans, which are in order, disjoint and free of quarantined ports, and puts those of
// reserved resources first.
func (p *ports) settle(quarantined []uint16) {
	free := make([]span, 0, len(p.spans)+len(quarantined))
	next := uint32(0) // everything below is dealt with
	for _, s := range p.spans {
		s.begin = max(s.begin, next)
		next = max(next, s.end+1)
		first, _ := slices.BinarySearchFunc(quarantined, s.begin, func(port uint16, begin uint32) int {
			return cmp.Compare(uint32(port), begin)
		})
		for _, port := range quarantined[first:] {
			if uint32(port) > s.end {
				break
			}
			if s.begin < uint32(port) {
				free = append(free, span{s.begin, uint32(port) - 1, s.resource})
			}
			s.begin = uint32(port) + 1
		}
		if s.begin <= s.end {
			free = append(free, s)
		}
	}
	slices.SortStableFunc(free, func(a, b span) int { return reservedFirst(a.resource, b.resource) })
	p.spans, p.count = free, 0
	for _, s := range free {
		p.count += s.len()
	}
}

// find gives the span that holds a port, -1: it is not free.
func (p *ports) find(port uint32) int {
	return slices.IndexFunc(p.spans, func(s span) bool { return s.begin <= port && port <= s.end })
}

// missing gives how many ports are lacking to a task that wants certain ones, each once, and more of any kind.
func (p *ports) missing(static []uint16, dynamic int) int {
	absent := 0
	for _, port := range static {
		if p.find(uint32(port)) < 0 {
			absent++
		}
	}
	return max(absent, len(static)+dynamic-p.count, 0)
}

// takePort takes one port out of a span and gives the resource that it belongs to.
func (p *ports) takePort(at int, port uint32) *mesos.Resource {
	p.count--
	s := &p.spans[at]
	resource := s.resource
	switch {
	case s.begin == s.end && at == 0:
		p.spans = p.spans[1:]
	case s.begin == s.end:
		p.spans = slices.Delete(p.spans, at, at+1)
	case s.begin == port:
		s.begin++
	case s.end == port:
		s.end--
	default:
		rest := span{port + 1, s.end, resource}
		s.end = port - 1
		p.spans = slices.Insert(p.spans, at+1, rest)
	}
	return resource
}

// any chooses a port, the lowest one or at random; either way those of reserved resources first.
func (p *ports) any(random *rand.Rand) (at int, port uint32) {
	if random == nil {
		return 0, p.spans[0].begin
	}
	first, n := reserved(p.spans[0].resource), 0
	for _, s := range p.spans {
		if reserved(s.resource) != first {
			break
		}
		n += s.len()
	}
	for n = random.IntN(n); n >= p.spans[at].len(); at++ {
		n -= p.spans[at].len()
	}
	return at, p.spans[at].begin + uint32(n)
}
