package scheduler

import (
	"slices"
	"time"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// lineup has pending tasks in the order in which something began for them, and some that left it since. There may
// be very many pending tasks that nothing fits; only the head of a lineup is looked at.
type waitList []waiter

// waiter is a pending task in a lineup. It has left once it was launched or has ended, even if it is
// pending again.
type waiter struct {
	*entry
	since time.Time // when it became pending
	cycle int32     // the offer cycle that first looked at it then; anyCycle: that does not matter
}

const anyCycle = -1

func (w waiter) waits() bool {
	return w.Info.State == task.Pending && w.Info.Updated.Equal(w.since) && (w.firstCycle == w.cycle || w.cycle == anyCycle)
}

// add puts a task at the end. It drops those that left when they may be the most, so that it is
// never much longer than there are pending tasks.
func (l *waitList) add(e *entry, cycle int32, pending int) {
	if len(*l) >= 64 && len(*l) > 2*pending {
		*l = slices.DeleteFunc(*l, func(w waiter) bool { return !w.waits() })
	}
	*l = append(*l, waiter{e, e.Info.Updated, cycle})
}

// take takes tasks from the head as long as they are due.
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

// first returns since when the first task waits, of those that have not left.
func (l *waitList) first() (time.Time, bool) {
	l.take(func(waiter) bool { return false })
	if len(*l) == 0 {
		return time.Time{}, false
	}
	return (*l)[0].since, true
}
