package scheduler

import (
	"slices"
	"time"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// There may be very many pending tasks that nothing fits, and then a cycle must not look at each of them.
// What a matcher gets is kept from cycle to cycle, and tasks stand in lines, of which only the head is
// looked at.

// queue has the pending tasks as a matcher gets them.
type queue struct {
	demands []task.Demand
	stale   bool
}

// lineup has pending tasks in the order in which something began for them, and some that left it since.
type lineup []waiter

// waiter is a pending task in a line. It has left once it was launched or has ended, even if it is
// pending again.
type waiter struct {
	*record
	since time.Time // when it became pending
	round int32     // that had looked at it first then; anyRound: that does not matter
}

const anyRound = -1

func (w waiter) waits() bool {
	return w.info.State == task.Pending && w.info.Updated.Equal(w.since) && (w.firstRound == w.round || w.round == anyRound)
}

// add puts a task at the end. It drops those that left when they may be the most, so that it is
// never much longer than there are pending tasks.
func (l *lineup) add(r *record, round int32, pending int) {
	if len(*l) >= 64 && len(*l) > 2*pending {
		*l = slices.DeleteFunc(*l, func(w waiter) bool { return !w.waits() })
	}
	*l = append(*l, waiter{r, r.info.Updated, round})
}

// take takes tasks from the head as long as their time has come.
func (l *lineup) take(due func(waiter) bool) []*record {
	var taken []*record
	n := 0
	for _, w := range *l {
		if w.waits() {
			if !due(w) {
				break
			}
			taken = append(taken, w.record)
		}
		n++
	}
	clear((*l)[:n])
	if *l = (*l)[n:]; len(*l) == 0 {
		*l = nil
	}
	return taken
}

// awaits has a pending task wait for a place from now on.
func (m *machine) awaits(r *record, fresh bool) {
	r.firstRound = 0
	if fresh {
		m.fresh.add(r, 0, len(m.pending))
	}
	if m.settings.maxWait > 0 {
		m.waits.add(r, anyRound, len(m.pending))
	}
}

// heldBack tells whether a task may not be launched again yet.
func (r *record) heldBack(now time.Time) bool {
	return r.former != nil && now.Before(r.former.notBefore)
}

// matchable are the tasks to be matched: all that are pending if there are new offers, else those
// that came since; the others did not fit before.
func (m *machine) matchable(now time.Time) []task.Demand {
	q := &m.queue
	if m.pool.added {
		m.round++
	}
	came := m.fresh.take(func(waiter) bool { return true })
	slices.SortFunc(came, bySerial)
	var demands []task.Demand
	for _, r := range slices.Compact(came) { // twice, if it was pending twice within an instant
		if r.heldBack(now) {
			continue
		}
		first := r.firstRound == 0
		d := m.asDemand(r)
		demands = append(demands, d)
		if first && !q.stale { // submitted after all that are in the queue: the others make it stale
			q.demands = append(q.demands, d)
		}
	}
	if !m.pool.added {
		return demands
	}
	if q.stale {
		m.fillQueue(now)
	}
	return q.demands
}

func (m *machine) fillQueue(now time.Time) {
	q := &m.queue
	clear(q.demands)
	q.demands, q.stale = q.demands[:0], false
	for _, r := range m.pending {
		if !r.heldBack(now) {
			q.demands = append(q.demands, m.asDemand(r))
		}
	}
}

// asDemand returns a task as a matcher gets it, which will look at it now.
func (m *machine) asDemand(r *record) task.Demand {
	if r.firstRound == 0 {
		r.firstRound = max(1, m.round)
		if m.settings.maxCycles > 0 {
			m.looked.add(r, r.firstRound, len(m.pending))
		}
	}
	return task.Demand{ID: r.info.Spec.ID, Spec: r.shape.spec}
}

// cyclesOf is how many cycles looked at a pending task: its first one, and each with new offers since.
func (m *machine) cyclesOf(r *record) int {
	if r.firstRound == 0 {
		return 0
	}
	return int(m.round - r.firstRound + 1)
}
