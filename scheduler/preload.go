package scheduler

import (
	"context"
	"iter"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
)

// Preload takes the records of a store while another process leads, and keeps them decoded until the next
// [Scheduler.Lead], which is otherwise busy with that for a second for each 30,000 tasks or so. It takes from changes first
// all records, then those that have changed, a nil value for one that was deleted, until the sequence ends or ctx does.
// The values must not be modified.
//
// Lead loads the store of its term all the same, and uses what is decoded only for records that are the same there, byte
// for byte: Preload can only save time. It is to return before Lead begins. What it has taken replaces what an earlier
// Preload has.
func (s *Scheduler) Preload(ctx context.Context, changes iter.Seq[map[string][]byte]) {
	s.preloaded.Store(nil)
	known := &record.Cache{}
	for changed := range changes {
		if known.Update(ctx, changed); ctx.Err() != nil {
			break
		}
	}
	s.preloaded.Store(known)
}

// takePreloaded returns what Preload has left, and forgets it.
func (s *Scheduler) takePreloaded() *record.Cache {
	if known := s.preloaded.Swap(nil); known != nil {
		return known
	}
	return &record.Cache{}
}
