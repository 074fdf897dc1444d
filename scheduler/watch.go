package scheduler

import (
	"context"
	"iter"
	"slices"
	"sync"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// watchLimit is how far a watcher may be behind. The event of a task takes 1 KiB to 1.5 KiB, and 10,000 of them may come at
// once, when a store has written the tasks.
func watchLimit() queueLimit { return queueLimit{events: 16_384, bytes: 16 << 20} }

// rawLimit is the same for WatchRaw. Its events are as large as the master makes them: with the offers of a large cluster
// some 400 KiB in memory, and 288 MiB at most.
func rawLimit() queueLimit { return queueLimit{events: 512, bytes: 32 << 20} }

// queueLimit is how much may wait for a watcher.
type queueLimit struct {
	events int
	bytes  int // a single event may have more
}

// watchers delivers events to all who watch. It is shared by the loop, which publishes, and
// the watchers' goroutines. No decision depends on it.
type watchers struct {
	mu      sync.Mutex
	all     []*watcher
	raw     []*watcher // of WatchRaw
	version uint64     // the highest one that was published, or that a run began with
	missed  uint64     // how many events watchers missed, all together
}

// watcher is the queue of events for one who watches.
type watcher struct {
	limit  queueLimit
	mu     sync.Mutex
	queue  []Event
	bytes  int // of the queue
	taken  int // bytes of what was taken last, which may still be in use
	cycle  int // position in the queue, from 1, of the newest OfferEvent; 0: there is none
	missed int // events that did not fit
	ended  bool
	ready  chan struct{} // has a token if there may be something to take
}

func (ws *watchers) add(to *[]*watcher, limit queueLimit) *watcher {
	w := &watcher{limit: limit, ready: make(chan struct{}, 1)}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	*to = append(*to, w)
	return w
}

func (ws *watchers) remove(w *watcher) {
	same := func(o *watcher) bool { return o == w }
	w.end() // the sequence yields nothing if it is ranged over again
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.all, ws.raw = slices.DeleteFunc(ws.all, same), slices.DeleteFunc(ws.raw, same)
}

// rawEvent is an event of the master, for WatchRaw.
type rawEvent struct{ *scheduler.Event }

func (rawEvent) isEvent() {}

// publishRaw delivers an event of so many bytes to all watchers of the master's events. It reports whether one of them
// begins to miss events, which it is not told.
func (ws *watchers) publishRaw(e *scheduler.Event, size int) (missed bool) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for _, w := range ws.raw {
		missed = ws.put(w, rawEvent{e}, size) == 1 || missed
	}
	return missed
}

// publish delivers an event to all watchers of events. It never blocks.
func (ws *watchers) publish(e Event) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	change, isChange := e.(*taskChange)
	if isChange {
		ws.version = max(ws.version, change.info.Version)
	} else if removed, is := e.(RemovedEvent); is {
		ws.version = max(ws.version, removed.Version)
	}
	if len(ws.all) == 0 {
		return
	}
	if isChange {
		e = change.event()
	}
	size := eventSize(e)
	for _, w := range ws.all {
		ws.put(w, e, size)
	}
}

// begin notes the version that a run begins with.
func (ws *watchers) begin(version uint64) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.version = max(ws.version, version)
}

// put delivers an event to one watcher. It returns how many events in a row that watcher has now missed, 0 if it got this one.
func (ws *watchers) put(w *watcher, e Event, size int) (missed int) {
	if missed = w.put(e, size); missed > 0 {
		ws.missed++
	}
	return missed
}

// stats returns how many watchers there are, how many events wait for the slowest of them, and how many were missed.
func (ws *watchers) stats() (watching, behind int, missed uint64) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for _, all := range [...][]*watcher{ws.all, ws.raw} {
		for _, w := range all {
			behind = max(behind, w.waiting())
		}
	}
	return len(ws.all) + len(ws.raw), behind, ws.missed
}

// waiting returns how many events wait in the queue.
func (w *watcher) waiting() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.queue)
}

// end ends all watchers, after what is in their queues.
func (ws *watchers) end() {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for _, w := range slices.Concat(ws.all, ws.raw) {
		w.end()
	}
	ws.all, ws.raw = nil, nil
}

func (w *watcher) end() {
	w.mu.Lock()
	w.ended = true
	w.mu.Unlock()
	w.signal()
}

