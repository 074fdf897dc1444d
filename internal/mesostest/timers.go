package mesostest

import (
	"container/heap"
	"time"
)

// timer is a function to be called on the loop at a time.
type timer struct {
	at    time.Time
	last  bool   // comes after all others of its time
	order uint64 // of equal times the earlier made comes first
	f     func()
	index int // in the heap, -1 when not in it
	owner *timers
}

// stop takes the timer back; a nil or a passed timer is fine.
func (t *timer) stop() {
	if t != nil && t.index >= 0 {
		heap.Remove(t.owner, t.index)
	}
}

// timers is a heap of the loop's timers, the earliest first. Only the earliest
// has a runtime timer behind it.
type timers struct {
	heap []*timer
	made uint64
}

// add arms a timer; nothing happens before the loop calls run.
func (ts *timers) add(at time.Time, f func()) *timer {
	return ts.arm(&timer{at: at, f: f})
}

// addLast arms a timer that comes after all others of its time.
func (ts *timers) addLast(at time.Time, f func()) {
	ts.arm(&timer{at: at, f: f, last: true})
}

func (ts *timers) arm(t *timer) *timer {
	ts.made++
	t.order, t.owner = ts.made, ts
	heap.Push(ts, t)
	return t
}

// next returns when run wants to be called; ok is false when never.
func (ts *timers) next() (at time.Time, ok bool) {
	if len(ts.heap) == 0 {
		return time.Time{}, false
	}
	return ts.heap[0].at, true
}

// run calls what is due, in order of time.
func (ts *timers) run(now time.Time) {
	for len(ts.heap) > 0 && !ts.heap[0].at.After(now) {
		heap.Pop(ts).(*timer).f()
	}
}

// Len, Less, Swap, Push and Pop make it a container/heap.
func (ts *timers) Len() int { return len(ts.heap) }

func (ts *timers) Less(i, j int) bool {
	a, b := ts.heap[i], ts.heap[j]
	switch {
	case !a.at.Equal(b.at):
		return a.at.Before(b.at)
	case a.last != b.last:
		return b.last
	}
	return a.order < b.order
}

func (ts *timers) Swap(i, j int) {
	ts.heap[i], ts.heap[j] = ts.heap[j], ts.heap[i]
	ts.heap[i].index, ts.heap[j].index = i, j
}

func (ts *timers) Push(x any) {
	t := x.(*timer)
	t.index = len(ts.heap)
	ts.heap = append(ts.heap, t)
}

func (ts *timers) Pop() any {
	last := len(ts.heap) - 1
	t := ts.heap[last]
	ts.heap[last] = nil
	ts.heap = ts.heap[:last]
	t.index = -1
	return t
}
