package invoker

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"time"
)

// maxTries is how many containers are tried for an activation of which nothing was sent. Each that does not answer is removed, so that
// another one answers soon, but for a network that fails.
const maxTries = 10

// Invoke acquires a container, runs an activation in it, and releases it. It waits for the container until ctx ends. An activation is
// sent at most once. If the container turns out not to run before a byte was sent, another one is acquired, up to ten in all.
//
// Errors are those of [Invoker.Acquire] and [Lease.Run]. With a [*LostError] that says Sent there is a result as well.
func (v *Invoker) Invoke(ctx context.Context, a *Action, act Activation) (*Result, error) {
	return invoke(ctx, v.Acquire, a, act)
}

// invoke runs an activation in a container that it acquires.
func invoke(ctx context.Context, acquire func(context.Context, *Action) (*Lease, error), a *Action, act Activation) (*Result, error) {
	began := time.Now()
	act = act.complete()
	for tries := 1; ; tries++ {
		l, err := acquire(ctx, a)
		if err != nil {
			return nil, err
		}
		l.wait = time.Since(began)
		result, err := l.Run(ctx, act)
		l.Release()
		var lost *LostError
		if !errors.As(err, &lost) || lost.Sent || tries == maxTries || ctx.Err() != nil {
			return result, err
		}
	}
}

// Acquire waits, until ctx ends, for a slot of a container that can run the action: a warm one, a stem cell, or one that is started.
// The lease must be released, and the action must not be modified before.
//
// It waits for the first run to begin, too. Errors: a [*ConfigError] if the action is not valid; a [*CapacityError] if too many callers
// wait, or ctx has ended, which says what the caller waited for; a [*StartError] if no container could be started; [ErrNotRunning] and
// [ErrClosed]. errors.Is finds the cause of the end of ctx.
func (v *Invoker) Acquire(ctx context.Context, a *Action) (*Lease, error) {
	began := time.Now()
	if err := a.check(); err != nil {
		return nil, err
	}
	p, err := v.pool(ctx)
	if err != nil {
		return nil, err
	}
	l := &Lease{grantor: p, action: a}
	if err := p.acquire(ctx, l); err != nil {
		return nil, err
	}
	l.wait = time.Since(began)
	return l, nil
}

// complete returns an activation with an ID.
func (act Activation) complete() Activation {
	if act.ID == "" {
		var id [16]byte
		binary.LittleEndian.PutUint64(id[:8], rand.Uint64())
		binary.LittleEndian.PutUint64(id[8:], rand.Uint64())
		act.ID = hex.EncodeToString(id[:])
	}
	return act
}
