package invoker

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/fenced"
)

// writer makes changes of records durable. What comes while one write is under way makes up the next one.
type writer struct {
	store  *recordStore
	report func(id string, err error) // the outcome of a bind

	mu      sync.Mutex
	waiting []storeChange // oldest first
	ready   chan struct{} // has a token if something waits
}

// storeChange is a change of one record. A bind is written once, and reported; other changes are written until that succeeds.
type storeChange struct {
	id    string
	value []byte // nil: the record is deleted
	bind  bool
}

func newWriter(store *recordStore, report func(id string, err error)) *writer {
	return &writer{store: store, report: report, ready: make(chan struct{}, 1)}
}

// add never blocks.
func (w *writer) add(c storeChange) {
	w.mu.Lock()
	w.waiting = append(w.waiting, c)
	w.mu.Unlock()
	signal(w.ready)
}

// run writes until ctx ends, or until the store says that another process leads: then it returns its error. After a write that failed
// it pauses for 1 s to 30 s, unless something new is to be written.
func (w *writer) run(ctx context.Context) error {
	pause := time.NewTimer(0)
	pause.Stop()
	defer pause.Stop()
	failures := 0 // in a row
	for {
		select {
		case <-w.ready:
		case <-pause.C:
		case <-ctx.Done():
			return nil
		}
		switch err := w.flush(ctx); {
		case err == nil:
			failures = 0
		case fenced.Is(err):
			return err
		default:
			pause.Reset(retryDelay(failures))
			failures++
		}
	}
}

// flush writes what waits, and returns the first error. Then all binds that were not written have failed, and the other
// changes wait again, before younger ones.
func (w *writer) flush(ctx context.Context) error {
	w.mu.Lock()
	changes := w.waiting
	w.waiting = nil
	w.mu.Unlock()
	for len(changes) > 0 {
		batch, n := w.store.cut(changes)
		err := w.store.apply(ctx, batch)
		if err != nil {
			n = len(changes)
		}
		for _, c := range changes[:n] {
			if c.bind {
				w.report(c.id, err)
			}
		}
		if err != nil {
			again := slices.DeleteFunc(changes, func(c storeChange) bool { return c.bind })
			w.mu.Lock()
			w.waiting = append(again, w.waiting...)
			w.mu.Unlock()
			return err
		}
		changes = changes[n:]
	}
	return nil
}

// cut returns as many of the first changes as one write may have, at the least one.
func (s *recordStore) cut(changes []storeChange) (batch map[string][]byte, n int) {
	batch = make(map[string][]byte)
	size := 0
	for _, c := range changes {
		key := containerPrefix + c.id
		more := len(key) + len(c.value)
		full := s.records > 0 && len(batch) == s.records || s.bytes > 0 && size+more > s.bytes
		if full && n > 0 {
			break
		}
		batch[key] = c.value
		size, n = size+more, n+1
	}
	return batch, n
}

// put has a record written.
func (w *writer) put(r record, bind bool) {
	w.add(storeChange{id: r.ID, value: encodeRecord(r), bind: bind})
}
