package taskmatcher

import (
	"cmp"
	"math"
	"slices"
)

// ladder is a queue of rooms for strategies whose scores are whole numbers that only grow within a
// cycle. All rooms begin on the lowest rung, in the cluster's order, and are judged when their turn comes: one
// that does not fit is left behind for good, one with a higher score goes up to its rung. So rooms that
// changed since need no attention, and a room costs no more than its changes.
type ladder struct {
	rooms  []int32 // the rung on which we are
	at     int     // those before are done with
	rung   int64
	higher []rung // ascending
}

type rung struct {
	level int64
	rooms []int32 // in the order in which they came up
}

// level of a room: unsatisfied preferences first, then the number of tasks for a strategy that spreads.
func (m *match) level(s *shape, at int32) int64 {
	level := int64(0)
	if s.tasks != nil {
		level = min(s.tasks[m.rooms[at].number], math.MaxInt32)
	}
	if len(s.preferences) > 0 {
		level += int64(s.penalty(at)) << 32
	}
	return level
}

func (l *ladder) head(m *match, s *shape) (key, bool) {
	for {
		for ; l.at < len(l.rooms); l.at++ {
			at := l.rooms[l.at]
			if !m.fits(s, at) {
				continue
			}
			now := m.level(s, at)
			if now == l.rung {
				return key{penalty: int32(now >> 32), score: float64(now & math.MaxInt32), room: at}, true
			}
			l.push(now, at)
		}
		if len(l.higher) == 0 {
			return key{}, false
		}
		l.rooms, l.rung, l.at = l.higher[0].rooms, l.higher[0].level, 0
		l.higher = slices.Delete(l.higher, 0, 1)
		slices.Sort(l.rooms)
	}
}

func (l *ladder) push(level int64, at int32) {
	i, found := slices.BinarySearchFunc(l.higher, level, func(r rung, level int64) int { return cmp.Compare(r.level, level) })
	if !found {
		l.higher = slices.Insert(l.higher, i, rung{level: level})
	}
	l.higher[i].rooms = append(l.higher[i].rooms, at)
}

func (*ladder) changed(*match, *shape, int32) {}
