package invoker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker/internal/actionclient"
)

// Lease is a slot of a container, which is the caller's alone until [Lease.Release]. It is what [Invoker.Acquire] returns. Its methods may
// be called from any goroutine.
type Lease struct {
	grantor grantor
	action  *Action
	wait    time.Duration

	// Set by the pool, under its mutex, until the caller has the lease.
	granted   grant
	container *actionclient.Container
	refused   error         // why the caller gets none
	answered  chan struct{} // closed when it is known; nil if the caller does not wait

	// Used by the run under way.
	ready bool // /init has succeeded
	used  bool // there was a run before

	mu       sync.Mutex
	running  bool
	released bool
	gone     bool    // the container is: the lease is void
	outcome  outcome // what becomes of the container
	cancel   context.CancelCauseFunc
	room     <-chan struct{} // closed when the container may be used again; nil: at once
}

// grantor is who has given a lease: the pool of this process, or a dispatcher. Its methods may be called from any goroutine.
type grantor interface {
	// why returns why nothing may be sent any more, or nil.
	why() error
	// succeeded tells that /init has.
	succeeded(l *Lease)
	// release takes a lease back that its caller does not use any more. Further calls do nothing.
	release(l *Lease)
	// whyEnded waits until it is known why a container ended whose connection broke. Not found: it did not, and may still run.
	whyEnded(ctx context.Context, in Instance) (c Change, found bool)
	// collector collects the logs; it may be nil.
	collector() *logCollector
}

// errGone ends what is sent to a container that does not run any more.
var errGone = errors.New("the container is gone")

// lostGrace is how long an answer is still waited for that may have left a container before it ended.
const lostGrace = time.Second

// Container returns the container that the slot is of.
func (l *Lease) Container() Instance { return l.granted.to }

// Start returns where the container came from.
func (l *Lease) Start() StartKind { return l.granted.start }

// Run sends /init, if the container is not initialised, and /run, and returns how the activation ended. Each of the two may take the
// Timeout of the action. An action that fails or takes too long is no error: see [Result].
//
// A [*LostError] says that there is no answer, since the container was lost or ctx has ended. If its Sent is set there is a result as
// well, with the status InternalError and the logs. All other errors mean that nothing was sent: a [*ConfigError] for parameters that
// are not a JSON object or array, [ErrReleased] after Release and when the container must not be used again, which is so after a
// DeveloperError or a LostError, [ErrNotRunning] and [ErrClosed]. A lease runs one activation at a time; a second one is an error.
func (l *Lease) Run(ctx context.Context, act Activation) (*Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if err := l.begin(ctx, cancel); err != nil {
		return nil, err
	}
	defer l.end()
	return l.newRun(act).do(ctx)
}

// newRun returns the run of an activation.
func (l *Lease) newRun(act Activation) *run {
	r := &run{lease: l, action: l.action, activation: act.complete(), init: l.granted.init && !l.ready}
	r.result = &Result{ActivationID: r.activation.ID, Container: l.granted.to.ID}
	if !l.used {
		r.result.Start, r.result.Wait = l.granted.start, l.wait
	}
	l.used = true
	return r
}

