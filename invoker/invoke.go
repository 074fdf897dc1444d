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

// Invoke runs an activation of an action in a container of its own, which is initialised first if it has to be, and gives the
// container back. It waits for one as long as ctx lets it. An activation is sent once at the most; if its container turns out not to
// run before a byte was sent, another one is taken.
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

// Acquire waits for a container that can run the action: a warm one, a stem cell that is bound to the action, or one that is started. It
// must be released. The action must not be modified before that.
//
// Before the first run has begun it waits for that. Errors: a [*ConfigError] if the action is not valid, a [*CapacityError] if too many
// wait or ctx ends, which says what it was that the caller waited for, a [*StartError] if no container could be started,
// [ErrNotRunning] and [ErrClosed]. The cause of the end of ctx is found by errors.Is.
func (v *Invoker) Acquire(ctx context.Context, a *Action) (*Lease, error) {
	began := time.Now()
	if err := a.check(); err != nil {
		return nil, err
	}
	p, err := v.pool(ctx)
	if err != nil {
		return nil, err
	}
	l := &Lease{owner: p, action: a}
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
