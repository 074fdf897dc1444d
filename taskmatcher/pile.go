package taskmatcher

import (
	"math"
	"slices"
)

// pile is a queue of rooms for scores of any kind. Rooms that changed are scored again before the pile is
// used. With an order, which is sorted by what the scores were in the beginning, only rooms
// that changed are on the heap: few, for a strategy that fills one room after the other.
type pile struct {
	heap  heap
	place []int32 // numbers of rooms on the heap; nil: their own
	order *order
	at    int // rooms of the order before this one are done with
}

// newPiles makes one for each lane.
func (m *match) newPiles(s *shape, d *division) []pile {
	piles := make([]pile, len(d.rooms))
	if m.rule == tightest && len(s.preferences) == 0 && d.lane == nil {
		piles[0].order = s.order
		piles[0].at, _ = slices.BinarySearch(s.order.amounts, s.wanted)
		return piles
	}
	entries, numbers := make([]entry, len(m.rooms)), make([]int32, len(m.rooms))
	for i, rooms := range d.rooms {
		n := len(rooms)
		p := &piles[i]
		p.place, p.heap = d.place, heap{entries[:0:n], numbers[:n:n]}
		entries, numbers = entries[n:], numbers[n:]
		for id, at := range rooms {
			if k, ok := m.judge(s, at); ok {
				p.heap.entries = append(p.heap.entries, entry{k, int32(id)})
			}
		}
		p.heap.order()
	}
	s.seen = len(m.log)
	return piles
}

// id gives the number of a room on the heap.
func (p *pile) id(m *match, at int32) int32 {
	switch {
	case p.order != nil:
		return m.rooms[at].touched - 1
	case p.place != nil:
		return p.place[at]
	}
	return at
}

// changed looks again at a room.
func (p *pile) changed(m *match, s *shape, at int32) {
	if k, ok := m.judge(s, at); ok {
		p.heap.set(p.id(m, at), k)
	} else {
		p.heap.remove(p.id(m, at))
	}
}

func (p *pile) head(m *match, s *shape) (key, bool) {
	for len(p.heap.entries) > 0 {
		top := p.heap.entries[0]
		if !m.fits(s, top.room) {
			p.heap.remove(top.id)
			continue
		}
		if penalty := s.penalty(top.room); penalty != top.penalty {
			top.penalty = penalty
			p.heap.set(top.id, top.key)
			continue
		}
		break
	}
	fresh, ok := p.untouched(m, s)
	if len(p.heap.entries) == 0 || ok && fresh.before(p.heap.entries[0].key) {
		return fresh, ok
	}
	return p.heap.entries[0].key, true
}

// untouched gives the best of the rooms that did not change.
func (p *pile) untouched(m *match, s *shape) (key, bool) {
	if p.order == nil {
		return key{}, false
	}
	for ; p.at < len(p.order.rooms); p.at++ {
		at := p.order.rooms[p.at]
		if m.rooms[at].touched == 0 && m.fits(s, at) {
			return key{score: float64(p.order.amounts[p.at]), room: at}, true
		}
	}
	return key{}, false
}

// judge gives the key of a room, unless it is no place for the shape.
func (m *match) judge(s *shape, at int32) (key, bool) {
	if !m.fits(s, at) {
		return key{}, false
	}
	k := key{room: at, penalty: s.penalty(at)}
	switch {
	case m.rule == tightest:
		k.score = float64(m.left(at, s.measure))
	case m.filter != nil && !m.filter(s.spec, m.view(at)):
		return key{}, false
	case m.score != nil:
		if k.score = m.score(s.spec, m.view(at)); math.IsNaN(k.score) {
			k.score = math.Inf(1)
		}
	}
	return k, true
}
