package invoker

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"
)

// maxReserve is how many containers can be reserved for an action.
const maxReserve = 10_000

// reservation is how many containers of an action are kept.
type reservation struct {
	action *Action
	n      int           // guarded by the mutex of the pool
	lacks  chan struct{} // has a token if one may have gone
}

// Reserve keeps n containers of an action initialised, busy ones included, until it is called with another number or the run ends. n is
// from 0, which ends the reservation, to 10,000. Reserve returns when there are so many containers.
//
// Its errors are those of [Invoker.Acquire] and [Lease.Run], and one that says how /init has failed. The reservation remains then: containers that are
// missing, now or later, are started in the background, and again after 1 s to 30 s if that fails.
func (v *Invoker) Reserve(ctx context.Context, a *Action, n int) error {
	if err := a.check(); err != nil {
		return err
	}
	if n < 0 || n > maxReserve {
		return &ConfigError{Field: "Reserve", Value: n, Reason: fmt.Sprintf("must be between 0 and %d", maxReserve)}
	}
	p, err := v.pool(ctx)
	if err != nil {
		return err
	}
	if err := p.wait(ctx); err != nil {
		return err
	}
	r := p.reserve(a, n)
	err = p.fill(ctx, r)
	if err != nil {
		signal(r.lacks)
	}
	return err
}

// reserve notes how many containers of an action are kept.
func (p *pool) reserve(a *Action, n int) *reservation {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := a.key()
	r := p.reserved[key]
	if r == nil {
		own := *a
		own.Env = maps.Clone(a.Env)
		r = &reservation{action: &own, lacks: make(chan struct{}, 1)}
		p.reserved[key] = r
		p.putOff(fillReservation{r})
	}
	r.n = n
	p.step(reserve{key: key, n: n})
	return r
}

// maintain replaces the containers of a reservation that go, until ctx ends. After a failure it tries again in 1 s to 30 s.
func (p *pool) maintain(ctx context.Context, r *reservation) {
	failures := 0 // in a row
	for {
		select {
		case <-r.lacks:
		case <-ctx.Done():
			return
		}
		err := p.fill(ctx, r)
		if err == nil {
			failures = 0
			continue
		}
		select {
		case <-time.After(retryDelay(failures)):
			failures++
			signal(r.lacks)
		case <-ctx.Done():
			return
		}
	}
}

// fill holds at once all slots of the action that are free and those of the containers that are missing, so that these are started, and
// initialises what is not.
func (p *pool) fill(ctx context.Context, r *reservation) error {
	missing, free := p.missing(r)
	if missing == 0 {
		return nil
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var (
		all, held sync.WaitGroup
		once      sync.Once
		first     error
	)
	slots := free + missing*r.action.concurrency()
	held.Add(slots)
	for range slots {
		all.Go(func() {
			l := &Lease{grantor: p, action: r.action}
			err := p.acquire(ctx, l)
			if err == nil {
				defer l.Release()
				err = l.initialise(ctx)
			}
			if err != nil {
				once.Do(func() { first = err })
				stop(err)
			}
			held.Done()
			held.Wait()
		})
	}
	all.Wait()
	return first
}

// missing returns how many containers a reservation lacks, and how many slots of those that there are are free.
func (p *pool) missing(r *reservation) (missing, free int) {
	key := r.action.key()
	p.mu.Lock()
	defer p.mu.Unlock()
	have := 0
	for _, info := range p.machine.infos() {
		switch {
		case info.Key != key || !info.Initialised:
		case info.State == StateBusy:
			have++
			free += key.Concurrency - info.Active
		case info.State == StateIdle, info.State == StateSuspended, info.State == StateResuming:
			have++
			free += key.Concurrency
		}
	}
	return max(0, r.n-have), free
}

// initialise sends /init if that was not done before.
func (l *Lease) initialise(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if err := l.begin(ctx, cancel); err != nil {
		return err
	}
	defer l.end()
	r := l.newRun(Activation{})
	if !r.init {
		return nil
	}
	r.log = l.grantor.collector().begin(ctx, l.granted.to, r.action, true)
	answer, initialised := r.initialise(ctx)
	result, err := r.finish(ctx, answer, !initialised && answer.Sent)
	if err == nil && !initialised {
		err = fmt.Errorf("invoker: the action %s cannot be initialised: %s", l.action.Name, result.Body)
	}
	return err
}
