package invoker

import (
	"context"
	"iter"
	"slices"
	"sync"
)

// watchLimit is how many events a watcher may be behind. An event takes about half a KiB.
const watchLimit = 8192

// watchers delivers events to all who watch. It outlives a run. No decision depends on it.
type watchers struct {
	mu    sync.Mutex
	all   []*watcher
	ended bool
}

// watcher is the queue of events for one who watches.
type watcher struct {
	mu     sync.Mutex
	queue  []*Event // shared by all who watch
	lagged *Event   // the last one that was missed, as an EventLagged; nil: none was
	ended  bool
	ready  chan struct{} // has a token if there may be something to take
}

func (ws *watchers) add() *watcher {
	w := &watcher{ready: make(chan struct{}, 1)}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.all = append(ws.all, w)
	if ws.ended {
		w.end()
	}
	return w
}

func (ws *watchers) remove(w *watcher) {
	w.end() // the sequence yields nothing if it is ranged over again
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.all = slices.DeleteFunc(ws.all, func(o *watcher) bool { return o == w })
}

// end ends all watchers, after what is in their queues.
func (ws *watchers) end() {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.ended = true
	for _, w := range ws.all {
		w.end()
	}
}

// publish never blocks.
func (ws *watchers) publish(e Event) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if len(ws.all) == 0 {
		return
	}
	shared := e // so that nothing is allocated while nobody watches
	for _, w := range ws.all {
		w.put(&shared)
	}
}

func (w *watcher) put(e *Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) == watchLimit {
		w.lagged = &Event{Epoch: e.Epoch, Seq: e.Seq, Time: e.Time, Kind: EventLagged}
		return
	}
	w.flush()
	w.queue = append(w.queue, e)
	signal(w.ready)
}

// flush puts what was missed between what was before and after that.
func (w *watcher) flush() {
	if w.lagged != nil {
		w.queue = append(w.queue, w.lagged)
		w.lagged = nil
	}
}

func (w *watcher) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	signal(w.ready)
}

// take removes all events from the queue and returns them.
func (w *watcher) take() (events []*Event, ended bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flush()
	events, w.queue = w.queue, nil
	return events, w.ended
}

// Events returns all events from this call on, of all runs, until ctx ends or [Invoker.Close] has returned. The sequence can be ranged
// over once. Whoever is more than 8,192 events behind gets an [EventLagged] in place of those that it missed, with the Seq of the last of
// them, and slows down neither the pool nor others.
func (v *Invoker) Events(ctx context.Context) iter.Seq[Event] {
	w := v.watchers.add()
	forget := context.AfterFunc(ctx, func() { v.watchers.remove(w) })
	return func(yield func(Event) bool) {
		defer v.watchers.remove(w)
		defer forget()
		for {
			select {
			case <-ctx.Done():
				return
			case <-w.ready:
			}
			events, ended := w.take()
			for _, e := range events {
				if ctx.Err() != nil || !yield(*e) {
					return
				}
			}
			if ended {
				return
			}
		}
	}
}

// Containers yields all containers that are known now, also those that are being removed, in the order in which they became known. It
// waits for the first run to begin, until ctx ends. If no run is under way it yields nothing.
func (v *Invoker) Containers(ctx context.Context) iter.Seq[Info] {
	return func(yield func(Info) bool) {
		p, err := v.pool(ctx)
		if err != nil {
			return
		}
		for _, info := range p.infos() {
			if !yield(info) {
				return
			}
		}
	}
}

func (p *pool) infos() []Info {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over != nil {
		return nil
	}
	return p.machine.infos()
}

// Stats returns what the pool holds now, and what it has done since the run began. It waits for the first run to begin, until ctx ends.
// Errors: [ErrNotRunning] and [ErrClosed].
func (v *Invoker) Stats(ctx context.Context) (Stats, error) {
	p, err := v.pool(ctx)
	if err != nil {
		return Stats{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over != nil {
		return Stats{}, p.over
	}
	return p.machine.stats(), nil
}
