package scheduler

import (
	"cmp"
	"container/heap"
	"slices"
	"time"
)

// timer is something to be done later. Exactly one of the last three fields is set.
type timer struct {
	at       time.Time
	number   uint32 // unique; of timers for the same time the lowest number comes first
	kill     *entry // send another KILL for the task, if its killTimer is still this one
	launch   *entry // ask about the task, which is staging or unknown, if its launchTimer is still this one
	relaunch *entry // launch a task again that was held back
}

// timers keeps the timers in a heap, since there may be one for each of very many tasks.
type timers struct {
	heap timerHeap
	last uint32 // number of the last timer
	// A timer that was replaced stays in the heap: each update about a task may replace one. When there are so many timers
	// those are dropped.
	sweepAt int
	// forgotten is how many tasks were taken off the record since the timers that are not wanted were last dropped.
	forgotten int
	// questions are when the last timer for a question was to fire, by what it is about, see together.
	questions [questionKinds]time.Time
}

// questionKind is what tasks are, about which the master is to be asked.
type questionKind uint8

const (
	aboutStaging questionKind = iota
	aboutUnknown
	questionKinds = iota
)

// togetherWithin is for how long a question waits for others: the master's updates about thousands of tasks come one after the
// other, and are not to cause as many calls later.
const togetherWithin = time.Second

// together returns when a timer for a question is to fire that is due at the given time: then, or up to togetherWithin later
// with others. These are the last one, or those that follow, since one that is due just before it shows that there are many.
func (ts *timers) together(kind questionKind, due time.Time) time.Time {
	last := &ts.questions[kind]
	switch d := last.Sub(due); {
	case d > togetherWithin || d <= -togetherWithin:
		*last = due
	case d < 0:
		*last = due.Add(togetherWithin)
	}
	return *last
}

// start starts a timer and returns its number.
func (ts *timers) start(t timer) uint32 {
	if len(ts.heap) >= max(ts.sweepAt, sweepMin) {
		ts.keep(timer.wanted)
		ts.sweepAt = 2 * len(ts.heap)
	}
	ts.last++
	t.number = ts.last
	ts.heap = append(ts.heap, t)
	heap.Fix(&ts.heap, len(ts.heap)-1) // as heap.Push, which would allocate
	return t.number
}

// sweepMin is how many timers are not too many, whether or not some of them were replaced.
const sweepMin = 1024

// task returns the task of a timer.
func (t timer) task() *entry { return cmp.Or(t.kill, t.launch, t.relaunch) }

// wanted reports whether a timer was not replaced, and its task has not ended and is on record.
func (t timer) wanted() bool {
	switch {
	case t.task().gone:
		return false
	case t.kill != nil:
		return t.kill.killTimer == t.number && t.kill.live()
	case t.launch != nil:
		return t.launch.launchTimer == t.number && t.launch.live()
	case t.relaunch != nil:
		return t.relaunch.former != nil && t.relaunch.former.notBefore.Equal(t.at) && t.relaunch.live()
	}
	return true
}

// keep drops the timers that are not wanted any more.
func (ts *timers) keep(wanted func(timer) bool) {
	ts.forgotten = 0
	ts.heap = slices.DeleteFunc(ts.heap, func(t timer) bool { return !wanted(t) })
	heap.Init(&ts.heap)
}

// next returns when the first timer is due.
func (ts *timers) next() (time.Time, bool) {
	if len(ts.heap) == 0 {
		return time.Time{}, false
	}
	return ts.heap[0].at, true
}

// take removes the first timer if it is due, and returns it.
func (ts *timers) take(now time.Time) (timer, bool) {
	if at, ok := ts.next(); !ok || now.Before(at) {
		return timer{}, false
	}
	return heap.Pop(&ts.heap).(timer), true
}

// endSubscription drops the timers that belong to the last subscription: the next one sends all KILL and RECONCILE calls
// again. It keeps those of tasks that are held back.
func (ts *timers) endSubscription() {
	ts.keep(func(t timer) bool { return t.relaunch != nil })
}

// forget notes that a task was taken off the record. Its timers are dropped together with those of others: users may forget very
// many tasks one by one.
func (ts *timers) forget() {
	if ts.forgotten++; 2*ts.forgotten > len(ts.heap) {
		ts.keep(timer.wanted)
	}
}

type timerHeap []timer

func (h timerHeap) Len() int { return len(h) }
func (h timerHeap) Less(i, j int) bool {
	return cmp.Or(h[i].at.Compare(h[j].at), cmp.Compare(h[i].number, h[j].number)) < 0
}
func (h timerHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *timerHeap) Push(t any)   { *h = append(*h, t.(timer)) }
func (h *timerHeap) Pop() any {
	last := len(*h) - 1
	t := (*h)[last]
	(*h)[last] = timer{}
	*h = (*h)[:last]
	return t
}
