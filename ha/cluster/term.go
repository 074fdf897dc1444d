package cluster

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/hashicorp/raft"

	"github.com/mesos-actor/mesos-actor-go/internal/logkey"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// serve is one term, on a goroutine of its own: what earlier leaders wrote is applied first, then the term is
// recorded, which fences them off, and then lead is called.
func (r *runner) serve(ctx context.Context, t *term) result {
	number, err := r.prepare(ctx, t.silent)
	if err != nil {
		return result{err: err}
	}
	store := &termStore{raft: r.raft, state: r.state, term: number, over: t.gone, turn: make(chan struct{}, 1), calls: &r.calls, counts: &r.member.counts}
	returned, unwatch := context.WithCancel(context.WithoutCancel(ctx)) // ends when lead has returned
	defer unwatch()
	stalled := make(chan error, 1)
	r.calls.Go(func() { stalled <- r.watchDisk(ctx, returned, store, t) })
	t.led <- number
	r.log.Debug("This member leads", logkey.Term, number)
	err = r.call(ctx, scheduler.Term{Number: number, Store: store, Confirm: store.confirm})
	if ctx.Err() != nil && err != nil {
		err = errors.Join(errLost, err)
	}
	r.log.Debug("This member leads no more", logkey.Term, number, "error", err)
	unwatch()
	if stall := <-stalled; stall != nil {
		err = stall
	}
	return result{led: true, err: err}
}

// call calls lead. A panic ends the term, as an error would, not the process, in which others may work; the log has its stack.
func (r *runner) call(ctx context.Context, t scheduler.Term) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("ha/cluster: the function that leads panicked: %v", p)
			r.log.Error("The function that leads panicked", "panic", p, "stack", string(debug.Stack()))
		}
	}()
	return r.lead(ctx, t)
}

// prepare begins a term and returns its number: Raft's, or the next one after the newest if this member has had Raft's
// before, because nobody else could be handed the leadership.
func (r *runner) prepare(ctx context.Context, silent time.Duration) (uint64, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.config.StallAfter, errNotStored)
	defer cancel()
	answered, err := r.await(ctx, func() error { return r.raft.Barrier(r.config.StallAfter).Error() })
	if !answered {
		return 0, r.notYet(ctx)
	}
	if err != nil {
		return 0, fmt.Errorf("ha/cluster: wait for the log: %w", err)
	}
	last := r.state.epoch()
	number := max(r.raft.CurrentTerm(), last.term+1)
	entry := encodeBegin(epoch{term: number, leader: r.id, began: time.Now().Add(r.config.clock), why: r.why(last.leader, silent)})
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

// why says why this member leads, after another one, and after silence for so long.
func (r *runner) why(last string, silent time.Duration) string {
	switch {
	case last == "":
		return "it is the first leader of the cluster"
	case last == r.id:
		return "it led before, and leads again"
	case silent < r.timing.election: // a member that nobody asked to lead waits for longer
		return fmt.Sprintf("member %s has handed over", last)
	default:
		return fmt.Sprintf("nothing was heard of member %s any more", last)
	}
}

// notYet returns why a term does not begin: the leadership is lost, or if Raft holds on to it, nothing is stored.
func (r *runner) notYet(ctx context.Context) error {
	cause := context.Cause(ctx)
	switch {
	case !errors.Is(cause, errNotStored):
		return cause
	case r.raft.State() != raft.Leader:
		return errLost
	}
	if err := r.giveUp(context.WithoutCancel(ctx), 0); err != nil {
		return err
	}
	return errNoMajority
}

var (
	errNoMajority = errors.New("ha/cluster: no majority stores what this member sends")
	// errNotStored is not ErrStalled: it may be the network, or the disks of the others.
	errNotStored = errors.New("ha/cluster: nothing is stored any more")
)

// watchDisk ends a term in which nothing is stored any more: Raft goes on to lead without being able to do anything. Until lead
// has returned, which may take long, it has another member elected. It returns ErrStalled if the disk of this member hangs, nil
// otherwise. Ctx is that of the term.
func (r *runner) watchDisk(ctx, returned context.Context, store *termStore, t *term) error {
	ticker := time.NewTicker(r.config.StallAfter / 2)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-returned.Done():
			return nil
		}
		if ctx.Err() == nil && r.stuck(ctx, returned, store) {
			r.log.Error("Nothing is stored any more, the term ends", logkey.Term, store.term, "after", r.config.StallAfter/2)
			t.end(errNotStored)
		}
		if !errors.Is(context.Cause(ctx), errNotStored) {
			continue
		}
		if err := r.giveUp(context.WithoutCancel(ctx), store.term); err != nil {
			_ = r.stream.Close() // Raft's heartbeats end, which would go on although nothing is stored; again in close
			return err
		}
	}
}

// stuck reports whether an entry is not stored within half of StallAfter.
func (r *runner) stuck(ctx, returned context.Context, store *termStore) bool {
	probe, cancel := context.WithTimeoutCause(ctx, r.config.StallAfter/2, errNotStored)
	defer cancel()
	defer context.AfterFunc(returned, cancel)()
	err := store.commit(probe, encodeWrite(store.term, nil))
	return errors.Is(err, errNotStored) || errors.Is(err, raft.ErrEnqueueTimeout) // both come at the same moment
}

// giveUp hands over a leadership with which nothing is stored. If not even Raft's own loop answers, it is the disk of this
// member that hangs, and there is nothing to be asked.
func (r *runner) giveUp(ctx context.Context, number uint64) error {
	ctx, cancel := context.WithTimeout(ctx, r.config.StallAfter)
	defer cancel()
	entry := encodeWrite(number, nil)
	_, err := r.await(ctx, func() error { return r.raft.Apply(entry, r.config.StallAfter/4).Error() })
	if errors.Is(err, raft.ErrEnqueueTimeout) {
		return fmt.Errorf("%w: nothing was stored for %v", ErrStalled, r.config.StallAfter)
	}
	if r.raft.State() == raft.Leader && r.others() > 0 {
		r.calls.Go(r.transfer)
	}
	return nil
}
