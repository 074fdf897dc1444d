package taskmatcher

import (
	"cmp"
	"math"
	"slices"
)

// bucketQueue is a queue for strategies whose scores are whole numbers that only grow within a cycle. Candidates with
// the same level are in one bucket. At first all candidates are in the lowest bucket, unchecked, in the cluster's
// order. A candidate is checked when its turn comes: one that does not fit is dropped for good, and one with a
// higher level moves to the bucket of that level. So the queue needs no notice of changes, and in total a
// candidate costs no more than the changes of its level.
type bucketQueue struct {
	candidates []int32  // the current bucket
	next       int      // those before it are dropped or moved
	level      int64    // of the current bucket
	higher     []bucket // in ascending order of level
}

type bucket struct {
	level      int64
	candidates []int32 // in the order in which they were added
}

// bucketLevel returns the level of a candidate: the penalty in the upper 32 bits, and for Spread the number of tasks of
// the group in the lower ones.
func (m *match) bucketLevel(c *class, at int32) int64 {
	level := int64(0)
	if c.groupTasks != nil {
		level = min(c.groupTasks[m.candidates[at].agentNumber], math.MaxInt32)
	}
	if len(c.preferences) > 0 || c.weight > 1 {
		level += int64(m.penalty(c, at)) << 32
	}
	return level
}

func (q *bucketQueue) head(m *match, c *class) (rank, bool) {
	for {
		for ; q.next < len(q.candidates); q.next++ {
			at := q.candidates[q.next]
			if !m.fits(c, at) {
				continue
			}
			now := m.bucketLevel(c, at)
			last := q.next == len(q.candidates)-1 && (len(q.higher) == 0 || now < q.higher[0].level)
			if now == q.level || last { // the last one of its bucket takes the bucket along
				q.level = now
				return rank{penalty: int32(now >> 32), score: float64(now & math.MaxInt32), candidate: at}, true
			}
			q.add(now, at)
		}
		if len(q.higher) == 0 {
			return rank{}, false
		}
		q.candidates, q.level, q.next = q.higher[0].candidates, q.higher[0].level, 0
		q.higher = slices.Delete(q.higher, 0, 1)
		slices.Sort(q.candidates)
	}
}

// add adds a candidate to the bucket of a level above the current one.
func (q *bucketQueue) add(level int64, at int32) {
	i, found := slices.BinarySearchFunc(q.higher, level, func(b bucket, level int64) int { return cmp.Compare(b.level, level) })
	if !found {
		q.higher = slices.Insert(q.higher, i, bucket{level: level})
	}
	q.higher[i].candidates = append(q.higher[i].candidates, at)
}

// changed does nothing, since head checks candidates when their turn comes.
func (*bucketQueue) changed(*match, *class, int32) {}
