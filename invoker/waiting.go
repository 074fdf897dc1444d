package invoker

import (
	"cmp"
	lists "container/list"
	"slices"
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker/internal/keepalive"
	"github.com/mesos-actor/mesos-actor-go/invoker/internal/stemsize"
)

// waiter is a caller that waits for a container. It is tied to none: whatever of its key is free first serves the first one
// of the key.
type waiter struct {
	ref      ref
	session  session
	key      *keyState
	number   uint64 // in which order they came
	since    time.Time
	failures int // starts that failed while it was the first to need one

	links [2]link // in the list of its key, and in that of all
}

// link is a place in a list.
type link struct{ previous, next *waiter }

// waiterList has waiters in the order in which they came.
type waiterList struct {
	links      int // which links of the waiters are used
	head, tail *waiter
	size       int
	remote     int // of other processes, each of which needs a whole container
}

func (l *waiterList) add(w *waiter) {
	w.links[l.links] = link{previous: l.tail}
	if l.tail != nil {
		l.tail.links[l.links].next = w
	} else {
		l.head = w
	}
	l.tail = w
	l.count(w, 1)
}

func (l *waiterList) remove(w *waiter) {
	at := &w.links[l.links]
	if at.previous != nil {
		at.previous.links[l.links].next = at.next
	} else {
		l.head = at.next
	}
	if at.next != nil {
		at.next.links[l.links].previous = at.previous
	} else {
		l.tail = at.previous
	}
	*at = link{}
	l.count(w, -1)
}

func (l *waiterList) count(w *waiter, n int) {
	l.size += n
	if w.session != 0 {
		l.remote += n
	}
}

// next returns who came after a waiter of the list.
func (l *waiterList) next(w *waiter) *waiter { return w.links[l.links].next }

// keyState has the callers that wait for a key, and the containers that are bound to it.
type keyState struct {
	Key
	shape   *shapeState
	timeout time.Duration // of the action

	waiters   waiterList
	open      containerList // idle or with room, the most recently used first
	suspended containerList
	marked    containerList
	remote    containerList // held by other processes
	recalled  containerList // held by other processes, which have been asked to release them

	coming  int     // slots that come without further decisions
	need    int     // containers that the waiters lack beside those
	lacks   *waiter // the first of those who need them
	bound   int     // containers
	evicted int     // containers that were removed to make room, and not started again

	reserve, reserved int // containers that are to be reserved, and that are

	idle     keepalive.Histogram // how long its containers are idle between two uses
	keepFor  time.Duration       // how long idle ones are kept, as of the last review; 0: not decided yet
	reviewed time.Time
	used     time.Time // when a container of it was last released
	guard    guard     // of containers that die while they serve

	round         round
	unmetPosition int
	unused        *lists.Element // in machine.unusedKeys; nil: something or somebody is there for it
}

// missing returns how many more containers the waiters of the key need than will be theirs soon.
func (k *keyState) missing() int {
	n := k.waiters.size + k.waiters.remote*(k.Concurrency-1) - k.coming
	switch {
	case n <= 0 || k.guard.blocked:
		return 0
	case k.guard.breaker.Open():
		return 1
	}
	return (n + k.Concurrency - 1) / k.Concurrency
}

// firstLacking returns the first waiter for whom nothing comes. There must be one.
func (k *keyState) firstLacking() *waiter {
	w := k.waiters.head
	for left := k.coming - w.slots(); left >= 0; left -= w.slots() {
		w = k.waiters.next(w)
	}
	return w
}

// slots returns how many slots a waiter takes.
func (w *waiter) slots() int {
	if w.session != 0 {
		return w.key.Concurrency
	}
	return 1
}

// before orders keys by who waits longest without anything that comes.
func (k *keyState) before(o *keyState) bool { return k.lacks.number < o.lacks.number }

func (k *keyState) position() *int { return &k.unmetPosition }

// round is what is left of that which comes anyway, while the machine decides what else to start for those who wait.
type round struct {
	number uint64
	left   int // of a key: slots; of a shape: containers
}

// take takes so many, and reports whether they were left.
func (r *round) take(number uint64, coming, n int) bool {
	if r.number != number {
		r.number, r.left = number, coming
	}
	r.left -= n
	return r.left >= 0
}

// add adds so many.
func (r *round) add(n int) { r.left += n }

// shapeState has what is common to containers that are alike before they are bound.
type shapeState struct {
	Shape
	labels  map[string]string // of each container that is started in this run; not modified
	adopted map[string]string // of one that an earlier run has started; kept once for those that have the same
	size    *sizeState
	order   *lists.Element // in machine.shapeOrder

	stems      containerList
	marked     containerList       // stem cells
	unmet      priority[*keyState] // keys with need, the one first whose caller has waited longest
	need       int                 // of all its keys
	starting   int                 // containers
	lacking    int                 // containers that have to be started for those who wait
	ahead      int                 // starting containers that nobody waits for
	ready      int                 // stem cells that can be used
	cells      StemCells           // what is configured
	want       int                 // stem cells
	containers int                 // all that count
	keys       int
	guard      guard // of starts
	demand     stemsize.Demand
	coldStarts int // since the last check of stem cells
	round      round
}

// lack returns how many containers have to be started for those who wait.
func (s *shapeState) lack() int {
	lack := max(0, s.need-s.starting)
	switch {
	case s.guard.blocked:
		return 0
	case s.guard.breaker.Open():
		return min(lack, 1)
	}
	return lack
}

// unmetKeys returns the keys with need, who waits longest first.
func (s *shapeState) unmetKeys() []*keyState {
	all := slices.Clone(s.unmet.elements)
	slices.SortFunc(all, func(k, o *keyState) int { return cmp.Compare(k.lacks.number, o.lacks.number) })
	return all
}

// oldest returns the caller that waits longest for a stem cell.
func (s *shapeState) oldest() *waiter {
	if k, ok := s.unmet.first(); ok {
		return k.lacks
	}
	return nil
}

// sizeState has what is common to shapes of one size: where there is no room for one, there is none for the others.
type sizeState struct {
	memory    int
	shapes    int
	lack      int  // containers that have to be started for those who wait
	full      bool // there is no room for one, in the current step
	startable bool // somebody needs a start, and there may be room
}
