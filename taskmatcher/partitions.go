package taskmatcher

import (
	"encoding/binary"
	"slices"
	"strings"
)

// queue is a set of candidates of which head returns the best one that fits, or false if none does.
type queue interface {
	head(*match, *class) (rank, bool)
	// changed is called for each candidate in match.changes.
	changed(m *match, c *class, at int32)
}

// partitioning divides the candidates into partitions: those in one partition have the same values of some attributes.
// Classes with GROUP_BY on the same attributes share it.
type partitioning struct {
	candidates  [][]int32 // by partition
	known       [][]int32 // by partition: what known agents offered last
	partitionOf []int32   // by candidate; nil: there is one partition
	indexIn     []int32   // by candidate: its index within its partition
}

// partitionedQueues are the queues of a class, one for each partition. GROUP_BY compares the values of an attribute. With
// the partitions this is done for all candidates with a value at once: the key of a partition is how many tasks have its
// value, for each GROUP_BY constraint. A class without GROUP_BY has one partition.
type partitionedQueues struct {
	queues []queue
	*partitioning
	ranked heap // partitions in which a candidate fits, by key and by the head of their queue
	built  bool // ranked was filled
	// expected are, by partition, known agents that may be waited for, if they fit; awaited are the partitions that
	// have some, by key.
	expected [][]int32
	awaited  heap
	least    []leastTasks // by GROUP_BY preference
}

// leastTasks finds the fewest tasks that a value has for which a candidate fits.
type leastTasks struct {
	partitions heap // by the number of tasks with their value
	tasks      int64
}

// newPartitionedQueues makes the queues of a class.
func (m *match) newPartitionedQueues(c *class) *partitionedQueues {
	pq := &partitionedQueues{least: make([]leastTasks, len(c.groupByPreferences))}
	pq.ranked.width, pq.awaited.width = len(c.groupBy), len(c.groupBy)
	if c.search != nil && (len(c.groupBy) == 0 || len(m.known) == 0) {
		return pq // it would not be used
	}
	pq.partitioning = m.partitioning(c)
	if len(c.groupBy) > 0 {
		pq.expect(m, c)
	}
	if c.search != nil {
		return pq
	}
	pq.queues = make([]queue, len(pq.candidates))
	if m.rule == ruleFirstFit || m.rule == ruleSpread {
		queues := make([]bucketQueue, len(pq.candidates))
		for i, candidates := range pq.candidates {
			queues[i].candidates = candidates
			pq.queues[i] = &queues[i]
		}
		return pq
	}
	if c.tasks == 1 && pq.partitionOf == nil {
		pq.queues[0] = scan(pq.candidates[0])
		return pq
	}
	queues := m.newScoredQueues(c, pq.partitioning)
	for i := range queues {
		pq.queues[i] = &queues[i]
	}
	return pq
}

// partitioning returns the partitions by all attributes for which a class has GROUP_BY.
func (m *match) partitioning(c *class) *partitioning {
	var id strings.Builder
	var values [][]int32
	for _, all := range [][]condition{c.groupBy, c.groupByPreferences} {
		for i := range all {
			id.WriteString(all[i].counter.attribute.name + "\x00")
			values = append(values, all[i].values)
		}
	}
	p := m.partitionings[id.String()]
	if p == nil {
		p = &partitioning{candidates: [][]int32{m.allCandidates}}
		if len(values) > 0 {
			p = m.newPartitioning(values)
		}
		m.partitionings[id.String()] = p
	}
	return p
}

// newPartitioning returns the partitions by the values of some attributes.
func (m *match) newPartitioning(values [][]int32) *partitioning {
	p := &partitioning{partitionOf: make([]int32, len(m.candidates)), indexIn: make([]int32, len(m.candidates))}
	byValues := make(map[string]int32)
	var b []byte
	for at := range m.candidates {
		b = b[:0]
		for _, v := range values {
			b = binary.BigEndian.AppendUint32(b, uint32(v[at]))
		}
		number, found := byValues[string(b)]
		if !found {
			number = int32(len(p.candidates))
			byValues[string(b)] = number
			p.candidates, p.known = append(p.candidates, nil), append(p.known, nil)
		}
		p.partitionOf[at] = number
		if at < len(m.allCandidates) {
			p.indexIn[at] = int32(len(p.candidates[number]))
			p.candidates[number] = append(p.candidates[number], int32(at))
		} else {
			p.known[number] = append(p.known[number], int32(at))
		}
	}
	return p
}

