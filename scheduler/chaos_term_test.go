package scheduler

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
)

// process has a scheduler, which leads for one term after the other.
type process struct {
	*chaos
	sched *Scheduler
	term  atomic.Pointer[chaosTerm]
}

// chaosTerm is the store as one term's process has it, and that process' place in the election.
type chaosTerm struct {
	*chaosStore
	number uint64
	limit  batchLimit
	late   time.Duration // how long Confirm goes on to be true

	// Guarded by the mutex of the store:
	busy   bool      // with a call; there may be one at a time
	over   time.Time // when another process was elected
	fenced time.Time // when this one was told so
}

// errDeposed tells a process that another one leads.
type errDeposed struct{ term uint64 }

func (e errDeposed) Error() string { return fmt.Sprintf("term %d is over", e.term) }

// Fenced makes it known.
func (errDeposed) Fenced() bool { return true }

// elects reports whether this seed's processes are elected.
func (c *chaos) elects() bool { return c.seed%3 == 2 }

// limit is how much this seed's store takes at once.
func (c *chaos) limit() batchLimit {
	return map[uint64]batchLimit{1: {records: 6}, 2: {bytes: 8 << 10}, 3: {records: 9, bytes: 16 << 10}}[c.seed%5]
}

// elect has the process lead that asks for it. Without elections its store stays as it is.
func (c *chaos) elect() *chaosTerm {
	s := c.store
	s.mu.Lock()
	defer s.mu.Unlock()
	t := &chaosTerm{chaosStore: s, limit: c.limit()}
	if !c.elects() {
		return t
	}
	s.term++
	t.number = s.term
	// One that goes on to lead as far as it knows would kill what its successor has launched.
	if c.seed%8 != 3 {
		t.late = time.Duration(s.term%3) * 4 * time.Second
	}
	if s.last != nil {
		s.last.over = time.Now()
	}
	s.last = t
	return t
}

// electOthers has another process lead now and then.
func (c *chaos) electOthers(ctx context.Context, random *rand.Rand) {
	for time.Since(c.history.began) < chaosTime {
		select {
		case <-time.After(time.Duration(random.ExpFloat64() * float64(4*time.Minute))):
		case <-ctx.Done():
			return
		}
		if time.Since(c.history.began) < chaosTime {
			select {
			case c.another <- struct{}{}:
			default:
			}
		}
	}
}

// lead runs the scheduler for a term, and checks how it ends.
func (p *process) lead(ctx context.Context, t *chaosTerm) <-chan error {
	p.term.Store(t)
	p.mu.Lock()
	p.leading++
	p.mu.Unlock()
	ended := make(chan error, 1)
	go func() {
		term := Term{Number: t.number, Store: t}
		if t.number > 0 {
			term.Confirm = t.confirm
		}
		err := p.sched.Lead(ctx, term)
		t.mu.Lock()
		fenced := t.fenced
		t.mu.Unlock()
		var told *FencedError
		switch {
		case fenced.IsZero() && errors.As(err, &told):
			p.history.violate("fenced", "", "term %d ended without a reason: %v", t.number, err)
		case !fenced.IsZero() && !errors.As(err, &told) && ctx.Err() == nil:
			p.history.violate("fenced", "", "term %d was told that it is over, and ended with: %v", t.number, err)
		case time.Since(fenced) > 5*time.Millisecond && !fenced.IsZero(): // slow connections have to end
			p.history.violate("fenced", "", "term %d was told that it is over, and went on for %v", t.number, time.Since(fenced))
		}
		p.mu.Lock()
		p.leading--
		p.mu.Unlock()
		ended <- err
	}()
	return ended
}

// checkSends is asked when a call leaves.
func (p *process) checkSends() {
	t := p.term.Load()
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.fenced.IsZero() && time.Now().After(t.fenced) {
		p.history.violate("sent after fence", "", "term %d goes on to send, %v after it was told that it is over", t.number, time.Since(t.fenced))
	}
}

// deposed reports whether another process was elected. The mutex is held, as by the two below.
func (s *chaosTerm) deposed() bool { return s.number != s.chaosStore.term }

// unlessDeposed returns what becomes of a call: nothing once another process was elected.
func (s *chaosTerm) unlessDeposed(f storeOutcome) storeOutcome {
	if s.deposed() {
		f.effect = false
		if f.err == nil {
			f.err = s.fence()
		}
	}
	return f
}

// fence says that another process was elected.
func (s *chaosTerm) fence() error {
	if s.fenced.IsZero() {
		s.fenced = time.Now()
	}
	return fmt.Errorf("chaos: %w", errDeposed{s.number})
}

// confirm takes its time. A late one does not know of the newest election yet, and nobody knows while the store is in
// trouble.
func (s *chaosTerm) confirm(ctx context.Context) error {
	began := time.Now()
	s.mu.Lock()
	trouble := s.failureRate * float64(began.UnixNano()%1000) / 1000
	s.mu.Unlock()
	timer := time.NewTimer(time.Duration(1+began.UnixNano()%2000) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case trouble > 0.5:
		return errStore
	case s.deposed() && time.Since(s.over) >= s.late:
		return s.fence()
	}
	return nil
}

// BatchLimit makes it a BatchLimiter.
func (s *chaosTerm) BatchLimit() (records, bytes int) { return s.limit.records, s.limit.bytes }

func (s *chaosTerm) checkLimit(changes map[string][]byte) {
	size := sizeOf(changes)
	if s.limit.records > 0 && len(changes) > s.limit.records || s.limit.bytes > 0 && size > s.limit.bytes {
		s.failed("batch", "", "a writing has %d records of %d bytes, the limit is %v", len(changes), size, s.limit)
	}
	for key := range changes {
		if id, isSpec := strings.CutPrefix(key, record.SpecKey("")); isSpec {
			if _, both := changes[record.TaskKey(id)]; !both {
				s.failed("batch", id, "a writing has the spec of %s and not its state", id)
			}
		}
	}
}
