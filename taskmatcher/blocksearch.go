package taskmatcher

import (
	"math"
	"slices"
)

// blockSearch finds the best candidate of a class in a blockList. Better is, in this order: a lower standing, less
// left of the resource, earlier in the cluster's order. The last two are the order of the list: of candidates with
// equal standings the first one is the best.
//
// A search goes through the blocks, from the first one with enough of the resource on. It passes over a block if it
// knows that no member is better than the best candidate so far. It knows that for good, since within a cycle things only
// get worse (see match.go), by
//
//   - block.most: some other resource is not enough in any member;
//   - floors: when the class last looked at all members, none that fits had a better standing. Standings only rise, what
//     does not fit never will, and members that leave do not matter: this holds until a candidate comes into the block.
//
// Within a block it passes over the candidates in dropped, which do not fit. It ends at the first candidate whose standing
// is that of the last search's result, as none can have a lower one now.
type blockSearch struct {
	list   *blockList
	lowest standing // the last search's result has it
	ranks  bool     // standings may differ
	// What earlier searches found out. It is kept from the second one on, since many classes have one task only.
	again   bool
	dropped []uint64 // by candidate, a bit each
	floors  []floor  // by number of the block; nothing is known about those for which there is none
}

// standing is what counts more than the order of the list: the tasks that have the candidate's value of the attribute for
// which the class has GROUP_BY, then its penalty. It only rises within a cycle.
type standing struct {
	tasks   int64
	penalty int32
}

func (s standing) below(other standing) bool {
	return s.tasks < other.tasks || s.tasks == other.tasks && s.penalty < other.penalty
}

// floor says that of the candidates that came into a block up to an arrival, see blockList.arrivals, none that fits has
// a standing below this one.
type floor struct {
	tasks   int64
	penalty int32
	arrival int32
}

// nowhere is the standing of no candidate.
func nowhere() standing { return standing{math.MaxInt64, math.MaxInt32} }

// newBlockSearch returns the search of a class, or nil if it needs queues: with several GROUP_BY constraints a standing
// would be several numbers, and with a GROUP_BY preference it may fall.
func (m *match) newBlockSearch(c *class) *blockSearch {
	if m.rule != ruleBestFit || len(c.groupBy) > 1 || len(c.groupByPreferences) > 0 {
		return nil
	}
	return &blockSearch{list: m.blocksOf(c.dominant), ranks: len(c.groupBy) > 0 || len(c.preferences) > 0 || c.weight > 1}
}

// best returns the best candidate for the next task of the class, or -1 if there is none.
func (s *blockSearch) best(m *match, c *class) int32 {
	s.list.catchUp(m)
	s.remember(m)
	best, lowest := int32(-1), nowhere()
	for _, number := range s.list.order[s.list.from(c.dominantAmount):] {
		b := &s.list.blocks[number]
		if !s.floor(number, b).below(lowest) || !b.mayFit(c) {
			continue
		}
		at, found := s.look(m, c, b)
		s.note(number, found)
		if at < 0 {
			b.tighten(m)
		} else if found.below(lowest) {
			if best, lowest = at, found; !s.lowest.below(found) {
				break
			}
		}
	}
	s.lowest = lowest
	return best
}

// look returns the best member of a block and its standing, or -1 and nowhere.
func (s *blockSearch) look(m *match, c *class, b *block) (best int32, lowest standing) {
	best, lowest = -1, nowhere()
	for _, each := range b.members {
		if s.isDropped(each.at) {
			continue
		}
		if !m.fits(c, each.at) {
			s.drop(each.at)
			continue
		}
		var now standing
		if s.ranks {
			now = m.standing(c, each.at)
		}
		if now.below(lowest) {
			if best, lowest = each.at, now; !s.lowest.below(now) {
				break
			}
		}
	}
	return best, lowest
}

// chooseInBlocks returns the candidate for the next task of a class, or -1 if there is none.
func (m *match) chooseInBlocks(c *class) int32 {
	at := c.search.best(m, c)
	c.waits = false
	if at >= 0 && len(c.groupBy) > 0 {
		awaited, found := c.queues.nextAwaited(m, c)
		c.waits = found && c.queues.awaited.key(awaited)[0] < c.search.lowest.tasks
	}
	if c.waits {
		return -1
	}
	return at
}

// standing returns the standing of a candidate that fits.
func (m *match) standing(c *class, at int32) standing {
	s := standing{penalty: m.penalty(c, at)}
	if len(c.groupBy) > 0 {
		s.tasks = c.groupBy[0].tasks(at)
	}
	return s
}

// remember makes room for what searches find out, if this is not the first one.
func (s *blockSearch) remember(m *match) {
	if !s.again {
		s.again = true
		return
	}
	if s.dropped == nil {
		s.dropped = make([]uint64, (len(m.allCandidates)+63)/64)
	}
	if missing := len(s.list.blocks) - len(s.floors); missing > 0 {
		s.floors = append(s.floors, make([]floor, missing)...)
	}
}

func (s *blockSearch) isDropped(at int32) bool {
	return s.dropped != nil && s.dropped[at/64]>>(at%64)&1 != 0
}

func (s *blockSearch) drop(at int32) {
	if s.dropped != nil {
		s.dropped[at/64] |= 1 << (at % 64)
	}
}

// floor returns a standing that no member of a block is below that fits.
func (s *blockSearch) floor(number int32, b *block) standing {
	if int(number) < len(s.floors) {
		if f := &s.floors[number]; f.arrival >= b.lastArrival {
			return standing{f.tasks, f.penalty}
		}
	}
	return standing{}
}

// note keeps what look found in a block.
func (s *blockSearch) note(number int32, found standing) {
	if int(number) < len(s.floors) {
		s.floors[number] = floor{found.tasks, found.penalty, s.list.arrivals}
	}
}

// from returns the place in order of the first block that has a member with so much left of the list's resource.
func (l *blockList) from(amount thousandths) int {
	return l.search(func(b *block) bool { return b.members[len(b.members)-1].left >= amount })
}

// mayFit reports whether each resource that a class needs may be enough in some member.
func (b *block) mayFit(c *class) bool {
	return !slices.ContainsFunc(c.needs, func(n need) bool { return n.amount > b.most[n.kind] })
}

// tighten makes most exact again if it changed often.
func (b *block) tighten(m *match) {
	if b.changes >= 8 {
		b.update(m)
	}
}
