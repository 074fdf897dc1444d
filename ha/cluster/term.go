package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// serve is one term, on a goroutine of its own: what earlier leaders wrote is applied first, then the term is
// recorded, which fences them off, and then lead is called.
func (r *runner) serve(ctx context.Context, t *term) result {
	number, err := r.prepare(ctx)
	if err != nil {
		return result{err: err}
	}
	store := &termStore{raft: r.raft, state: r.state, term: number, over: t.gone, turn: make(chan struct{}, 1), calls: &r.calls}
	watched, unwatch := context.WithCancelCause(ctx)
	defer unwatch(nil)
	stalled := make(chan error, 1)
	r.calls.Go(func() { stalled <- r.watchDisk(watched, store, t) })
	t.led <- number
	r.log.Info("This member leads", "term", number)
	err = r.call(ctx, scheduler.Term{Number: number, Store: store, Confirm: store.confirm})
	if ctx.Err() != nil && err != nil {
		err = errors.Join(errLost, err)
	}
	r.log.Info("This member leads no more", "term", number, "error", err)
	unwatch(nil)
	if stall := <-stalled; stall != nil {
		err = stall
	}
	return result{led: true, err: err}
}

// call calls lead. A panic ends the term, as an error would, not the process, in which others may work.
func (r *runner) call(ctx context.Context, t scheduler.Term) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("ha/cluster: the function that leads panicked: %v", p)
		}
	}()
	return r.lead(ctx, t)
}

// prepare begins a term and returns its number: Raft's, or the next one after the newest if this member has had Raft's
// before, because nobody else could be handed the leadership.
func (r *runner) prepare(ctx context.Context) (uint64, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.config.StallAfter, ErrStalled)
	defer cancel()
	answered, err := r.await(ctx, func() error { return r.raft.Barrier(r.config.StallAfter).Error() })
	if !answered {
		return 0, r.notYet(ctx)
	}
	if err != nil {
		return 0, fmt.Errorf("ha/cluster: wait for the log: %w", err)
	}
	number := max(r.raft.CurrentTerm(), r.state.epoch().term+1)
	entry := encodeBegin(epoch{term: number, leader: r.id, began: time.Now()})
	answered, err = r.await(ctx, func() error {
		future := r.raft.Apply(entry, r.config.StallAfter)
		if err := future.Error(); err != nil {
			return err
		}
		refused, _ := future.Response().(error)
		return refused
	})
	if !answered {
		return 0, r.notYet(ctx)
	}
	if err != nil {
		return 0, fmt.Errorf("ha/cluster: record term %d: %w", number, err)
	}
	return number, nil
}

// notYet returns why a term does not begin: the leadership is lost, or if Raft holds on to it, nothing is stored.
func (r *runner) notYet(ctx context.Context) error {
	cause := context.Cause(ctx)
	switch {
	case !errors.Is(cause, ErrStalled):
		return cause
	case r.raft.State() != raft.Leader:
		return errLost
	}
	if err := r.giveUp(context.WithoutCancel(ctx), 0); err != nil {
		return err
	}
	return errNotStored
}

var errNotStored = errors.New("ha/cluster: nothing is stored any more")

// watchDisk ends a term in which nothing is stored any more: Raft goes on to lead without being able to do anything. It
// returns ErrStalled if that is because the disk of this member hangs, nil otherwise and when ctx has ended.
func (r *runner) watchDisk(ctx context.Context, store *termStore, t *term) error {
	ticker := time.NewTicker(r.config.StallAfter / 2)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
		probe, cancel := context.WithTimeoutCause(ctx, r.config.StallAfter/2, ErrStalled)
		err := store.commit(probe, encodeWrite(store.term, nil))
		cancel()
		if !errors.Is(err, ErrStalled) {
			continue
		}
		r.log.Error("Nothing is stored any more, the term ends", "term", store.term, "after", r.config.StallAfter/2)
		t.end(errNotStored) // whose fault it is, giveUp finds out
		return r.giveUp(context.WithoutCancel(ctx), store.term)
	}
}

// giveUp returns ErrStalled if nothing is stored because the disk of this member hangs: then not even Raft's own loop answers.
// Otherwise the leadership can be handed over.
func (r *runner) giveUp(ctx context.Context, number uint64) error {
	ctx, cancel := context.WithTimeout(ctx, r.config.StallAfter)
	defer cancel()
	entry := encodeWrite(number, nil)
	_, err := r.await(ctx, func() error { return r.raft.Apply(entry, r.config.StallAfter/4).Error() })
	if errors.Is(err, raft.ErrEnqueueTimeout) {
		return fmt.Errorf("%w: nothing was stored for %v", ErrStalled, r.config.StallAfter)
	}
	return nil
}
