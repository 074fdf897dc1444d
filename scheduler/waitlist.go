package scheduler

import (
	"slices"
	"time"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// waitList holds pending tasks in the order in which they began to wait, and some that no longer wait. There may
// be very many pending tasks that nothing fits, so that only the front of the list is looked at.
type waitList []waiter

// waiter is a task in a waitList. It no longer waits once it was launched or has ended, even if it is pending again: it
// then has a new waiter.
type waiter struct {
	*entry
	since time.Time // when it became pending
	cycle int32     // its firstCycle at that time; anyCycle: it does not matter
}

const anyCycle = -1

// waits reports whether the task still waits.
func (w waiter) waits() bool {
	return w.Info.State == task.StatePending && w.Info.Updated.Equal(w.since) && (w.firstCycle == w.cycle || w.cycle == anyCycle)
}

// add appends a task. It drops those that no longer wait when they may be the majority, so that the list never is much
// longer than the number of pending tasks.
func (l *waitList) add(e *entry, cycle int32, pending int) {
	if len(*l) >= 64 && len(*l) > 2*pending {
		*l = slices.DeleteFunc(*l, func(w waiter) bool { return !w.waits() })
	}
	*l = append(*l, waiter{e, e.Info.Updated, cycle})
}

// take removes tasks from the front as long as they are due, and returns those that still wait.
func (l *waitList) take(due func(waiter) bool) []*entry {
	var taken []*entry
	n := 0
	for _, w := range *l {
		if w.waits() {
			if !due(w) {
				break
			}
			taken = append(taken, w.entry)
		}
		n++
	}
	clear((*l)[:n])
	if *l = (*l)[n:]; len(*l) == 0 {
		*l = nil
	}
	return taken
}

// first returns since when the first task waits, of those that still wait.
func (l *waitList) first() (time.Time, bool) {
	if len(*l) > 0 && !(*l)[0].waits() {
		l.take(func(waiter) bool { return false })
	}
	if len(*l) == 0 {
		return time.Time{}, false
	}
	return (*l)[0].since, true
}
