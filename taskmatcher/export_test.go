package taskmatcher

import (
	"fmt"
	"slices"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// InBlocks is BestFit with block lists of small blocks, so that few agents make many.
type InBlocks struct{ Size int }

func (f InBlocks) Match(cycle task.Cycle) ([]task.Placement, []task.Rejection) {
	return strategy{rule: ruleBestFit, blockSize: f.Size}.run(cycle)
}

// Blocks says what is to be seen of block lists while tasks are placed.
type Blocks struct{ Lanes, Splits, Emptied, Dropped, Floors, Closed int }

// Check places the tasks of a cycle one by one. After each it checks all that block lists and searches claim to know, by
// looking at all candidates. If fault is not nil, it is called before each check, to see that the check finds it.
func (f InBlocks) Check(cycle task.Cycle, fault func(*Knowledge)) (seen Blocks, err error) {
	m, classOf := strategy{rule: ruleBestFit, blockSize: f.Size}.prepare(&cycle)
	for i, number := range classOf {
		m.tryPlace(i, m.classes[number])
		for _, l := range m.blockLists {
			l.catchUp(m)
		}
		if fault != nil {
			fault(&Knowledge{m})
		}
		for _, l := range m.blockLists {
			if err := l.check(m); err != nil {
				return seen, fmt.Errorf("task %d: %w", i, err)
			}
		}
		for _, c := range m.classes {
			if c.search != nil {
				if err := c.search.check(m, c, &seen); err != nil {
					return seen, fmt.Errorf("task %d: class %d: %w", i, c.number, err)
				}
			}
		}
	}
	for _, l := range m.blockLists {
		if len(l.lanes) > 1 {
			seen.Lanes++
		}
		seen.Emptied += len(l.empty)
		seen.Splits += max(len(l.blocks)-(len(m.allCandidates)+f.Size-1)/f.Size-len(l.lanes), 0)
	}
	return seen, nil
}

// check compares a list with the candidates: each is in its lane once, in order, and no block promises too little.
func (l *blockList) check(m *match) error {
	listed := 0
	for lane, order := range l.lanes {
		last := sortItem{0, -1}
		for _, number := range order {
			b := &l.blocks[number]
			if len(b.members) == 0 || len(b.members) > m.blockSize {
				return fmt.Errorf("block %d has %d members", number, len(b.members))
			}
			for _, each := range b.members {
				listed++
				switch {
				case !last.before(each):
					return fmt.Errorf("lane %d is not in order at %v", lane, each)
				case l.blockOf[each.at] != number || int(l.lane(each.at)) != lane:
					return fmt.Errorf("candidate %d is in block %d of lane %d", each.at, number, lane)
				case each.by != uint64(m.amountLeft(each.at, l.resource)):
					return fmt.Errorf("candidate %d does not have %d", each.at, each.by)
				}
				for kind := range b.most {
					if free, revocable := m.amount(each.at, kind); max(free, revocable) > b.most[kind] {
						return fmt.Errorf("candidate %d has more %s than block %d", each.at, m.kinds[kind], number)
					}
				}
				last = each
			}
		}
	}
	all := slices.DeleteFunc(slices.Clone(m.allCandidates), func(at int32) bool { return l.lane(at) < 0 })
	if listed != len(all) {
		return fmt.Errorf("%d of %d candidates", listed, len(all))
	}
	return nil
}

// check compares what a search knows with the candidates.
func (s *blockSearch) check(m *match, c *class, seen *Blocks) error {
	for lane, order := range s.list.lanes {
		if s.closed[lane] {
			seen.Closed++
		}
		for _, number := range order {
			b := &s.list.blocks[number]
			floor := s.floor(number, b)
			if floor != (standing{}) {
				seen.Floors++
			}
			for _, each := range b.members {
				if s.isDropped(each.at) {
					seen.Dropped++
				}
				if !m.fits(c, each.at) {
					continue
				}
				now := m.standing(c, each.at)
				switch {
				case s.closed[lane]:
					return fmt.Errorf("candidate %d fits in closed lane %d", each.at, lane)
				case s.isDropped(each.at):
					return fmt.Errorf("candidate %d was dropped and fits", each.at)
				case now.below(floor):
					return fmt.Errorf("candidate %d is below the floor of block %d", each.at, number)
				case now.below(s.lowest):
					return fmt.Errorf("candidate %d is below the lowest standing", each.at)
				case !b.mayFit(c):
					return fmt.Errorf("candidate %d fits in block %d, which has not enough", each.at, number)
				}
			}
		}
	}
	return nil
}

// Knowledge is what block lists and searches know, to be falsified.
type Knowledge struct{ m *match }

// Faults returns ways to falsify it, by name. Each does so whenever it can.
func Faults() map[string]func(*Knowledge) {
	lists := func(falsify func(*blockList, *block)) func(*Knowledge) {
		return func(k *Knowledge) {
			for _, l := range k.m.blockLists {
				for _, order := range l.lanes {
					for _, number := range order {
						falsify(l, &l.blocks[number])
					}
				}
			}
		}
	}
	searches := func(falsify func(*blockSearch)) func(*Knowledge) {
		return func(k *Knowledge) {
			for _, c := range k.m.classes {
				if c.search != nil && len(c.search.list.lanes) > 0 && len(c.search.list.lanes[0]) > 0 {
					falsify(c.search)
				}
			}
		}
	}
	return map[string]func(*Knowledge){
		"out of order":              lists(func(_ *blockList, b *block) { slices.Reverse(b.members) }),
		"a candidate is missing":    lists(func(_ *blockList, b *block) { b.members = b.members[:max(len(b.members)-1, 1)] }),
		"in another block":          lists(func(l *blockList, b *block) { l.blockOf[b.members[0].at]++ }),
		"the amount is old":         lists(func(_ *blockList, b *block) { b.members[len(b.members)-1].by++ }),
		"most is too low":           lists(func(_ *blockList, b *block) { clear(b.most) }),
		"nobody told of an arrival": lists(func(_ *blockList, b *block) { b.lastArrival = 0 }),
		"a floor is too high":       searches(func(s *blockSearch) { s.note(s.list.lanes[0][0], nothing().standing) }),
		"candidates are dropped": searches(func(s *blockSearch) {
			for at := range int32(len(s.list.blockOf)) {
				s.drop(at)
			}
		}),
		"a lane is closed":             searches(func(s *blockSearch) { s.closed[0] = true }),
		"the lowest standing is wrong": searches(func(s *blockSearch) { s.lowest.tasks++ }),
	}
}
