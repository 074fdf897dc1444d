package scheduler

import (
	"context"
	"iter"
	"slices"
	"sync"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// watchLimit is how many events a watcher may be behind. An event of a task is about 1 KiB, so that
// a forgotten watcher costs some MiB.
const watchLimit = 4096

// rawLimit is less, since an event with the offers of a large cluster is some 100 KiB.
const rawLimit = 512

// watchers hands events to everybody who watches. It is shared by the loop, which publishes, and
// the watchers' goroutines, and holds nothing that a decision rests on.
type watchers struct {
	mu  sync.Mutex
	all []*watcher
	raw []*watcher // that want the master's own events instead
}

// watcher is one queue of events.
type watcher struct {
	limit  int
	mu     sync.Mutex
	queue  []Event
	cycle  int // place in the queue, from 1, of the newest OfferEvent
	missed int
	ended  bool
	news   chan struct{} // holds a token when there may be something new
}

func (ws *watchers) add(to *[]*watcher, limit int) *watcher {
	w := &watcher{limit: limit, news: make(chan struct{}, 1)}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	*to = append(*to, w)
	return w
}

func (ws *watchers) remove(w *watcher) {
	same := func(o *watcher) bool { return o == w }
	w.end() // ranged over again, it yields nothing
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.all, ws.raw = slices.DeleteFunc(ws.all, same), slices.DeleteFunc(ws.raw, same)
}

// rawEvent is an event of the master in the queue of somebody who asked for those.
type rawEvent struct{ *scheduler.Event }

func (rawEvent) isEvent() {}

func (ws *watchers) publishRaw(e *scheduler.Event) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for _, w := range ws.raw {
		w.put(rawEvent{e})
	}
}

// publish never waits for a watcher.
func (ws *watchers) publish(e Event) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for _, w := range ws.all {
		w.put(e)
	}
}

// end lets every watcher finish after what is in its queue.
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

func (w *watcher) put(e Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) >= w.limit {
		w.missed++
		return
	}
	w.flushMissed()
	w.queue = append(w.queue, e)
	if _, ok := e.(OfferEvent); ok {
		w.forgetRejections()
		w.cycle = len(w.queue)
	}
	w.signal()
}

// forgetRejections of the last cycle in the queue: with many pending tasks they are large, and the
// coming cycle has newer ones.
func (w *watcher) forgetRejections() {
	if w.cycle > 0 {
		e := w.queue[w.cycle-1].(OfferEvent)
		e.Rejections = nil
		w.queue[w.cycle-1] = e
	}
}

// flushMissed puts the gap where it belongs: after what was kept, before what comes now.
func (w *watcher) flushMissed() {
	if w.missed > 0 {
		w.queue = append(w.queue, LagEvent{Missed: w.missed})
		w.missed = 0
	}
}

func (w *watcher) signal() {
	select {
	case w.news <- struct{}{}:
	default:
	}
}

// take empties the queue.
func (w *watcher) take() (events []Event, ended bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flushMissed()
	events, w.queue, w.cycle = w.queue, nil, 0
	return events, w.ended
}

// Watch tells of everything that happens from this call on, until ctx ends or Run does; before the
// first Run, or between two, it is the next one that counts. The sequence can be ranged over
// once. A watcher that falls more than 4,096 events behind gets a [LagEvent] in place of what
// it missed; it never slows the scheduler or other watchers.
func (s *Scheduler) Watch(ctx context.Context) iter.Seq[Event] {
	return s.watch(ctx, &s.watchers.all, watchLimit)
}

// WatchRaw yields the events of the master as they come, before they are acted upon: what the other
// methods have no words for, such as MESSAGE and UPDATE_OPERATION_STATUS, and all the rest. They
// are shared, not to be changed. Those of a refused subscription are among them. It ends
// like [Scheduler.Watch]; a watcher that falls more than 512 events behind misses some without a word.
func (s *Scheduler) WatchRaw(ctx context.Context) iter.Seq[*scheduler.Event] {
	events := s.watch(ctx, &s.watchers.raw, rawLimit)
	return func(yield func(*scheduler.Event) bool) {
		for e := range events {
			if raw, ok := e.(rawEvent); ok && !yield(raw.Event) {
				return
			}
		}
	}
}

func (s *Scheduler) watch(ctx context.Context, group *[]*watcher, limit int) iter.Seq[Event] {
	w := s.watchers.add(group, limit)
	forget := context.AfterFunc(ctx, func() { s.watchers.remove(w) })
	return func(yield func(Event) bool) {
		defer s.watchers.remove(w)
		defer forget()
		for {
			select {
			case <-ctx.Done():
				return
			case <-w.news:
			}
			events, ended := w.take()
			for _, e := range events {
				if ctx.Err() != nil || !yield(e) {
					return
				}
			}
			if ended {
				return
			}
		}
	}
}
