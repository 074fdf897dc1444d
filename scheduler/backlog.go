package scheduler

import (
	"iter"
	"slices"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/taskclass"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/ordered"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// backlog keeps the pending tasks: in order of submission, by class, in the form that a matcher gets, and by how long
// they may wait. The first member of a pod represents all of them.
type backlog struct {
	maxWait   time.Duration // 0: without limit
	maxCycles int           // 0: without limit

	pending *ordered.List[*entry]
	classes map[string]*class // of all tasks on record
	key     []byte            // scratch space for looking up a class
	// grouping is the number of pending tasks with GROUP_BY.
	grouping int
	changed  []*class // classes that, in this step, got their first pending task or lost their last one

	// demands are what a matcher gets. They are kept from cycle to cycle, and built again if stale.
	demands  []task.Demand
	given    []task.Demand // a copy of some of them, see copyOf
	stale    bool
	newTasks waitList // tasks for the next cycle to look at, even without new offers
	// Tasks by how long they wait: waits is in the order in which they became pending; looked is in the order of the offer
	// cycles that first looked at them, for maxCycles.
	waits, looked waitList

	cycles     uint64 // the number of cycles so far
	offerCycle int32  // the number of cycles so far that had new offers
}

func newBacklog(maxWait time.Duration, maxCycles int) backlog {
	return backlog{maxWait: maxWait, maxCycles: maxCycles, pending: ordered.New(serialOf), classes: map[string]*class{}, stale: true}
}

func serialOf(e *entry) int { return e.Serial }

// class returns the class of a spec, and reports whether it was created.
func (b *backlog) class(s *task.Spec) (*class, bool) {
	b.key = taskclass.AppendKey(b.key[:0], s)
	if known := b.classes[string(b.key)]; known != nil {
		return known, false
	}
	c := &class{key: string(b.key), spec: s, groupsBy: taskclass.GroupsBy(s)}
	b.classes[c.key] = c
	return c, true
}

// leave removes a task from its class, and reports whether it was the last one.
func (b *backlog) leave(c *class) bool {
	last := c.leave()
	if last {
		delete(b.classes, c.key)
	}
	return last
}

// count adds n to the number of pending tasks of a class.
func (b *backlog) count(c *class, n int) {
	if c.groupsBy {
		b.grouping += n
	}
	if c.count(n) {
		b.changed = append(b.changed, c)
	}
}

// takeChanged returns the classes that changed since the last call. The slice is valid until the next change.
func (b *backlog) takeChanged() []*class {
	changed := b.changed
	b.changed = b.changed[:0]
	return changed
}

// specs yields the spec of each class that has pending tasks, in no particular order.
func (b *backlog) specs() iter.Seq[*task.Spec] {
	return func(yield func(*task.Spec) bool) {
		for _, c := range b.classes {
			if c.pending > 0 && !yield(c.spec) {
				return
			}
		}
	}
}

// add inserts a task in its place in the order. If next is set the next cycle looks at it, even without new offers.
func (b *backlog) add(e *entry, next bool) {
	b.await(e, next)
	b.pending.Add(e)
}

// await begins to count the cycles and the time for which a task waits.
func (b *backlog) await(e *entry, next bool) {
	e.firstCycle = 0
	if next {
		b.newTasks.add(e, 0, b.pending.Len())
	}
	b.waits.add(e, anyCycle, b.pending.Len())
}

// endHold makes the next cycle look at a task that was held back.
func (b *backlog) endHold(e *entry) {
	b.newTasks.add(e, 0, b.pending.Len())
	b.stale = true // the task belongs in its old place
}

// stateChanged notes a change of a task's state.
func (b *backlog) stateChanged(previous, state task.State) {
	b.stale = b.stale || previous == task.StatePending || state == task.StatePending
}

// remove removes a task, or the pod that it is a member of, if it is there.
func (b *backlog) remove(e *entry) {
	b.pending.Remove(e.head().Serial)
}

// removeAll removes these tasks, which are no longer pending.
func (b *backlog) removeAll(tasks []*entry) {
	for _, e := range tasks {
		b.remove(e)
	}
}

// removeEnded removes all tasks that are no longer pending.
func (b *backlog) removeEnded() {
	b.pending.RemoveAll(func(e *entry) bool { return e.Info.State != task.StatePending })
}

// matchable returns the tasks to be matched, and counts the cycle if there are any. With new offers they are all
// pending tasks, and the same if they are to be looked at again. Otherwise they are only those that no cycle has looked
// at: the others did not fit the same offers before.
func (b *backlog) matchable(now time.Time, newOffers, again bool) []task.Demand {
	if newOffers {
		b.offerCycle++
	}
	tasks := b.demandsFor(now, newOffers || again)
	if len(tasks) > 0 {
		b.cycles++
	}
	return tasks
}

func (b *backlog) demandsFor(now time.Time, all bool) []task.Demand {
	newTasks := b.newTasks.take(func(waiter) bool { return true })
	slices.SortFunc(newTasks, bySerial)
	var demands []task.Demand
	for _, e := range slices.Compact(newTasks) { // a task is there twice if it became pending twice at the same instant
		if e.heldBack(now) {
			continue
		}
		first := e.firstCycle == 0
		d := b.look(e)
		demands = append(demands, d)
		if first && !b.stale { // it was submitted after all others: one that was pending before makes demands stale
			b.demands = append(b.demands, d)
		}
	}
	if !all {
		return demands
	}
	if b.stale {
		b.fill(now)
	}
	return b.demands
}

// copyOf returns a copy of tasks that lasts until the next one is made. It is for a matcher, which may drop some of them in
// place, though it should not.
func (b *backlog) copyOf(tasks []task.Demand) []task.Demand {
	clear(b.given) // so that it does not keep the specs of tasks that have ended
	b.given = append(b.given[:0], tasks...)
	return b.given
}

// fill builds demands again.
func (b *backlog) fill(now time.Time) {
	clear(b.demands)
	b.demands, b.stale = b.demands[:0], false
	for e := range b.pending.All() {
		if !e.heldBack(now) {
			b.demands = append(b.demands, b.look(e))
		}
	}
}

// look returns a task in the form that a matcher gets, and notes that a cycle looks at it.
func (b *backlog) look(e *entry) task.Demand {
	if e.firstCycle == 0 {
		e.firstCycle = max(1, b.offerCycle)
		if b.maxCycles > 0 {
			b.looked.add(e, e.firstCycle, b.pending.Len())
		}
	}
	return task.Demand{ID: e.Info.Spec.ID, Spec: e.class.spec}
}

// cyclesOf returns how many cycles have looked at a pending task: its first one, and each one with new offers since.
func (b *backlog) cyclesOf(e *entry) int {
	if e.firstCycle == 0 {
		return 0
	}
	return int(b.offerCycle - e.firstCycle + 1)
}

// overdue removes from the waiting tasks those that have been pending for maxWait, and returns them.
func (b *backlog) overdue(now time.Time) []*entry {
	if b.maxWait == 0 {
		return nil
	}
	return b.waits.take(func(w waiter) bool { return now.Sub(w.since) >= b.maxWait })
}

// exhausted removes from the waiting tasks those that maxCycles cycles have looked at, and returns them.
func (b *backlog) exhausted() []*entry {
	return b.looked.take(func(w waiter) bool { return b.cyclesOf(w.entry) >= b.maxCycles })
}

// oldest returns since when the task is pending that has been so for longest, zero if none is.
func (b *backlog) oldest() time.Time {
	since, _ := b.waits.first()
	return since
}

// deadline returns when the next task is overdue.
func (b *backlog) deadline() (time.Time, bool) {
	if len(b.waits) == 0 || b.maxWait == 0 {
		return time.Time{}, false
	}
	return b.waits[0].since.Add(b.maxWait), true
}

// waitUntil returns until when tasks may wait for the preferred agent. It is early enough for one more cycle before
// the first of them is overdue.
func (b *backlog) waitUntil(now time.Time, wait time.Duration) time.Time {
	until := now.Add(wait)
	if b.maxWait == 0 {
		return until
	}
	first, ok := b.waits.first()
	if !ok {
		first = now
	}
	if last := first.Add(b.maxWait - cyclePause); last.Before(until) {
		return last
	}
	return until
}
