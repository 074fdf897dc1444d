package workload

import (
	"container/heap"
	"time"
)

// Events are functions to be called at times, in their order; of those with the same time, the one that was added first.
type Events struct {
	Now   time.Duration
	queue queue
	count int
}

// After adds a function.
func (e *Events) After(d time.Duration, do func()) {
	e.count++
	heap.Push(&e.queue, event{at: e.Now + d, number: e.count, do: do})
}

// Run calls the functions, until there are none before the end.
func (e *Events) Run(end time.Duration) {
	for len(e.queue) > 0 && e.queue[0].at < end {
		next := heap.Pop(&e.queue).(event)
		e.Now = next.at
		next.do()
	}
	e.Now = end
}

type event struct {
	at     time.Duration
	number int
	do     func()
}

type queue []event

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].number < q[j].number
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(event)) }
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}
