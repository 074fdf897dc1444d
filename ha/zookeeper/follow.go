package zookeeper

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/go-zookeeper/zk"
)

// readPause is the time between two looks at the log of a member that does not lead.
const readPause = 100 * time.Millisecond

// Follow yields the records as this member knows them, see [ha.Replica]. A member that does not lead is a tenth of a
// second behind, or a little more. Follow waits for Run to begin, and ends with it, or when the servers have lost their
// data.
func (e *Elector) Follow(ctx context.Context) iter.Seq[map[string][]byte] {
	return func(yield func(map[string][]byte) bool) {
		f := e.replica.subscribe()
		defer e.replica.unsubscribe(f)
		for {
			select {
			case <-f.wake:
			case <-ctx.Done():
				return
			}
			changes, over := e.replica.take(f)
			if over || !yield(changes) {
				return
			}
		}
	}
}

// follower is a call of Follow. It belongs to the replica's mutex.
type follower struct {
	wake    chan struct{} // of capacity 1: full if pending is not nil, or over
	begun   bool          // has got all records
	pending map[string][]byte
	over    bool
}

// tell notes a change, to be published with others.
func (f *follower) tell(key string, value []byte) {
	switch {
	case !f.begun || key == epochKey:
	case f.pending == nil:
		f.pending = map[string][]byte{key: value}
	default:
		f.pending[key] = value
	}
}

// publish hands out what has changed, and all records in the beginning.
func (f *follower) publish(all map[string]record) {
	if !f.begun {
		f.begun, f.pending = true, make(map[string][]byte, len(all))
		for key, record := range all {
			if record.value != nil {
				f.tell(key, record.value)
			}
		}
	}
	if f.pending != nil {
		f.signal()
	}
}

func (f *follower) end() {
	f.over = true
	f.signal()
}

func (f *follower) signal() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

func (r *replica) subscribe() *follower {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := &follower{wake: make(chan struct{}, 1)}
	if r.running && r.id != "" {
		f.publish(r.records)
	}
	r.followers[f] = struct{}{}
	return f
}

func (r *replica) unsubscribe(f *follower) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.followers, f)
}

// take returns what was published.
func (r *replica) take(f *follower) (changes map[string][]byte, over bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	changes, f.pending = f.pending, nil
	return changes, f.over
}

// run notes that Run begins or ends.
func (r *replica) run(running bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running = running
	for f := range r.followers {
		switch {
		case !running:
			f.end()
		case r.id != "":
			f.publish(r.records)
		}
	}
}

// keepUp reads what is new in the log until ctx ends, for a member that does not lead. Beside the watch it looks regularly.
func (e *Elector) keepUp(ctx context.Context, s *session, every time.Duration) {
	var changed <-chan zk.Event
	for said := ""; ; {
		select {
		case e.replica.busy <- struct{}{}:
		case <-ctx.Done():
			return
		}
		watch, err := e.replica.catchUp(ctx, s.conn, changed == nil)
		<-e.replica.busy
		if watch != nil {
			changed = watch
		}
		// Problems with the connection are known already.
		if errors.Is(err, ErrFormat) && err.Error() != said {
			said = err.Error()
			e.config.Logger.Warn("the records cannot be read", "member", e.config.ID, "error", err)
		}
		pause := time.After(readPause)
		select {
		case <-changed:
			changed = nil
		case <-time.After(every):
		case <-ctx.Done():
			return
		}
		select {
		case <-pause:
		case <-ctx.Done():
			return
		}
	}
}
