package agenthttp

import (
	"context"
	"sync"
)

// turns lets a number of calls to each server pass at once, and the others in the order in which they came. It keeps nothing of
// servers that nobody calls.
type turns struct {
	most int
	mu   *sync.Mutex
	of   map[string]*queue
}

// queue is of one server.
type queue struct {
	underWay int
	waiting  []chan struct{} // closed when it is their turn
}

func newTurns(most int) turns { return turns{most: most, mu: new(sync.Mutex), of: map[string]*queue{}} }

// take waits for a turn. After an error, which is context.Cause(ctx), there is none to give back.
func (t turns) take(ctx context.Context, server string) error {
	t.mu.Lock()
	q := t.of[server]
	if q == nil {
		q = new(queue)
		t.of[server] = q
	}
	if q.underWay < t.most {
		q.underWay++
		t.mu.Unlock()
		return nil
	}
	mine := make(chan struct{})
	q.waiting = append(q.waiting, mine)
	t.mu.Unlock()
	select {
	case <-mine:
		return nil
	case <-ctx.Done():
	}
	if !t.leave(q, mine) {
		t.give(server) // it was our turn just now
	}
	return context.Cause(ctx)
}

// leave takes one that waits out of a queue, and reports whether it still waited.
func (t turns) leave(q *queue, mine chan struct{}) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, w := range q.waiting {
		if w == mine {
			q.waiting = append(q.waiting[:i], q.waiting[i+1:]...)
			return true
		}
	}
	return false
}

// give passes a turn on to the next one.
func (t turns) give(server string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	q := t.of[server]
	if len(q.waiting) > 0 {
		close(q.waiting[0])
		q.waiting = q.waiting[1:]
		return
	}
	if q.underWay--; q.underWay == 0 {
		delete(t.of, server)
	}
}
