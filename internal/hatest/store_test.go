package hatest

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// termStore is the store of one term as its scheduler has it: it stands still while the member is paused, is slow now and
// then, and has the commits noted.
type termStore struct {
	member *member
	inner  scheduler.Store
	term   uint64
	last   chan struct{} // of a control: closed when the write before has ended
}

var errSlow = errors.New("the store was too slow")

// BatchLimit implements scheduler.BatchLimiter.
func (s *termStore) BatchLimit() (records, bytes int) {
	if limited, is := s.inner.(scheduler.BatchLimiter); is && !s.member.flaws.wholeMap {
		return limited.BatchLimit()
	}
	return 0, 0
}

// Load implements scheduler.Store.
func (s *termStore) Load(ctx context.Context) (map[string][]byte, error) {
	m := s.member
	if err := m.host.Awake(ctx); err != nil {
		return nil, err
	}
	records, err := s.inner.Load(ctx)
	if err != nil {
		return nil, err
	}
	m.commits.made(records)
	if m.flaws.noBarrier {
		records = m.commits.stale(records)
	}
	m.commits.loaded(s.term, records)
	m.note("member %d loads %d records in term %d", m.n, len(records), s.term)
	return maps.Clone(records), m.host.Awake(ctx)
}

// Apply implements scheduler.Store.
func (s *termStore) Apply(ctx context.Context, changes map[string][]byte) error {
	m := s.member
	before, after, fails := m.disk.draw()
	if err := errors.Join(sleep(ctx, before), m.host.Awake(ctx)); err != nil {
		return err
	}
	m.commits.began(s.term, changes)
	err := s.write(ctx, changes)
	if err == nil && !fails {
		m.commits.acknowledged(s.term, changes)
	}
	if err == nil && fails {
		err = errSlow
	}
	return errors.Join(err, sleep(ctx, after), m.host.Awake(context.Background()))
}

// write has the store make the changes, in the way of the control if there is one.
func (s *termStore) write(ctx context.Context, changes map[string][]byte) error {
	switch m := s.member; {
	case m.flaws.earlyAck:
		before, done := s.last, make(chan struct{})
		s.last = done
		m.background.Go(func() {
			defer close(done)
			if before != nil {
				<-before
			}
			_ = s.commit(ctx, changes)
		})
		return nil
	case m.flaws.wholeMap:
		maps.Copy(m.cache, changes)
		whole, err := s.inner.Load(ctx)
		if err != nil {
			return err
		}
		for key := range whole {
			whole[key] = nil
		}
		maps.Copy(whole, m.cache)
		return s.commit(ctx, whole)
	}
	return s.commit(ctx, changes)
}

func (s *termStore) commit(ctx context.Context, changes map[string][]byte) error {
	err := s.inner.Apply(ctx, changes)
	if err == nil {
		s.member.commits.made(changes)
	}
	return err
}

// sleep waits, unless ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// disk is how slow a member's store is.
type disk struct {
	mu     sync.Mutex
	random *rand.Rand
	slow   float64 // probability
}

func (d *disk) set(slow float64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.slow = slow
}

// draw returns how long a write takes before it is made and until that is told, and whether it is told as a failure.
func (d *disk) draw() (before, after time.Duration, fails bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.slow == 0 || d.random.Float64() >= d.slow {
		return 0, 0, false
	}
	take := time.Duration(d.random.ExpFloat64() * float64(2*time.Second))
	if d.random.IntN(2) == 0 {
		return take, 0, d.random.IntN(4) == 0
	}
	return 0, take, d.random.IntN(2) == 0
}
