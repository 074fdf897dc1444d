package scheduler

import (
	"context"
	"sync"
)

// inflowLimit is how many bytes of events, as they are in memory, may wait for the loop. Once they are more, no further event
// is read, and TCP makes the master wait: so they are at most as many as this and one event.
const inflowLimit = 32 << 20

// inflow counts the bytes of the events that were read and that the loop has not dealt with yet.
type inflow struct {
	mu    sync.Mutex
	bytes int
	room  chan struct{} // closed when there is room; nil: nobody waits
}

// add counts an event.
func (f *inflow) add(size int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bytes += size
}

// done counts an event that was dealt with.
func (f *inflow) done(size int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bytes -= size
	if f.bytes < inflowLimit && f.room != nil {
		close(f.room)
		f.room = nil
	}
}

// wait waits until there is room for another event, or ctx ends.
func (f *inflow) wait(ctx context.Context) {
	for ctx.Err() == nil {
		room := f.full()
		if room == nil {
			return
		}
		select {
		case <-room:
		case <-ctx.Done():
		}
	}
}

// full returns a channel that is closed when there is room again, or nil if there is room now.
func (f *inflow) full() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.bytes < inflowLimit {
		return nil
	}
	if f.room == nil {
		f.room = make(chan struct{})
	}
	return f.room
}