// choose returns the candidate for the next task of a class, or -1 if there is none.
func (m *match) choose(c *class) int32 {
	if c.queues == nil {
		c.queues = m.newPartitionedQueues(c)
	}
	if c.search != nil {
		return m.chooseInBlocks(c)
	}
	m.catchUp(c)
	pq := c.queues
	if pq.partitionOf == nil {
		if r, ok := pq.queues[0].head(m, c); ok {
			return r.candidate
		}
		return -1
	}
	pq.build(m, c)
	c.waits = false
	for len(pq.ranked.entries) > 0 {
		// The entry may be outdated, and its partition worse than it says.
		top := pq.ranked.entries[0]
		pq.ranked.setKeyed(top.id, c.key(pq.candidates[top.id][0]), top.rank)
		if pq.ranked.entries[0].id != top.id || !pq.update(m, c, top.id) || pq.ranked.entries[0].id != top.id {
			continue
		}
		awaited, found := pq.nextAwaited(m, c)
		if found && slices.Compare(pq.awaited.key(awaited), pq.ranked.key(top.id)) < 0 {
			c.waits = true
			return -1
		}
		return pq.ranked.entries[0].candidate
	}
	return -1
}

// catchUp passes the changes since the last turn of the class to the queues that need them.
func (m *match) catchUp(c *class) {
	if m.rule == ruleFirstFit || m.rule == ruleSpread {
		return
	}
	pq := c.queues
	for ; c.seenChanges < len(m.changes); c.seenChanges++ {
		at := m.changes[c.seenChanges].candidate
		if m.lastChange[at] != c.seenChanges {
			continue // the candidate occurs again later in the log
		}
		number := int32(0)
		if pq.partitionOf != nil {
			number = pq.partitionOf[at]
		}
		pq.queues[number].changed(m, c, at)
		if pq.built && pq.update(m, c, number) {
			pq.addLeast(c, number) // a filter may accept what it refused before
		}
	}
}

// build fills ranked, and does so again when the fewest tasks of a preference have changed: then the preference may hold
// where it did not before.
func (pq *partitionedQueues) build(m *match, c *class) {
	if !pq.built {
		for number := range pq.candidates {
			pq.addLeast(c, int32(number))
		}
	}
	if !pq.updateLeast(m, c) && pq.built {
		return
	}
	pq.built, pq.ranked.entries = true, pq.ranked.entries[:0]
	clear(pq.ranked.positions)
	for number := range pq.candidates {
		pq.update(m, c, int32(number))
	}
}

// update evaluates a partition and sets or removes its entry in ranked. It reports whether a candidate fits.
func (pq *partitionedQueues) update(m *match, c *class, number int32) bool {
	r, ok := pq.queues[number].head(m, c)
	if !ok {
		pq.ranked.remove(number)
		return false
	}
	for i := range c.groupByPreferences {
		if p := &c.groupByPreferences[i]; !p.holds(r.candidate) || p.tasks(r.candidate) != pq.least[i].tasks {
			r.penalty += c.weight
		}
	}
	pq.ranked.setKeyed(number, c.key(r.candidate), r)
	return true
}

// key returns how many tasks have the candidate's value, for each GROUP_BY constraint. The slice is valid until the
// next call.
func (c *class) key(at int32) []int64 {
	c.keyBuffer = c.keyBuffer[:0]
	for i := range c.groupBy {
		c.keyBuffer = append(c.keyBuffer, c.groupBy[i].tasks(at))
	}
	return c.keyBuffer
}
