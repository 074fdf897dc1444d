package scheduler

import (
	"context"
	"sync"
)

// inflowLimit is how many bytes of memory the events take that wait for the loop. An event that has arrived is decoded only
// once it fits, or no other event is left: so there are never two large ones. No further event is read meanwhile, and TCP makes
// the master wait.
const inflowLimit = 32 << 20

// inflow counts the memory of the events that were decoded and that the loop has not dealt with yet. The zero value is ready.
type inflow struct {
	mu    sync.Mutex
	bytes int
	freed chan struct{} // closed when there is more room; nil: nobody waits
}

// take takes room for an event, for which it waits. It returns false, and has taken none, if ctx has ended.
func (f *inflow) take(ctx context.Context, size int) bool {
	for {
		if ctx.Err() != nil {
			return false
		}
		freed := f.tryTake(size)
		if freed == nil {
			return true
		}
		select {
		case <-freed:
		case <-ctx.Done():
		}
	}
}

// tryTake takes room, if there is enough. Otherwise it returns what is closed when there is more.
func (f *inflow) tryTake(size int) (freed <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.bytes == 0 || f.bytes+size <= inflowLimit {
		f.bytes += size
		return nil
	}
	if f.freed == nil {
		f.freed = make(chan struct{})
	}
	return f.freed
}

// give gives back the room of an event.
func (f *inflow) give(size int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bytes -= size
	if f.freed != nil {
		close(f.freed)
		f.freed = nil
	}
}
