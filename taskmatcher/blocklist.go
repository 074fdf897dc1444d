package taskmatcher

import "slices"

// blockList is candidates in the order of BestFit: by how much they have left of one resource, then in the cluster's order.
// All classes with the same dominant resource share it.
//
// A sorted slice of ten thousand candidates would be slow to keep in order, since each placement moves one. So it is cut
// into blocks: a move touches two of them, and a search (blocksearch.go) passes over most after a look at what is known
// of the whole block:
//
//	lane:     block 0             block 2                 block 1
//	members:  0.3@17  0.5@4    |  1.2@8  1.2@30  7.9@3  |  16.0@1  16.0@2 …      what is left @ candidate
//	most:     cpus 0.5 mem 64  |  cpus 7.9 mem 512      |  cpus 64.0 mem 4096
//
// For classes with GROUP_BY there is a lane for each value of the attribute: of forty racks the one with the fewest tasks
// is wanted, and its candidates are scattered over all the blocks of a single lane. If an attribute has so many values
// that most lanes would be shorter than a block, one lane has all candidates.
//
// The list reads match.changes from where it stopped, before each search. So a list that nobody searches costs nothing.
type blockList struct {
	resource dominantResource
	lanes    [][]int32 // numbers of the blocks with members, in ascending order of these
	laneOf   []int32   // by candidate: its lane, -1: none; nil: there is one lane
	blocks   []block   // by number
	empty    []int32   // numbers of the blocks without members
	blockOf  []int32   // by candidate: the number of its block
	seen     int       // how much of match.changes the list has seen
	arrivals int32     // how often candidates came into a block
}

// block is a part of a lane. Searches know it by its number, and keep what they found out about it.
type block struct {
	members     []sortItem // in ascending order; what they are sorted by is what is left
	lastArrival int32      // blockList.arrivals when a candidate last came into this block; 0: never
	// most is, by kind of resource, an amount of which no member has more; nil: not known yet. It may be too high, since
	// members leave and use up what they have: changes says how often that happened since it was exact.
	most    []thousandths
	changes int32
}

// defaultBlockSize is the most members of a block. Ten thousand candidates are in some 160 to 320 blocks, so that a search
// that looks at each block and at the members of a few has about as much to do with either. Other sizes were not compared.
const defaultBlockSize = 64

type blockListKey struct {
	dominantResource
	attribute *attribute
}

// blocksOf returns the list for a resource, with lanes by the values of an attribute unless that is nil.
func (m *match) blocksOf(d dominantResource, a *attribute) *blockList {
	if a != nil && int(a.candidateValues)*m.blockSize > len(m.allCandidates) {
		a = nil
	}
	key := blockListKey{d, a}
	if known := m.blockLists[key]; known != nil {
		return known
	}
	sorted := make([]sortItem, len(m.allCandidates))
	for at := range sorted {
		sorted[at] = sortItem{uint64(m.amountLeft(int32(at), d)), int32(at)}
	}
	radixSort(sorted, m.sortSpace)
	l := &blockList{resource: d, lanes: make([][]int32, 1), blockOf: make([]int32, len(sorted)), seen: len(m.changes)}
	if a == nil {
		l.fillLane(m, 0, sorted)
	} else {
		l.lanes, l.laneOf = make([][]int32, a.candidateValues), a.byCandidate
		for lane, members := range l.divide(sorted) {
			l.fillLane(m, lane, members)
		}
	}
	m.blockLists[key] = l
	return l
}

// divide divides candidates by lane.
func (l *blockList) divide(sorted []sortItem) [][]sortItem {
	lanes, sizes := make([][]sortItem, len(l.lanes)), make([]int, len(l.lanes))
	for _, item := range sorted {
		if lane := l.laneOf[item.at]; lane >= 0 {
			sizes[lane]++
		}
	}
	for lane, size := range sizes {
		lanes[lane] = make([]sortItem, 0, size)
	}
	for _, item := range sorted {
		if lane := l.laneOf[item.at]; lane >= 0 {
			lanes[lane] = append(lanes[lane], item)
		}
	}
	return lanes
}

// fillLane makes the blocks of a lane.
func (l *blockList) fillLane(m *match, lane int, members []sortItem) {
	for chunk := range slices.Chunk(members, m.blockSize) {
		number := l.newBlock()
		l.lanes[lane] = append(l.lanes[lane], number)
		l.fill(number, chunk)
	}
}

