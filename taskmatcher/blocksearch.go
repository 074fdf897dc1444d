package taskmatcher

import (
	"math"
	"slices"
)

// blockSearch finds the best candidate of a class in a blockList. It goes through the blocks of a lane, from the first one
// with enough of the resource on, and passes over a block if it knows that no member is better than the best candidate so
// far. It knows that for good, since within a cycle things only get worse (see match.go), by
//
//   - block.most: of some other resource no member has enough;
//   - floors: when the class last looked at the members, none that fits had a better standing. Standings only rise, what
//     does not fit never will, and members that leave do not matter: this holds until a candidate comes into the block.
//
// Within a block it passes over the candidates in dropped, which do not fit. It leaves a lane at the first candidate whose
// standing is that of the last search's result: none can be lower now, and of equal standings the first one is the best.
type blockSearch struct {
	list   *blockList
	lowest standing // the last search's result has it
	ranks  bool     // standings may differ
	// What earlier searches found out. It is kept from the second one on, since many classes have one task only.
	again   bool
	dropped []uint64 // by candidate, a bit each
	floors  []floor  // by number of the block; nothing is known about those for which there is none
	closed  []bool   // by lane: no member fits
}

// standing is what counts more than the order of the list: the tasks that have the candidate's value of the attribute for
// which the class has GROUP_BY, then its penalty. It only rises within a cycle.
type standing struct {
	tasks   int64
	penalty int32
}

// floor is a standing that none is below of the candidates that fit and came into a block up to an arrival, see
// blockList.arrivals.
type floor struct {
	tasks   int64
	penalty int32
	arrival int32
}

func (s standing) below(other standing) bool {
	return s.tasks < other.tasks || s.tasks == other.tasks && s.penalty < other.penalty
}

// found is a candidate that a search may return.
type found struct {
	standing
	sortItem
}

// nothing is no candidate; all are better.
func nothing() found {
	return found{standing{math.MaxInt64, math.MaxInt32}, sortItem{0, -1}}
}

func (f found) better(than found) bool {
	return f.below(than.standing) || f.standing == than.standing && f.before(than.sortItem)
}

// newBlockSearch returns the search of a class, or nil if it needs queues: with several GROUP_BY constraints a standing
// would be several numbers, and with a GROUP_BY preference it may fall.
func (m *match) newBlockSearch(c *class) *blockSearch {
	if len(c.groupBy) > 1 || len(c.groupByPreferences) > 0 {
		return nil
	}
	var groupBy *attribute
	if len(c.groupBy) > 0 {
		groupBy = c.groupBy[0].counter.attribute
	}
	s := &blockSearch{list: m.blocksOf(c.dominant, groupBy), ranks: groupBy != nil || len(c.preferences) > 0 || c.weight > 1}
	s.closed = make([]bool, len(s.list.lanes))
	return s
}

// chooseInBlocks returns the candidate for the next task of a class, or -1 if there is none.
func (m *match) chooseInBlocks(c *class) int32 {
	s := c.search
	s.list.catchUp(m)
	s.remember(m)
	best := s.best(m, c)
	s.lowest, c.waits = best.standing, false
	if best.at >= 0 && len(c.groupBy) > 0 {
		awaited, found := c.queues.nextAwaited(m, c)
		c.waits = found && c.queues.awaited.key(awaited)[0] < best.tasks
	}
	if c.waits {
		return -1
	}
	return best.at
}

// best returns the best candidate for the next task of a class. If there is a lane for each value of GROUP_BY, it is in
// one of those with the fewest tasks among the lanes where a candidate fits.
func (s *blockSearch) best(m *match, c *class) found {
	best := nothing()
	if len(s.list.lanes) == 1 {
		s.searchLane(m, c, 0, &best)
		return best
	}
	tasks := c.groupBy[0].counter.tasks[:len(s.list.lanes)]
	for best.at < 0 {
		fewest := int64(math.MaxInt64)
		for lane, n := range tasks {
			if n < fewest && !s.closed[lane] {
				fewest = n
			}
		}
		if fewest == math.MaxInt64 {
			break
		}
		if s.lowest.tasks < fewest {
			s.lowest = standing{tasks: fewest}
		}
		for lane, n := range tasks {
			if n == fewest && !s.closed[lane] {
				s.searchLane(m, c, lane, &best)
				s.closed[lane] = best.at < 0
			}
		}
	}
	return best
}

// searchLane replaces best by the best candidate of a lane, if that is better.
func (s *blockSearch) searchLane(m *match, c *class, lane int, best *found) {
	order := s.list.lanes[lane]
	for _, number := range order[s.list.from(order, c.dominantAmount):] {
		b := &s.list.blocks[number]
		first := b.members[0]
		if !(found{s.lowest, first}).better(*best) {
			return // nor is any of a later block
		}
		if !(found{s.floor(number, b), first}).better(*best) || !b.mayFit(c) {
			continue
		}
		before := best.at
		s.note(number, s.look(m, c, b, best))
		if best.at == before {
			b.tighten(m)
		}
	}
}

// look replaces best by the best member of a block, if that is better. It returns a standing that no member is below
// that fits.
func (s *blockSearch) look(m *match, c *class, b *block, best *found) standing {
	least := nothing().standing
	for _, each := range b.members {
		if s.isDropped(each.at) {
			continue
		}
		now := found{sortItem: each}
		if s.ranks {
			now.standing = m.standing(c, each.at)
		}
		better := now.better(*best)
		if better && !m.fits(c, each.at) {
			s.drop(each.at)
			continue
		}
		if now.below(least) {
			least = now.standing
		}
		if better {
			if *best = now; !s.lowest.below(now.standing) {
				break
			}
		}
	}
	return least
}

// standing returns the standing of a candidate, or that of nothing if it lacks the attribute of GROUP_BY.
func (m *match) standing(c *class, at int32) standing {
	if len(c.groupBy) == 0 {
		return standing{penalty: m.penalty(c, at)}
	}
	if c.groupBy[0].values[at] < 0 {
		return nothing().standing
	}
	return standing{c.groupBy[0].tasks(at), m.penalty(c, at)}
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

// note keeps what look returned for a block.
func (s *blockSearch) note(number int32, least standing) {
	if int(number) < len(s.floors) {
		s.floors[number] = floor{least.tasks, least.penalty, s.list.arrivals}
	}
}

// from returns the place in a lane of the first block that has a member with so much left of the list's resource.
func (l *blockList) from(lane []int32, amount thousandths) int {
	return l.search(lane, func(b *block) bool { return b.members[len(b.members)-1].by >= uint64(amount) })
}

// mayFit reports whether each resource that a class needs may be enough in some member.
func (b *block) mayFit(c *class) bool {
	return b.most == nil || !slices.ContainsFunc(c.needs, func(n need) bool { return n.amount > b.most[n.kind] })
}
