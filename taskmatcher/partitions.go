package taskmatcher

import (
	"encoding/binary"
	"strings"
)

// queue is a set of candidates of which head returns the best one that fits, or false if none does.
type queue interface {
	head(*match, *class) (rank, bool)
	// changed is called for each candidate in match.changes.
	changed(m *match, c *class, at int32)
}

// partitioning divides the candidates into partitions: those in one partition have the same values of some attributes.
// Classes with reversible conditions on the same attributes share it.
type partitioning struct {
	candidates  [][]int32 // by partition
	partitionOf []int32   // by candidate; nil: there is one partition
	indexIn     []int32   // by candidate: its index within its partition
}

// partitionedQueues are the queues of a class, one for each partition. A reversible condition (GROUP_BY) may become
// true and false again and again, depending on the value of an attribute, and with the partitions it is
// evaluated for all candidates with this value at once. A class without such conditions has one partition.
type partitionedQueues struct {
	queues []queue
	*partitioning
	eligible heap // partitions whose reversible constraints hold, by the head of their queue
	recounts int  // class.recounts when eligible was built, -1: it is not built yet
}

// newPartitionedQueues makes the queues of a class.
func (m *match) newPartitionedQueues(c *class) *partitionedQueues {
	pq := &partitionedQueues{partitioning: m.partitioning(c), recounts: -1}
	pq.queues = make([]queue, len(pq.candidates))
	if m.rule == ruleFirstFit || m.rule == ruleSpread {
		queues := make([]bucketQueue, len(pq.candidates))
		for i, candidates := range pq.candidates {
			queues[i].candidates = candidates
			pq.queues[i] = &queues[i]
		}
		return pq
	}
	queues := m.newScoredQueues(c, pq.partitioning)
	for i := range queues {
		pq.queues[i] = &queues[i]
	}
	return pq
}

// partitioning returns the partitions by all attributes for which a class has reversible conditions.
func (m *match) partitioning(c *class) *partitioning {
	var id strings.Builder
	var values [][]int32
	for _, all := range [][]condition{c.reversible, c.reversiblePreferences} {
		for i := range all {
			id.WriteString(all[i].counter.attribute.name + "\x00")
			values = append(values, all[i].values)
		}
	}
	if known := m.partitionings[id.String()]; known != nil {
		return known
	}
	p := &partitioning{candidates: [][]int32{m.allCandidates}}
	if len(values) > 0 {
		p = &partitioning{partitionOf: make([]int32, len(m.candidates)), indexIn: make([]int32, len(m.candidates))}
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
				p.candidates = append(p.candidates, nil)
			}
			p.partitionOf[at], p.indexIn[at] = number, int32(len(p.candidates[number]))
			p.candidates[number] = append(p.candidates[number], int32(at))
		}
	}
	m.partitionings[id.String()] = p
	return p
}

// choose returns the candidate for the next task of a class, or -1 if there is none.
func (m *match) choose(c *class) int32 {
	if c.queues == nil {
		c.queues = m.newPartitionedQueues(c)
	}
	m.catchUp(c)
	pq := c.queues
	if pq.partitionOf == nil {
		if len(pq.queues) > 0 {
			if r, ok := pq.queues[0].head(m, c); ok {
				return r.candidate
			}
		}
		return -1
	}
	if now := c.recounts(); now != pq.recounts {
		pq.recounts, pq.eligible.entries = now, pq.eligible.entries[:0]
		clear(pq.eligible.positions)
		for i := range pq.queues {
			pq.update(m, c, int32(i))
		}
	}
	for len(pq.eligible.entries) > 0 {
		// The entry may be outdated, and its partition worse than it says.
		top := pq.eligible.entries[0]
		if ok := pq.update(m, c, top.id); ok && pq.eligible.entries[0] == top {
			return top.candidate
		}
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
		if pq.partitionOf != nil && pq.recounts >= 0 {
			pq.update(m, c, number)
		}
	}
}

// update evaluates a partition and sets or removes its entry in eligible. It reports whether the partition is eligible.
func (pq *partitionedQueues) update(m *match, c *class, number int32) bool {
	representative := pq.candidates[number][0] // reversible conditions are the same for all in the partition
	for i := range c.reversible {
		if !c.reversible[i].holds(representative) {
			pq.eligible.remove(number)
			return false
		}
	}
	r, ok := pq.queues[number].head(m, c)
	if !ok {
		pq.eligible.remove(number)
		return false
	}
	for i := range c.reversiblePreferences {
		if !c.reversiblePreferences[i].holds(representative) {
			r.penalty += c.weight
		}
	}
	pq.eligible.set(number, r)
	return true
}

// recounts returns how often reversible conditions of the class may have become true again.
func (c *class) recounts() int {
	n := 0
	for _, all := range [][]condition{c.reversible, c.reversiblePreferences} {
		for i := range all {
			n += all[i].counter.recounts
		}
	}
	return n
}
