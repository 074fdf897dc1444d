package scheduler

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/printable"
)

// returnTime is how long a call of user code may take to return when its context has ended.
const returnTime = time.Second

// turn makes calls of user code that take a context, one at a time. A call that does not return is left behind when its
// context has ended, and keeps its turn: the next one begins when it has returned, whatever it returned.
type turn chan struct{} // of capacity 1: full during a call

func newTurn() turn { return make(turn, 1) }

// call makes a call on a goroutine of its own. It returns what the call returns, a *PanicError if it panics, or the cause
// of ctx's end: returnTime after that if the call does not return, at once if an earlier call has not.
func (t turn) call(ctx context.Context, whose string, do func(context.Context) error) error {
	if err := t.take(ctx, whose); err != nil {
		return err
	}
	return t.run(ctx, whose, do)
}

// take waits for the turn, which is given up by run.
func (t turn) take(ctx context.Context, whose string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: an earlier call of %s has not returned", context.Cause(ctx), whose)
	}
}

// run is call for who has taken the turn.
func (t turn) run(ctx context.Context, whose string, do func(context.Context) error) error {
	result := make(chan error, 1)
	go func() {
		defer func() { <-t }()
		err := errExited
		defer func() {
			if p := recover(); p != nil {
				err = panicked(whose, p)
			}
			result <- err
		}()
		err = printable.Error(do(ctx))
	}()
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
	}
	late := time.NewTimer(returnTime)
	defer late.Stop()
	select {
	case err := <-result:
		return err
	case <-late.C:
		return fmt.Errorf("%w: the call of %s has not returned", context.Cause(ctx), whose)
	}
}

// errExited is the outcome of a call that ended its goroutine instead of returning.
var errExited = errors.New("scheduler: user code called runtime.Goexit")

// storeTurn is a store whose methods are called one at a time. It outlives a run, since a call may do so as well.
type storeTurn struct {
	Store
	turn turn
	code *userCode
	late *lateWrite
}

// lateWrite is a write that succeeded after it was given up, if nothing was written or read since. It is used by who has the
// turn.
type lateWrite struct{ records map[string][]byte }

func newStoreTurn(store Store, code *userCode) storeTurn {
	return storeTurn{store, newTurn(), code, &lateWrite{}}
}

// turnOf returns the turn of a store, which may be that of an earlier run. It is called by Lead alone, which forgets the
// stores whose calls have all returned.
func (s *Scheduler) turnOf(store Store) storeTurn {
	var busy []storeTurn
	for _, t := range s.stores {
		if sameStore(t.Store, store) {
			return t
		}
		if len(t.turn) > 0 {
			busy = append(busy, t)
		}
	}
	t := newStoreTurn(store, &s.userCode)
	s.stores = append(busy, t)
	return t
}

// sameStore reports whether two stores are the same one, or may be.
func sameStore(a, b Store) bool {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	if x.Type() != y.Type() {
		return false
	}
	return !x.Comparable() || !y.Comparable() || a == b
}