// begin notes that a run has begun, when the one before it leaves room for its logs.
func (l *Lease) begin(ctx context.Context, cancel context.CancelCauseFunc) error {
	l.mu.Lock()
	room := l.room
	l.mu.Unlock()
	if room != nil {
		select {
		case <-room:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch over := l.grantor.why(); {
	case l.running:
		return errors.New("invoker: the lease runs an activation already")
	case l.released, l.outcome != reuse:
		return ErrReleased
	case l.gone:
		return &LostError{Container: l.granted.to.ID, Err: errGone}
	case over != nil:
		return over
	}
	l.running, l.cancel = true, cancel
	return nil
}

// end notes that a run has ended, and gives back a lease that was released meanwhile.
func (l *Lease) end() {
	l.mu.Lock()
	l.running, l.cancel = false, nil
	released := l.released
	l.mu.Unlock()
	if released {
		l.grantor.release(l)
	}
}

// Release releases the slot, when an activation that is running has ended. Whether the container is used again follows from how its
// activations have ended. Further calls do nothing.
func (l *Lease) Release() {
	l.mu.Lock()
	l.released = true
	running := l.running
	l.mu.Unlock()
	if !running {
		l.grantor.release(l)
	}
}

// revoked voids the lease: its container is gone. It is called by its grantor, under the grantor's mutex.
func (l *Lease) revoked() {
	if cancel := l.void(); cancel != nil {
		time.AfterFunc(lostGrace, func() { cancel(errGone) })
	}
}

// void has nothing more be sent, and returns what ends an activation that is running, or nil.
func (l *Lease) void() context.CancelCauseFunc {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gone = true
	return l.cancel
}

// run is one activation in the container of a lease.
type run struct {
	lease      *Lease
	action     *Action
	activation Activation
	init       bool // /init is to be sent first
	running    bool // /run is sent
	result     *Result
	log        *activationLog
}

// do sends what is to be sent.
func (r *run) do(ctx context.Context) (*Result, error) {
	l := r.lease
	r.log = l.grantor.collector().begin(ctx, l.granted.to, r.action, r.init)
	if r.init {
		if answer, initialised := r.initialise(ctx); !initialised {
			return r.finish(ctx, answer, answer.Sent)
		}
	}
	r.running = true
	answer := l.container.Run(ctx, &actionclient.RunRequest{Call: r.call(), Params: r.activation.Params})
	r.result.Duration = answer.Duration
	return r.finish(ctx, answer, answer.Sent)
}

// initialise sends /init, and reports whether that succeeded.
func (r *run) initialise(ctx context.Context) (a actionclient.Answer, done bool) {
	l := r.lease
	a = l.container.Init(ctx, &actionclient.InitRequest{
		Call: r.call(), Main: r.action.main(), Code: r.action.Code, Binary: r.action.Binary, Env: r.action.Env,
	})
	r.result.Init = a.Duration
	if a.Outcome != actionclient.Success {
		return a, false
	}
	l.ready = true
	l.grantor.succeeded(l)
	return a, true
}

func (r *run) call() actionclient.Call {
	deadline := r.activation.Deadline
	if deadline.IsZero() {
		deadline = time.Now().Add(r.action.timeout())
	}
	return actionclient.Call{
		Namespace: r.action.Namespace, Action: r.action.Name, Version: r.action.version(), ActivationID: r.activation.ID,
		TransactionID: r.activation.TransactionID, APIKey: r.activation.APIKey, Deadline: deadline, Timeout: r.action.timeout(),
	}
}

// finish makes a result of an answer, and says what becomes of the container.
func (r *run) finish(ctx context.Context, a actionclient.Answer, sent bool) (*Result, error) {
	l := r.lease
	lost := r.lost(ctx, &a)
	r.result.Status, r.result.Body, r.result.Truncated, r.result.TimedOut = Status(a.Outcome), a.Body, a.Truncated, a.TimedOut
	if lost != nil {
		r.result.Status = InternalError
	}
	var room <-chan struct{}
	r.result.Logs, room = r.log.end(sent)
	l.mu.Lock()
	l.room = room
	switch {
	case a.Reusable:
	case a.Broken && lost == nil:
		l.outcome = crashed
	case sent:
		l.outcome = discard
	case ctx.Err() == nil && !errors.Is(a.Err, actionclient.ErrParams) && !errors.Is(a.Err, actionclient.ErrTooLate):
		l.outcome = dead
	}
	l.mu.Unlock()
	switch {
	case errors.Is(a.Err, actionclient.ErrParams):
		return nil, &ConfigError{Field: "Activation.Params", Value: abridged(r.activation.Params), Reason: "must be a JSON object or array"}
	case lost == nil:
		return r.result, nil
	case lost.Sent:
		return r.result, lost
	}
	return nil, lost
}

// lost returns why there is no answer that the action is responsible for, or nil. A connection that broke is looked into: the action
// may have ended its process, or the platform the container. Of an activation that was lost with /init nothing was sent.
func (r *run) lost(ctx context.Context, a *actionclient.Answer) *LostError {
	err := &LostError{Container: r.result.Container, Sent: a.Sent && r.running, Err: a.Err}
	isGone := errors.Is(context.Cause(ctx), errGone)
	switch {
	case a.Err == nil || a.TimedOut:
		return nil
	case ctx.Err() != nil && !isGone && a.Outcome == actionclient.InternalError:
		err.Err = context.Cause(ctx) // the caller has left
		return err
	case !a.Sent, errors.Is(a.Err, actionclient.ErrTooLate):
		return err
	case !a.Broken && !isGone:
		return nil
	}
	c, found := r.lease.grantor.whyEnded(ctx, r.lease.granted.to)
	switch {
	case found && errors.Is(c.Err, ErrMemory):
		*a = a.OutOfMemory()
	case found && errors.Is(c.Err, ErrUnavailable):
		err.Err = fmt.Errorf("%w: %s", c.Err, c.Reason)
		return err
	case !found && isGone: // it was missing in a listing, or is being removed
		err.Err = errGone
		return err
	case a.Outcome == actionclient.InternalError:
		a.Outcome, a.Body = actionclient.DeveloperError, json.RawMessage(`{"error":"The action ended without an answer."}`)
	}
	return nil
}

// abridged returns the beginning of a text.
func abridged(b []byte) string { return string(b[:min(len(b), 64)]) }
