package taskmatcher

import (
	"cmp"
	"slices"
)

// blockList is all candidates in the order of BestFit: by how much they have left of one resource, then in the cluster's
// order. All classes with the same dominant resource share it.
//
// A sorted slice of ten thousand candidates would be slow to keep in order, since each placement moves one. So it is cut
// into blocks of at most blockSize: a move touches two of them, and a search passes over most blocks after a look at what
// is noted for the whole block (search.go says what, and why that is exact):
//
//	order:    block 0            block 2                 block 1
//	members:  0.3@17  0.5@4   |  1.2@8  1.2@30  7.9@3  |  16.0@1  16.0@2 …
//	noted:    most 0.2 mem    |  most 512 mem          |  most 4096 mem
//
// The list reads match.changes from where it stopped, before each search. So a list that nobody searches costs nothing.
type blockList struct {
	resource dominantResource
	blocks   []block // by number
	order    []int32 // numbers of the blocks with members, in ascending order of these
	empty    []int32 // numbers of the blocks without
	blockOf  []int32 // by candidate: the number of its block
	seen     int     // how much of match.changes the list has seen
	arrivals int32   // how often a candidate came into a block
}

// block is a part of a blockList. It may be known by number: searches keep what they have found out about it.
type block struct {
	members     []member // in ascending order
	lastArrival int32    // blockList.arrivals when a candidate last came into this block; 0: never
	// most is, by kind of resource, an amount of which no member has more. It may be too high, since members are taken
	// out and use up what they have: changes says how often that happened since it was exact.
	most    []thousandths
	changes int32
}

// member is a candidate and what it has left of the list's resource.
type member struct {
	left thousandths
	at   int32
}

func (a member) compare(b member) int {
	return cmp.Or(cmp.Compare(a.left, b.left), cmp.Compare(a.at, b.at))
}

func (a member) before(b member) bool { return a.left < b.left || a.left == b.left && a.at < b.at }

// defaultBlockSize is the most members of a block. With ten thousand candidates there are some 160 to 320 blocks, so that neither
// a look at each block nor one at each member of a few blocks takes more than a microsecond.
const defaultBlockSize = 64

// blocksOf returns the list for a resource. A list that is first asked for between two placements begins with what is
// left then.
func (m *match) blocksOf(d dominantResource) *blockList {
	if known := m.blockLists[d]; known != nil {
		return known
	}
	items := make([]sortItem, len(m.allCandidates))
	for at := range items {
		items[at] = sortItem{uint64(m.amountLeft(int32(at), d)), int32(at)}
	}
	radixSort(items)
	l := &blockList{resource: d, blockOf: make([]int32, len(items)), seen: len(m.changes)}
	members := make([]member, len(items))
	for i, item := range items {
		members[i] = member{thousandths(item.by), item.at}
	}
	for chunk := range slices.Chunk(members, m.blockSize) {
		number := l.newBlock(m)
		l.order = append(l.order, number)
		l.blocks[number].members = chunk
		l.settle(number)
		l.blocks[number].update(m)
	}
	m.blockLists[d] = l
	return l
}

// newBlock returns the number of a block without members.
func (l *blockList) newBlock(m *match) int32 {
	if last := len(l.empty) - 1; last >= 0 {
		number := l.empty[last]
		l.empty = l.empty[:last]
		return number
	}
	l.blocks = append(l.blocks, block{most: make([]thousandths, len(m.kinds))})
	return int32(len(l.blocks) - 1)
}

// settle records that all members of a block are in it.
func (l *blockList) settle(number int32) {
	for _, each := range l.blocks[number].members {
		l.blockOf[each.at] = number
	}
}

// update makes most exact.
func (b *block) update(m *match) {
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
		if m.lastChange[at] == l.seen { // otherwise the candidate occurs again later in the log
			l.move(m, at)
		}
	}
}

// move brings a candidate, of which something was taken, to its place, which is never further up.
func (l *blockList) move(m *match, at int32) {
	from := l.blockOf[at]
	b := &l.blocks[from]
	b.changes++
	i := slices.IndexFunc(b.members, func(each member) bool { return each.at == at })
	now := member{m.amountLeft(at, l.resource), at}
	if from == l.order[0] || i > 0 && b.members[0].before(now) { // it stays in the block
		for ; i > 0 && now.before(b.members[i-1]); i-- {
			b.members[i] = b.members[i-1]
		}
		b.members[i] = now
		return
	}
	if b.members = slices.Delete(b.members, i, i+1); len(b.members) == 0 {
		l.order = slices.DeleteFunc(l.order, func(number int32) bool { return number == from })
		l.empty = append(l.empty, from)
	}
	l.insert(m, now)
}

// insert adds a candidate to the block that it belongs to: the last one that begins before it.
func (l *blockList) insert(m *match, now member) {
	place := l.search(func(b *block) bool { return now.before(b.members[0]) })
	number := l.order[max(place-1, 0)]
	if len(l.blocks[number].members) == m.blockSize {
		l.split(m, max(place-1, 0))
		l.insert(m, now)
		return
	}
	b := &l.blocks[number]
	i, _ := slices.BinarySearchFunc(b.members, now, member.compare)
	b.members = slices.Insert(b.members, i, now)
	b.include(m, now.at)
	l.blockOf[now.at] = number
	l.arrived(b)
}

// arrived notes that a block has members that were not in it before, so that what a search knows of it no longer holds.
func (l *blockList) arrived(b *block) {
	l.arrivals++
	b.lastArrival = l.arrivals
}

// split moves the upper half of a block's members into a block of their own.
func (l *blockList) split(m *match, place int) {
	number := l.newBlock(m)
	l.order = slices.Insert(l.order, place+1, number)
	lower, upper := &l.blocks[l.order[place]], &l.blocks[number]
	half := len(lower.members) / 2
	upper.members = append(make([]member, 0, m.blockSize), lower.members[half:]...)
	lower.members = lower.members[:half]
	l.settle(number)
	l.arrived(upper)
	lower.update(m)
	upper.update(m)
}

// search returns the place in order of the first block for which a condition holds, which then must hold for all after it.
func (l *blockList) search(holds func(*block) bool) int {
	place, _ := slices.BinarySearchFunc(l.order, 0, func(number int32, _ int) int {
		if holds(&l.blocks[number]) {
			return 1
		}
		return -1
	})
	return place
}