// put adds an event with its size in bytes to the queue. It returns how many events in a row did not fit, 0 if this one did.
func (w *watcher) put(e Event, size int) (missed int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, isCycle := e.(OfferEvent)
	if isCycle {
		w.forgetRejections()
	}
	if waiting := w.bytes + w.taken; len(w.queue) >= w.limit.events || waiting > 0 && waiting+size > w.limit.bytes {
		w.missed++
		return w.missed
	}
	w.flushMissed()
	w.queue, w.bytes = append(w.queue, e), w.bytes+size
	if isCycle {
		w.cycle = len(w.queue)
	}
	w.signal()
	return 0
}

// forgetRejections drops the rejections of the last cycle in the queue: with many pending tasks they are large, and
// the event that is added has newer ones.
func (w *watcher) forgetRejections() {
	if w.cycle > 0 {
		e := w.queue[w.cycle-1].(OfferEvent)
		w.bytes -= rejectionsSize(e.Rejections)
		e.Rejections = nil
		w.queue[w.cycle-1] = e
	}
}

// flushMissed adds a LagEvent if events were missed, between those before and after them.
func (w *watcher) flushMissed() {
	if w.missed > 0 {
		w.queue = append(w.queue, LagEvent{Missed: w.missed})
		w.missed = 0
	}
}

func (w *watcher) signal() {
	select {
	case w.ready <- struct{}{}:
	default:
	}
}

// take removes all events from the queue and returns them.
func (w *watcher) take() (events []Event, ended bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flushMissed()
	events, w.queue, w.cycle = w.queue, nil, 0
	w.taken, w.bytes = w.bytes, 0
	return events, w.ended
}

// used notes that what was taken is not in use any more. What was missed for it is not told by a later event alone.
func (w *watcher) used() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.taken = 0
	if w.missed > 0 {
		w.signal()
	}
}

// Watch returns all events from this call on, until ctx or Run ends. If Run has not begun, it ends when the next Run
// does. The sequence can be ranged over once. A watcher that is more than 16,384 events behind, or more than about 16 MiB
// of events, gets a [LagEvent] in place of those that it missed; it never slows down the scheduler or other watchers. In a
// matcher, a builder, a policy or a log handler the sequence is empty.
func (s *Scheduler) Watch(ctx context.Context) iter.Seq[Event] {
	return s.watch(ctx, &s.watchers.all, watchLimit())
}

// Version returns the highest version of the changes that watchers were told of, or the one that the present run began with
// if that is higher. A program that keeps a list of the tasks up to date by [Scheduler.Watch] has all that happened before this
// call once it has seen an event with this version. 0: no run has begun.
func (s *Scheduler) Version() uint64 {
	s.watchers.mu.Lock()
	defer s.watchers.mu.Unlock()
	return s.watchers.version
}

// WatchRaw returns the events of the master as they arrive, before the scheduler acts on them: those that
// [Scheduler.Watch] does not have, such as MESSAGE and UPDATE_OPERATION_STATUS, and all others. They are shared and must
// not be changed. Events of a refused subscription are included, those that are skipped are not: what cannot be decoded,
// lacks a part, or is of a type that this version does not know. It ends like Watch. A watcher that is more than 512
// events behind, or more than about 32 MiB of events in memory, misses some. It is not told so; the log is.
func (s *Scheduler) WatchRaw(ctx context.Context) iter.Seq[*scheduler.Event] {
	events := s.watch(ctx, &s.watchers.raw, rawLimit())
	return func(yield func(*scheduler.Event) bool) {
		for e := range events {
			if raw, ok := e.(rawEvent); ok && !yield(raw.Event) {
				return
			}
		}
	}
}

func (s *Scheduler) watch(ctx context.Context, group *[]*watcher, limit queueLimit) iter.Seq[Event] {
	w := s.watchers.add(group, limit)
	forget := context.AfterFunc(ctx, func() { s.watchers.remove(w) })
	return func(yield func(Event) bool) {
		defer s.watchers.remove(w)
		defer forget()
		if s.userCode.isCaller() {
			return // the scheduler, which would publish the events, waits for the caller
		}
		for {
			select {
			case <-ctx.Done():
				return
			case <-w.ready:
			}
			events, ended := w.take()
			for i, e := range events {
				events[i] = nil // so that it can be freed while the user still has others
				if ctx.Err() != nil || !yield(e) {
					return
				}
			}
			w.used()
			if ended {
				return
			}
		}
	}
}
