package scheduler

import (
	"context"
	"iter"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
)

// Preload decodes the records of a store while another process leads, and keeps them until the next [Scheduler.Lead],
// which otherwise takes about a second of one processor to decode the records of 100,000 tasks. The sequence changes has
// first all records and then those that have changed, with a nil value for a record that was deleted. Preload returns when
// the sequence ends or ctx does. The values must not be modified.
//
// Lead still loads the store of its term, and uses a decoded record only if the bytes in the store are the same:
// Preload can only save time. It must return before Lead begins. Its records replace those of an earlier Preload.
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
