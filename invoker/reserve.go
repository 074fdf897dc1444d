package invoker

import (
	"context"
	"fmt"
	"sync"
)

// Reserve keeps n containers of an action initialised from now on, until it is called with another number, 0 ends it, or the run ends. It
// returns when there are so many. The error is that of the first of them that cannot be had; the reservation remains in any case.
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
	return v.warmUp(ctx, p, a, n)
}

// maxReserve is how many containers can be reserved for an action.
const maxReserve = 10_000

// warmUp holds so many containers of an action at once, and initialises those that are not.
func (v *Invoker) warmUp(ctx context.Context, p *pool, a *Action, n int) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var (
		all, held sync.WaitGroup
		first     error
		once      sync.Once
	)
	failed := func(err error) {
		once.Do(func() {
			first = err
			stop(err)
		})
	}
	held.Add(n * a.concurrency()) // all slots of a container, or several would be those of one
	for range n * a.concurrency() {
		all.Go(func() {
			l := &Lease{pool: p, action: a}
			err := p.acquire(ctx, l)
			if err == nil {
				defer l.Release()
				err = l.initialise(ctx)
			}
			if err != nil {
				failed(err)
			}
			held.Done()
			held.Wait()
		})
	}
	all.Wait()
	return first
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
	r.log = l.pool.logs.begin(ctx, l.granted.to, r.action, true)
	answer, initialised := r.initialise(ctx)
	result, err := r.finish(ctx, answer, !initialised && answer.Sent)
	if err == nil && !initialised {
		err = fmt.Errorf("invoker: the action %s cannot be initialised: %s", l.action.Name, result.Body)
	}
	return err
}
