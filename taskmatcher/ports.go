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

// unprivileged is the first port that a process without special rights may listen on. Lower ones are for tasks that
// name them: others take them only if they must.
const unprivileged = 1024

// portOrder orders spans by how well ports of any number are taken from them: unprivileged before privileged ones, and
// reserved before others.
func portOrder(a, b span) int {
	privileged := func(s span) int {
		if s.begin < unprivileged {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(privileged(a), privileged(b)), reservedFirst(a.resource, b.resource))
}

// ports are the free ports of a candidate: disjoint spans in the order in which ports of any number are taken from them.
type ports struct {
	spans []span
	count int // of ports in all spans
}

// fill sets the ports to those of offers, except quarantined and revocable ones and numbers outside 1 to 65535. A port
// that is offered twice counts once.
func (p *ports) fill(offers []*task.Offer, labels map[string]string) {
	var quarantined []uint16
	for _, o := range offers {
		for i := range o.Resources {
			r := &o.Resources[i]
			if r.Name != "ports" || !usable(r, labels) || *r.Type != mesos.RANGES || r.Revocable != nil {
				continue
			}
			for _, each := range r.GetRanges().GetRange() {
				p.offer(r, max(each.Begin, 1), min(each.End, unprivileged-1))
				p.offer(r, max(each.Begin, unprivileged), min(each.End, math.MaxUint16))
			}
		}
		quarantined = append(quarantined, o.Quarantined...)
	}
	if len(p.spans) == 1 && len(quarantined) == 0 {
		p.count = p.spans[0].len()
		return
	}
	slices.Sort(quarantined)
	slices.SortStableFunc(p.spans, func(a, b span) int { return cmp.Compare(a.begin, b.begin) })
	p.normalize(quarantined)
}

// offer adds a span unless it is empty.
func (p *ports) offer(r *mesos.Resource, begin, end uint64) {
	if begin <= end {
		p.spans = append(p.spans, span{uint32(begin), uint32(end), r})
	}
}

// normalize makes the spans disjoint, removes the quarantined ports, brings the spans into their order, and counts the
// ports. Both the spans and the quarantined ports must be sorted.
func (p *ports) normalize(quarantined []uint16) {
	free := make([]span, 0, len(p.spans)+len(quarantined))
	next := uint32(0) // ports below are done
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
	slices.SortStableFunc(free, portOrder)
	p.spans, p.count = free, 0
	for _, s := range free {
		p.count += s.len()
	}
}

// find returns the index of the span that contains a port, or -1 if the port is not free.
func (p *ports) find(port uint32) int {
	return slices.IndexFunc(p.spans, func(s span) bool { return s.begin <= port && port <= s.end })
}

// missing returns how many ports are missing for a task that asks for the static ports, which has no duplicates, and
// for dynamic further ports of any number.
func (p *ports) missing(static []uint16, dynamic int) int {
	absent := 0
	for _, port := range static {
		if p.find(uint32(port)) < 0 {
			absent++
		}
	}
	return max(absent, len(static)+dynamic-p.count, 0)
}

// takePort removes a port from the span with the given index and returns the resource that it belongs to.
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

// choose returns a free port and the index of its span: the lowest port, or a random one if random is not nil, of the
// first spans that portOrder does not tell apart.
func (p *ports) choose(random *rand.Rand) (at int, port uint32) {
	if random == nil {
		return 0, p.spans[0].begin
	}
	n := 0
	for _, s := range p.spans {
		if portOrder(p.spans[0], s) != 0 {
			break
		}
		n += s.len()
	}
	for n = random.IntN(n); n >= p.spans[at].len(); at++ {
		n -= p.spans[at].len()
	}
	return at, p.spans[at].begin + uint32(n)
}
