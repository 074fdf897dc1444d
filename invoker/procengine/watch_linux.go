package procengine

import (
	"context"
	"iter"
	"sync"

	"github.com/mesos-actor/mesos-actor-go/invoker"
)

// maxQueue is how many changes are kept for a watcher that is slow.
const maxQueue = 1024

// watchers has the watchers of an engine.
type watchers struct {
	mu  sync.Mutex
	all map[*watcher]struct{}
}

// watcher is a call of Watch.
type watcher struct {
	mu    sync.Mutex
	queue []invoker.Change
	wake  chan struct{} // has room for one: the queue is not empty
}

// Watch yields the ends of containers that happen after the call, until ctx ends or the engine is closed.
func (e *Engine) Watch(ctx context.Context) iter.Seq[invoker.Change] {
	w := &watcher{wake: make(chan struct{}, 1)}
	e.watchers.add(w)
	stop := context.AfterFunc(ctx, func() { e.watchers.remove(w) })
	return func(yield func(invoker.Change) bool) {
		defer e.watchers.remove(w)
		defer stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-e.closing:
				return
			case <-w.wake:
			}
			for _, change := range w.take() {
				if ctx.Err() != nil || !yield(change) {
					return
				}
			}
		}
	}
}

func (ws *watchers) add(w *watcher) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.all == nil {
		ws.all = map[*watcher]struct{}{}
	}
	ws.all[w] = struct{}{}
}

func (ws *watchers) remove(w *watcher) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	delete(ws.all, w)
}

// tell queues a change for all watchers.
func (ws *watchers) tell(change invoker.Change) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for w := range ws.all {
		w.put(change)
	}
}

func (w *watcher) put(change invoker.Change) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) == maxQueue {
		w.queue = append(w.queue[:0], invoker.Change{State: invoker.Lagged})
	}
	w.queue = append(w.queue, change)
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *watcher) take() []invoker.Change {
	w.mu.Lock()
	defer w.mu.Unlock()
	queue := w.queue
	w.queue = nil
	return queue
}
