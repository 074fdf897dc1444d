package invoker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker/internal/actionclient"
)

// suspendTimeout bounds a call of Suspend or Resume.
const suspendTimeout = 10 * time.Second

// errNotReady is why a container is given up that runs, and whose runtime does not answer.
var errNotReady = errors.New("the runtime does not answer")

// creation is a call of Create that has not returned.
type creation struct {
	cancel   context.CancelCauseFunc
	returned chan struct{}
}

// perform performs a command that takes time, on a goroutine of its own.
func (p *pool) perform(ctx context.Context, c command) {
	switch c := c.(type) {
	case create:
		ctx, made := p.beginCreate(ctx, c.id)
		p.work.Go(func() { p.input(p.create(ctx, c, made)) })
	case probe:
		p.work.Go(func() { p.input(probed{c.instance.ID, p.probe(ctx, c)}) })
	case destroy:
		p.work.Go(func() { p.input(destroyed{c.id, p.destroy(ctx, c.id)}) })
	case suspend:
		connections := p.connections(c.id)
		p.work.Go(func() {
			if connections != nil {
				connections.Suspend() // a runtime that was frozen may not answer on them
			}
			p.input(suspended{c.id, p.suspending(ctx, func(ctx context.Context, s Suspender) error { return s.Suspend(ctx, c.id) })})
		})
	case resume:
		p.work.Go(func() {
			p.input(resumed{c.id, p.suspending(ctx, func(ctx context.Context, s Suspender) error { return s.Resume(ctx, c.id) })})
		})
	case list:
		p.work.Go(func() { p.list(ctx) })
	case gone:
		p.logs.gone(c.id)
		if c.container != nil {
			p.work.Go(c.container.Close)
		}
	case fillReservation:
		p.work.Go(func() { p.maintain(ctx, c.of) })
	case releaseLater:
		p.work.Go(func() {
			select {
			case <-c.lease.room:
			case <-ctx.Done():
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			p.free(c.lease, reuse)
		})
	}
}

// engineCall makes a call of the engine, which may take so long.
func engineCall[T any](ctx context.Context, timeout time.Duration, do func(context.Context) (T, error), late func(T, error)) (T, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errTimeout)
	defer cancel()
	return call(ctx, "the engine", do, late)
}

// beginCreate notes that Create is going to be called.
func (p *pool) beginCreate(ctx context.Context, id string) (context.Context, creation) {
	ctx, stop := context.WithCancelCause(ctx)
	made := creation{stop, make(chan struct{})}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.creating[id] = made
	return ctx, made
}

// create starts a container. One that comes to life after it was given up is removed, whoever decides then.
func (p *pool) create(ctx context.Context, c create, made creation) input {
	defer made.cancel(nil)
	instance, err := engineCall(ctx, p.config.CreateTimeout, func(ctx context.Context) (Instance, error) {
		defer func() {
			p.mu.Lock()
			delete(p.creating, c.id)
			p.mu.Unlock()
			close(made.returned)
		}()
		return p.engine.Create(ctx, c.id, c.spec)
	}, func(_ Instance, err error) {
		if err == nil {
			ctx, cancel := context.WithTimeout(context.Background(), p.config.DestroyTimeout)
			defer cancel()
			_ = p.engine.Destroy(ctx, c.id)
		}
	})
	switch {
	case err == nil && instance.Address == "":
		err = fmt.Errorf("%w: the engine returned no address", ErrStart)
	case err == nil:
		instance.ID = c.id
	}
	if err != nil && ctx.Err() == nil {
		p.warn(ctx, "a container did not start", c.id, err)
	}
	return created{c.id, instance, err}
}

// probe waits until the runtime of a container answers.
func (p *pool) probe(ctx context.Context, c probe) error {
	if !c.ping {
		if err := p.awaitRevoked(ctx, c.instance.Address); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, p.config.ReadyTimeout, errTimeout)
	defer cancel()
	runtime := p.client.Container(c.instance.Address, 1)
	defer runtime.Close()
	if c.ping {
		return runtime.Ping(ctx)
	}
	err := runtime.Ready(ctx)
	if err != nil {
		err = fmt.Errorf("%w: %w", errNotReady, err)
	}
	return err
}

// destroy returns nil if a container is certainly gone: not while Create may still bring it to life.
func (p *pool) destroy(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, p.config.DestroyTimeout, errTimeout)
	defer cancel()
	p.mu.Lock()
	made, creating := p.creating[id]
	p.mu.Unlock()
	if creating {
		made.cancel(errors.New("the container is not needed any more"))
		select {
		case <-made.returned:
		case <-ctx.Done():
			return errors.New("the engine is still creating it")
		}
	}
	_, err := call(ctx, "the engine", func(ctx context.Context) (none struct{}, err error) {
		return none, p.engine.Destroy(ctx, id)
	}, nil)
	return err
}

// connections returns the connections to a container, nil if there are none.
func (p *pool) connections(id string) *actionclient.Container {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.live[id]
}

func (p *pool) suspending(ctx context.Context, do func(context.Context, Suspender) error) error {
	s, able := p.engine.(Suspender)
	if !able {
		return errors.ErrUnsupported
	}
	_, err := engineCall(ctx, suspendTimeout, func(ctx context.Context) (none struct{}, err error) { return none, do(ctx, s) }, nil)
	return err
}

// warn logs an error about a container.
func (p *pool) warn(ctx context.Context, message, id string, err error) {
	args := []any{"container", id, "error", err}
	if e := (*panicError)(nil); errors.As(err, &e) {
		args = append(args, "stack", e.stack)
	}
	p.log.WarnContext(ctx, message, args...)
}