// lane returns the lane of a candidate, or -1 if it is in none, as it lacks the attribute.
func (l *blockList) lane(at int32) int32 {
	if l.laneOf == nil {
		return 0
	}
	return l.laneOf[at]
}

// newBlock returns the number of a block without members.
func (l *blockList) newBlock() int32 {
	if last := len(l.empty) - 1; last >= 0 {
		number := l.empty[last]
		l.empty = l.empty[:last]
		return number
	}
	l.blocks = append(l.blocks, block{})
	return int32(len(l.blocks) - 1)
}

// fill sets the members of a block.
func (l *blockList) fill(number int32, members []sortItem) {
	for _, each := range members {
		l.blockOf[each.at] = number
	}
	l.blocks[number] = block{members: members, lastArrival: l.blocks[number].lastArrival}
}

// tighten makes most exact. It does so if that seems worth a look at all members.
func (b *block) tighten(m *match) {
	if b.most != nil && b.changes < 8 {
		return
	}
	if b.most == nil {
		b.most = make([]thousandths, len(m.kinds))
	}
	clear(b.most)
	for _, each := range b.members {
		b.include(m, each.at)
	}
	b.changes = 0
}

// include raises most to what a candidate has.
func (b *block) include(m *match, at int32) {
	for kind := range b.most {
		free, revocable := m.amount(at, kind)
		b.most[kind] = max(b.most[kind], free, revocable)
	}
}

// catchUp moves the candidates that changed since it was last called.
func (l *blockList) catchUp(m *match) {
	for ; l.seen < len(m.changes); l.seen++ {
		at := m.changes[l.seen].candidate
		if m.lastChange[at] == l.seen && l.lane(at) >= 0 { // or it occurs again later in the log
			l.move(m, at)
		}
	}
}

// move brings a candidate, of which something was taken, to its place, which is never further up.
func (l *blockList) move(m *match, at int32) {
	lane, from := &l.lanes[l.lane(at)], l.blockOf[at]
	b := &l.blocks[from]
	b.changes++
	i := slices.IndexFunc(b.members, func(each sortItem) bool { return each.at == at })
	now := sortItem{uint64(m.amountLeft(at, l.resource)), at}
	if from == (*lane)[0] || i > 0 && b.members[0].before(now) { // it stays in the block
		for ; i > 0 && now.before(b.members[i-1]); i-- {
			b.members[i] = b.members[i-1]
		}
		b.members[i] = now
		return
	}
	if b.members = slices.Delete(b.members, i, i+1); len(b.members) == 0 {
		*lane = slices.DeleteFunc(*lane, func(number int32) bool { return number == from })
		l.empty = append(l.empty, from)
	}
	l.insert(m, lane, now)
}

// insert adds a candidate to the block of a lane that it belongs to: the last one that begins before it.
func (l *blockList) insert(m *match, lane *[]int32, now sortItem) {
	place := max(l.search(*lane, func(b *block) bool { return now.before(b.members[0]) })-1, 0)
	number := (*lane)[place]
	if len(l.blocks[number].members) == m.blockSize {
		l.split(m, lane, place)
		l.insert(m, lane, now)
		return
	}
	b := &l.blocks[number]
	i, _ := slices.BinarySearchFunc(b.members, now, sortItem.compare)
	b.members = slices.Insert(b.members, i, now)
	b.include(m, now.at)
	l.blockOf[now.at] = number
	l.arrived(number)
}

// arrived notes that a block has new members, so that what searches found out about it no longer holds.
func (l *blockList) arrived(number int32) {
	l.arrivals++
	l.blocks[number].lastArrival = l.arrivals
}

// split moves the upper half of a block's members into a block of their own.
func (l *blockList) split(m *match, lane *[]int32, place int) {
	number := l.newBlock()
	*lane = slices.Insert(*lane, place+1, number)
	lower := &l.blocks[(*lane)[place]]
	half := len(lower.members) / 2
	l.fill(number, append(make([]sortItem, 0, m.blockSize), lower.members[half:]...))
	l.arrived(number)
	lower.members = lower.members[:half]
}

// search returns the place in a lane of the first block for which a condition holds, which must hold for all after it.
func (l *blockList) search(lane []int32, holds func(*block) bool) int {
	place, _ := slices.BinarySearchFunc(lane, 0, func(number int32, _ int) int {
		if holds(&l.blocks[number]) {
			return 1
		}
		return -1
	})
	return place
}
