package scheduler

import (
	"cmp"
	"container/heap"
	"slices"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// timer is something to be done later: a call that is made again, a KILL for a task that has not
// ended, a question about a launch of which nothing was heard, another launch of what was dropped. One of the
// four is set.
type timer struct {
	at       time.Time
	number   uint32          // of timers for the same time the lower comes first; no two have the same
	call     *scheduler.Call // that does no harm when it arrives twice, or late
	kill     *entry          // unless its killTimer is another
	launch   *entry          // unless its launchTimer is another
	relaunch *entry
}

// timers has them in order, in a heap, since there may be one for each of very many tasks.
type timers struct {
	heap timerHeap
	last uint32 // number given last
}

// start starts a timer and returns its number.
func (ts *timers) start(t timer) uint32 {
	ts.last++
	t.number = ts.last
	heap.Push(&ts.heap, t)
	return t.number
}

// next returns when the first one comes due.
func (ts *timers) next() (time.Time, bool) {
	if len(ts.heap) == 0 {
		return time.Time{}, false
	}
	return ts.heap[0].at, true
}

// take removes the first one that is due and returns it.
func (ts *timers) take(now time.Time) (timer, bool) {
	if at, ok := ts.next(); !ok || now.Before(at) {
		return timer{}, false
	}
	return heap.Pop(&ts.heap).(timer), true
}

// endSubscription drops what belongs to the last subscription: the master has taken back its offers; kills and
// questions will be sent anew. Not so the launches of what is held back, which no offer that comes before them is for.
func (ts *timers) endSubscription() {
	ts.heap = slices.DeleteFunc(ts.heap, func(t timer) bool { return t.relaunch == nil })
	heap.Init(&ts.heap)
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
