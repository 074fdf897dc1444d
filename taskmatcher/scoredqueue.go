package taskmatcher

import "math"

// scoredQueue is a queue for scores of any kind: a heap of candidates. Candidates that changed must be scored again, by
// changed, before head is called.
type scoredQueue struct {
	heap heap
	ids  []int32 // by candidate: its ID on the heap; nil: its index
}

// newScoredQueues returns a queue for each partition.
func (m *match) newScoredQueues(c *class, p *partitioning) []scoredQueue {
	queues := make([]scoredQueue, len(p.candidates))
	// The heaps share two arrays.
	entries, positions := make([]entry, len(m.candidates)), make([]int32, len(m.candidates))
	for i, candidates := range p.candidates {
		n := len(candidates)
		q := &queues[i]
		q.ids, q.heap = p.indexIn, heap{entries: entries[:0:n], positions: positions[:n:n]}
		entries, positions = entries[n:], positions[n:]
		for id, at := range candidates {
			if r, ok := m.evaluate(c, at); ok {
				q.heap.entries = append(q.heap.entries, entry{r, int32(id)})
			}
		}
		q.heap.build()
	}
	c.seenChanges = len(m.changes)
	return queues
}

// id returns the ID of a candidate on the heap.
func (q *scoredQueue) id(at int32) int32 {
	if q.ids != nil {
		return q.ids[at]
	}
	return at
}

func (q *scoredQueue) changed(m *match, c *class, at int32) {
	if r, ok := m.evaluate(c, at); ok {
		q.heap.set(q.id(at), r)
	} else {
		q.heap.remove(q.id(at))
	}
}

func (q *scoredQueue) head(m *match, c *class) (rank, bool) {
	// A placement elsewhere may have changed conditions that count tasks: check the top of the heap again.
	for len(q.heap.entries) > 0 {
		top := q.heap.entries[0]
		if !m.fits(c, top.candidate) {
			q.heap.remove(top.id)
			continue
		}
		if penalty := m.penalty(c, top.candidate); penalty != top.penalty {
			top.penalty = penalty
			q.heap.set(top.id, top.rank)
			continue
		}
		break
	}
	if len(q.heap.entries) == 0 {
		return rank{}, false
	}
	return q.heap.entries[0].rank, true
}

// evaluate returns the rank of a candidate, or false if the class cannot use it. This is where a user's filter and
// score are called.
func (m *match) evaluate(c *class, at int32) (rank, bool) {
	if !m.fits(c, at) {
		return rank{}, false
	}
	r := rank{candidate: at, penalty: m.penalty(c, at)}
	switch {
	case m.rule == ruleBestFit:
		r.score = float64(m.amountLeft(at, c.dominant))
	case m.filter != nil && !m.filter(c.spec, m.viewOf(at)):
		return rank{}, false
	case m.score != nil:
		if r.score = m.score(c.spec, m.viewOf(at)); math.IsNaN(r.score) {
			r.score = math.Inf(1)
		}
	}
	return r, true
}

// scan is a queue for a class of one task, for which a heap is not worth making: it looks at all candidates.
type scan []int32

func (s scan) head(m *match, c *class) (best rank, found bool) {
	for _, at := range s {
		if r, ok := m.evaluate(c, at); ok && (!found || r.before(best)) {
			best, found = r, true
		}
	}
	return best, found
}

func (scan) changed(*match, *class, int32) {}
