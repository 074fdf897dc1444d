package taskmatcher

import (
	"encoding/binary"
	"strings"
)

// lanes are the rooms that a shape may use. GROUP_BY makes a place good and bad in turns, depending on
// the value of an attribute there, so rooms with the same values have a queue of their own: what
// is bad for now is passed over as a whole. Without GROUP_BY there is one.
type lanes struct {
	queues []queue
	*division
	best  heap // of lanes that are good for now, by the head of their queue
	rises int  // of the counters that GROUP_BY asks, when best was made
}

// queue is a set of rooms that gives the best one that fits.
type queue interface {
	head(*match, *shape) (key, bool)
	// changed is called for each room in which something was placed.
	changed(m *match, s *shape, at int32)
}

// division says which rooms have the same values of some attributes. Shapes share it.
type division struct {
	rooms [][]int32 // by lane
	lane  []int32   // by room; nil: there is one lane
	place []int32   // by room: where it is in rooms
}

// newLanes makes the queues of a shape.
func (m *match) newLanes(s *shape) *lanes {
	l := &lanes{division: m.divide(s), rises: -1}
	l.queues = make([]queue, len(l.rooms))
	if m.rule == inOrder || m.rule == emptiest {
		ladders := make([]ladder, len(l.rooms))
		for i, rooms := range l.rooms {
			ladders[i].rooms = rooms
			l.queues[i] = &ladders[i]
		}
		return l
	}
	piles := m.newPiles(s, l.division)
	for i := range piles {
		l.queues[i] = &piles[i]
	}
	return l
}

// divide gives the division by all attributes that the shape has GROUP_BY on.
func (m *match) divide(s *shape) *division {
	var id strings.Builder
	var values [][]int32
	for _, all := range [][]condition{s.fickle, s.ficklePreferences} {
		for i := range all {
			id.WriteString(all[i].counter.attribute.name + "\x00")
			values = append(values, all[i].values)
		}
	}
	if known := m.divisions[id.String()]; known != nil {
		return known
	}
	d := &division{rooms: [][]int32{m.everywhere}}
	if len(values) > 0 {
		d = &division{lane: make([]int32, len(m.rooms)), place: make([]int32, len(m.rooms))}
		known := make(map[string]int32)
		var b []byte
		for at := range m.rooms {
			b = b[:0]
			for _, v := range values {
				b = binary.BigEndian.AppendUint32(b, uint32(v[at]))
			}
			lane, found := known[string(b)]
			if !found {
				lane = int32(len(d.rooms))
				known[string(b)] = lane
				d.rooms = append(d.rooms, nil)
			}
			d.lane[at], d.place[at] = lane, int32(len(d.rooms[lane]))
			d.rooms[lane] = append(d.rooms[lane], int32(at))
		}
	}
	m.divisions[id.String()] = d
	return d
}

// choose gives the room for the next task of a shape, -1: there is none.
func (m *match) choose(s *shape) int32 {
	if s.lanes == nil {
		s.lanes = m.newLanes(s)
	}
	m.catchUp(s)
	l := s.lanes
	if l.lane == nil {
		if len(l.queues) > 0 {
			if k, ok := l.queues[0].head(m, s); ok {
				return k.room
			}
		}
		return -1
	}
	if now := s.rises(); now != l.rises {
		l.rises, l.best.entries = now, l.best.entries[:0]
		clear(l.best.at)
		for i := range l.queues {
			l.judge(m, s, int32(i))
		}
	}
	for len(l.best.entries) > 0 {
		top := l.best.entries[0]
		if now := l.judge(m, s, top.id); now && l.best.entries[0] == top {
			return top.room
		}
	}
	return -1
}

// catchUp tells the queues what changed since the shape's last turn.
func (m *match) catchUp(s *shape) {
	if m.rule == inOrder || m.rule == emptiest {
		return
	}
	l := s.lanes
	for ; s.seen < len(m.log); s.seen++ {
		at := m.log[s.seen].room
		if m.latest[at] != s.seen {
			continue // it comes again
		}
		lane := int32(0)
		if l.lane != nil {
			lane = l.lane[at]
		}
		l.queues[lane].changed(m, s, at)
		if l.lane != nil && l.rises >= 0 {
			l.judge(m, s, lane)
		}
	}
}

// judge looks at a lane and gives it its place, or none, among the good ones.
func (l *lanes) judge(m *match, s *shape, lane int32) bool {
	some := l.rooms[lane][0]
	for i := range s.fickle {
		if !s.fickle[i].holds(some) {
			l.best.remove(lane)
			return false
		}
	}
	k, ok := l.queues[lane].head(m, s)
	if !ok {
		l.best.remove(lane)
		return false
	}
	for i := range s.ficklePreferences {
		if !s.ficklePreferences[i].holds(some) {
			k.penalty++
		}
	}
	l.best.set(lane, k)
	return true
}

// rises sums up how often places became good again.
func (s *shape) rises() int {
	n := 0
	for _, all := range [][]condition{s.fickle, s.ficklePreferences} {
		for i := range all {
			n += all[i].counter.rises
		}
	}
	return n
}
