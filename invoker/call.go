package invoker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/printable"
	"github.com/mesos-actor/mesos-actor-go/invoker/internal/actionclient"
)

// returnTime is how long a call of an engine or a store may take to return when its context has ended. After that it is left
// behind with its goroutine.
const returnTime = time.Second

var (
	errExited  = errors.New("it called runtime.Goexit")
	errTimeout = errors.New("it took too long")
)

// outcomeOf is what a call of user code returned.
type outcomeOf[T any] struct {
	value T
	err   error
}

// call makes a call of user code, named who, on a goroutine of its own. It returns what the call returns, an error if it
// panics, or, returnTime after ctx has ended, an error with the cause. A call that is left behind then gives its outcome
// to late, if it returns after all; late may be nil.
func call[T any](ctx context.Context, who string, do func(context.Context) (T, error), late func(T, error)) (T, error) {
	result, left := make(chan outcomeOf[T]), make(chan struct{})
	go func() {
		o := outcomeOf[T]{err: fmt.Errorf("%s: %w", who, errExited)}
		defer func() {
			if p := recover(); p != nil {
				o = outcomeOf[T]{err: &panicError{who: who, value: p, stack: string(debug.Stack())}}
			}
			select {
			case result <- o:
			case <-left:
				if late != nil {
					late(o.value, o.err)
				}
			}
		}()
		value, err := do(ctx)
		o = outcomeOf[T]{value, printable.Error(err)}
	}()
	select {
	case o := <-result:
		return o.value, o.err
	case <-ctx.Done():
	}
	timer := time.NewTimer(returnTime)
	defer timer.Stop()
	select {
	case o := <-result:
		return o.value, o.err
	case <-timer.C:
		close(left)
		var none T
		return none, fmt.Errorf("%w: the call of %s has not returned", context.Cause(ctx), who)
	}
}

// guarded returns a function that dials with a user's one, which may panic or hang. Nil stays nil.
func guarded(dial actionclient.DialFunc) actionclient.DialFunc {
	if dial == nil {
		return nil
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		return call(ctx, "DialContext", func(ctx context.Context) (net.Conn, error) {
			return dial(ctx, network, address)
		}, func(c net.Conn, err error) {
			if err == nil && c != nil {
				_ = c.Close()
			}
		})
	}
}

// panicError is a panic of user code.
type panicError struct {
	who   string
	value any
	stack string
}

// Error returns the value. The stack is in the log.
func (e *panicError) Error() string {
	return printable.Linef("invoker: panic in %s: %v", e.who, e.value)
}

// Unwrap returns the value if it is an error.
func (e *panicError) Unwrap() error {
	err, _ := e.value.(error)
	return printable.Error(err)
}
