package scheduler

import (
	"iter"
	"slices"
	"time"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// backlog has the pending tasks: in order of submission, by class, as a matcher gets them, and by how long they may
// wait. Of a pod its first member stands for all.
type backlog struct {
	maxWait   time.Duration // 0: without limit
	maxCycles int           // 0: without limit

	pending []*entry
	classes map[string]*class // of all tasks on record
	key     []byte            // of the class looked up last, to be written over
	changed []*class          // of which, in this step, the first task became pending, or the last one ceased to be

	// demands are what a matcher gets, kept from cycle to cycle, unless they are stale.
	demands  []task.Demand
	stale    bool
	newTasks waitList // those that no cycle has looked at
	// Those that may wait for so long, by when they became pending, and by the offer cycle that first looked at them.
	waits, looked waitList

	cycles     uint64 // all so far
	offerCycle int32  // those with new offers
}

func newBacklog(maxWait time.Duration, maxCycles int) backlog {
	return backlog{maxWait: maxWait, maxCycles: maxCycles, classes: map[string]*class{}, stale: true}
}

// class returns the class of a spec, and reports whether it is a new one.
func (b *backlog) class(s *task.Spec) (*class, bool) {
	b.key = s.AppendClass(b.key[:0])
	if known := b.classes[string(b.key)]; known != nil {
		return known, false
	}
	c := &class{key: string(b.key), spec: s}
	b.classes[c.key] = c
	return c, true
}

// leave takes a task out of its class, and reports whether that was the last one.
func (b *backlog) leave(c *class) bool {
	if c.tasks--; c.tasks > 0 {
		return false
	}
	delete(b.classes, c.key)
	return true
}

// count counts n more pending tasks of a class, or fewer.
func (b *backlog) count(c *class, n int) {
	if c.count(n) {
		b.changed = append(b.changed, c)
	}
}

// takeChanged returns the classes that changed in this step.
func (b *backlog) takeChanged() []*class {
	changed := b.changed
	b.changed = b.changed[:0]
	return changed
}

// specs ranges over the specs of the classes that have pending tasks, in no order.
func (b *backlog) specs() iter.Seq[*task.Spec] {
	return func(yield func(*task.Spec) bool) {
		for _, c := range b.classes {
			if c.pending > 0 && !yield(c.spec) {
				return
			}
		}
	}
}

// add puts a task at its place in the order. A fresh one is looked at by the next cycle.
func (b *backlog) add(e *entry, fresh bool) {
	b.await(e, fresh)
	at, _ := slices.BinarySearchFunc(b.pending, e, bySerial)
	b.pending = slices.Insert(b.pending, at, e)
}

// await has a pending task wait for a place from now on.
func (b *backlog) await(e *entry, fresh bool) {
	e.firstCycle = 0
	if fresh {
		b.newTasks.add(e, 0, len(b.pending))
	}
	if b.maxWait > 0 {
		b.waits.add(e, anyCycle, len(b.pending))
	}
}

// release has the next cycle look at a task that was held back.
func (b *backlog) release(e *entry) {
	b.newTasks.add(e, 0, len(b.pending))
	b.stale = true // it belongs at its old place there
}

// stateChanged notes that a task became pending, or ceased to be.
func (b *backlog) stateChanged(previous, state task.State) {
	b.stale = b.stale || previous == task.Pending || state == task.Pending
}

// remove takes out a task, or the pod that it is a member of, if it is there.
func (b *backlog) remove(e *entry) {
	e = e.head()
	if at, found := slices.BinarySearchFunc(b.pending, e, bySerial); found {
		b.pending = slices.Delete(b.pending, at, at+1)
	}
}

// removeAll takes out tasks that are not pending any more, a few one by one.
func (b *backlog) removeAll(tasks []*entry) {
	if len(tasks) > 16 {
		b.removeEnded()
		return
	}
	for _, e := range tasks {
		b.remove(e)
	}
}

// removeEnded takes out all tasks that are not pending any more.
func (b *backlog) removeEnded() {
	b.pending = slices.DeleteFunc(b.pending, func(e *entry) bool { return e.Info.State != task.Pending })
}

// matchable returns the tasks to be matched, and counts the cycle if there are some: all that are pending if there
// are new offers, else those that came since; the others did not fit before.
func (b *backlog) matchable(now time.Time, newOffers bool) []task.Demand {
	if newOffers {
		b.offerCycle++
	}
	tasks := b.demandsFor(now, newOffers)
	if len(tasks) > 0 {
		b.cycles++
	}
	return tasks
}

func (b *backlog) demandsFor(now time.Time, newOffers bool) []task.Demand {
	came := b.newTasks.take(func(waiter) bool { return true })
	slices.SortFunc(came, bySerial)
	var demands []task.Demand
	for _, e := range slices.Compact(came) { // twice, if it was pending twice within an instant
		if e.heldBack(now) {
			continue
		}
		first := e.firstCycle == 0
		d := b.look(e)
		demands = append(demands, d)
		if first && !b.stale { // submitted after all that are there: the others make it stale
			b.demands = append(b.demands, d)
		}
	}
	if !newOffers {
		return demands
	}
	if b.stale {
		b.fill(now)
	}
	return b.demands
}

func (b *backlog) fill(now time.Time) {
	clear(b.demands)
	b.demands, b.stale = b.demands[:0], false
	for _, e := range b.pending {
		if !e.heldBack(now) {
			b.demands = append(b.demands, b.look(e))
		}
	}
}

// look returns a task as a matcher gets it, which will look at it now.
func (b *backlog) look(e *entry) task.Demand {
	if e.firstCycle == 0 {
		e.firstCycle = max(1, b.offerCycle)
		if b.maxCycles > 0 {
			b.looked.add(e, e.firstCycle, len(b.pending))
		}
	}
	return task.Demand{ID: e.Info.Spec.ID, Spec: e.class.spec}
}

// cyclesOf returns how many cycles looked at a pending task: its first one, and each with new offers since.
func (b *backlog) cyclesOf(e *entry) int {
	if e.firstCycle == 0 {
		return 0
	}
	return int(b.offerCycle - e.firstCycle + 1)
}

// overdue returns the tasks that have been pending for as long as they may.
func (b *backlog) overdue(now time.Time) []*entry {
	return b.waits.take(func(w waiter) bool { return now.Sub(w.since) >= b.maxWait })
}

// exhausted returns the tasks at which as many cycles have looked as may.
func (b *backlog) exhausted() []*entry {
	return b.looked.take(func(w waiter) bool { return b.cyclesOf(w.entry) >= b.maxCycles })
}

// deadline returns when the next task is overdue.
func (b *backlog) deadline() (time.Time, bool) {
	if len(b.waits) == 0 {
		return time.Time{}, false
	}
	return b.waits[0].since.Add(b.maxWait), true
}

// waitUntil returns until when tasks may wait for the preferred agent: not for so long that one of them is
// overdue before.
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
