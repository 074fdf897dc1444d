package scheduler

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// run is what callers need of a Run.
type run struct {
	requests chan *request
	limit    batchLimit // of its store; may be read after limited is closed
	limited  chan struct{}
	stopped  chan struct{} // closed when requests are no longer taken, before the run waits for the user code that it has called
	leaving  sync.Once
	left     chan struct{} // closed when callers no longer wait: at the end, or when user code does not return
	done     chan struct{} // closed at the end, before left
	err      error         // what Run returns; may be read after done is closed
}

// request is a request of a caller to the loop. Exactly one of the first three fields is set.
type request struct {
	input   func(ref) input // returns an input for the machine
	read    func(*machine)  // reads the machine
	cancels *request        // the earlier request for which the caller no longer waits

	spec   *task.Spec  // a task, or
	pod    []task.Spec // the members of a pod, that the store must be able to take at once
	waits  []string    // the IDs of the tasks that it waits for: one, or the members of a pod
	ref    ref         // set by the loop, and read only by it
	answer chan result // of capacity 1
}

// cancelled returns the input that cancels the request.
func (r *request) cancelled() input {
	if len(r.waits) == 0 {
		return cancel{ref: r.ref}
	}
	return cancel{ref: r.ref, id: r.waits[0]}
}

type result struct {
	info *record.Info // nil: none
	err  error
	// gaveUp is set instead of these when the caller no longer waits, and why the tasks had not come as far as he waited for.
	gaveUp bool
	why    *Explanation
}

// ask passes a request to the loop and waits for the answer. When ctx ends, a request with an input is cancelled; those
// that read are answered at once anyway.
func (s *Scheduler) ask(ctx context.Context, req *request) (task.Info, error) {
	if s.userCode.isCaller() {
		return task.Info{}, ErrReentrant
	}
	if ctx.Err() != nil {
		return task.Info{}, contextError(ctx)
	}
	if err := s.awaitRun(ctx); err != nil {
		return task.Info{}, err
	}
	r := s.present.Load()
	select {
	case <-r.limited:
	case <-r.left:
		return task.Info{}, r.ended()
	case <-ctx.Done():
		return task.Info{}, contextError(ctx)
	}
	if err := r.limit.fits(req); err != nil {
		return task.Info{}, err
	}
	req.answer = make(chan result, 1)
	select {
	case r.requests <- req:
	case <-r.left:
		return task.Info{}, r.ended()
	case <-ctx.Done():
		return task.Info{}, contextError(ctx)
	}
	return r.await(ctx, req)
}

// await waits for the answer to a request that the loop has taken.
func (r *run) await(ctx context.Context, req *request) (task.Info, error) {
	var given <-chan struct{}
	if req.input != nil {
		given = ctx.Done()
	}
	select {
	case res := <-req.answer:
		return res.after(ctx)
	case <-r.left:
	case <-given:
		if res, answered := r.giveUp(req); answered {
			return res.after(ctx)
		}
	}
	select {
	case res := <-req.answer: // it came just before the end of the run
		return res.after(ctx)
	default:
	}
	if given != nil && ctx.Err() != nil {
		return task.Info{}, contextError(ctx)
	}
	return task.Info{}, r.ended()
}

// giveUp takes back a request, and returns the answer to it: the loop answers now, if it has not before. There is none if
// the run ends, or if the loop is in user code for so long that the request is taken back later.
func (r *run) giveUp(req *request) (result, bool) {
	back := &request{cancels: req}
	late := time.NewTimer(returnTime)
	defer late.Stop()
	select {
	case r.requests <- back:
	case <-r.stopped: // the end of the run may wait for the caller, such as a store
		return result{}, false
	case <-late.C:
		go func() {
			select {
			case r.requests <- back:
			case <-r.stopped:
			}
		}()
		return result{}, false
	}
	select {
	case res := <-req.answer:
		return res, true
	case <-r.stopped:
		return result{}, false
	case <-r.left:
		return result{}, false
	}
}

// runTimeout is after which time callers that wait for the first run are a reason for a warning.
const runTimeout = 5 * time.Second

// awaitRun waits for the first run to begin.
func (s *Scheduler) awaitRun(ctx context.Context) error {
	select {
	case <-s.begun:
		return nil
	default:
	}
	warning := time.NewTimer(runTimeout)
	defer warning.Stop()
	for {
		select {
		case <-s.begun:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("scheduler: Run has not been called: %w", contextError(ctx))
		case <-warning.C:
			s.warnOnce.Do(func() {
				s.config.Logger.WarnContext(ctx, "Run has not been called, nor Lead: methods such as Submit and Tasks wait for it", "waited", runTimeout)
			})
		}
	}
}

// after returns what a caller gets whose context may have ended.
func (r result) after(ctx context.Context) (task.Info, error) {
	switch {
	case !r.gaveUp && r.info == nil:
		return task.Info{}, r.err
	case !r.gaveUp:
		return r.info.Public(), r.err
	case r.why == nil:
		return task.Info{}, contextError(ctx)
	}
	return r.why.Task, &WaitError{Err: contextError(ctx), Explanation: *r.why}
}

// leaveSoon lets callers go, if the end of the run takes longer than calls of user code may take that has a context: a matcher
// or a log handler, which has none, may itself wait for a caller.
func (r *run) leaveSoon() { time.AfterFunc(2*returnTime, r.leave) }

func (r *run) leave() { r.leaving.Do(func() { close(r.left) }) }

// end lets them go at the end of the run.
func (r *run) end() {
	close(r.done)
	r.leave()
}

func (r *run) ended() error {
	select {
	case <-r.done:
	default:
		return fmt.Errorf("%w: Run ends, and waits for user code", ErrNotRunning)
	}
	fenced := (*FencedError)(nil)
	switch {
	case r.err == nil:
		return ErrNotRunning
	case !errors.Is(r.err, context.Canceled) && !errors.Is(r.err, context.DeadlineExceeded):
		return fmt.Errorf("%w: %w", ErrNotRunning, r.err)
	case errors.As(r.err, &fenced): // by an error that wraps the end of a context
		return fmt.Errorf("%w: %w", ErrNotRunning, &FencedError{Err: errors.New(fenced.Err.Error())})
	}
	// Not wrapped: the caller's own context is as it was.
	return fmt.Errorf("%w: %s", ErrNotRunning, r.err.Error())
}
