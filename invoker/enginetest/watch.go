package enginetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker"
)

// watch is a call of Watch, whose changes are read as they come.
type watch struct {
	changes chan invoker.Change
	cancel  context.CancelFunc
	ended   chan struct{}
}

func (s *suite) watch(ctx context.Context) *watch {
	ctx, cancel := context.WithCancel(ctx)
	w := &watch{changes: make(chan invoker.Change), cancel: cancel, ended: make(chan struct{})}
	seq := s.Engine.Watch(ctx)
	go func() {
		defer close(w.ended)
		for change := range seq {
			select {
			case w.changes <- change:
			case <-ctx.Done():
			}
		}
	}()
	return w
}

// next returns the next change that is about a container, or that changes were missed.
func (w *watch) next() (invoker.Change, error) {
	timeout := time.After(patience)
	for {
		select {
		case change := <-w.changes:
			if change.ID != "" || change.State == invoker.Lagged {
				return change, nil
			}
		case <-w.ended:
			return invoker.Change{}, errors.New("watch has ended before its context")
		case <-timeout:
			return invoker.Change{}, fmt.Errorf("watch has not told of it within %v", patience)
		}
	}
}

// gone returns the change that says that the container is gone, which must be the next one that is about a container's end.
func (w *watch) gone(id string) (invoker.Change, error) {
	for {
		change, err := w.next()
		switch {
		case err != nil:
			return change, fmt.Errorf("the end of %s: %w", id, err)
		case change.State == invoker.Lagged:
			return change, fmt.Errorf("watch says that changes were missed, where the only one was the end of %s", id)
		case change.State == invoker.Gone && change.ID == id:
			return change, nil
		case change.State == invoker.Gone:
			return change, fmt.Errorf("watch says that %s is gone, should be %s", change.ID, id)
		}
	}
}

// stop ends the watch.
func (w *watch) stop() error {
	w.cancel()
	select {
	case <-w.ended:
		return nil
	case <-time.After(patience):
		return errors.New("watch goes on when its context has ended")
	}
}

// endIsTold checks that all watchers hear of the end of a container, which is not listed then.
func endIsTold(ctx context.Context, s *suite) error {
	first, second := s.watch(ctx), s.watch(ctx)
	other, err := s.create(ctx)
	if err != nil {
		return err
	}
	for _, code := range []int{0, 1} {
		in, err := s.create(ctx)
		if err != nil {
			return err
		}
		s.exit(ctx, in, code)
		for _, w := range []*watch{first, second} {
			change, err := w.gone(in.ID)
			if err != nil {
				return err
			}
			if change.Err != nil {
				return fmt.Errorf("a container that has exited with status %d is told to have ended with the error %w", code, change.Err)
			}
		}
		if err := errors.Join(s.runs(1), s.lists(ctx, other), s.destroy(ctx, in.ID)); err != nil {
			return fmt.Errorf("after the end of a container was told: %w", err)
		}
	}
	return errors.Join(first.stop(), second.stop())
}

// memoryToldApart checks the error of a container that has used too much memory.
func memoryToldApart(ctx context.Context, s *suite) error {
	if s.OutOfMemory == nil {
		return errNotOffered
	}
	w := s.watch(ctx)
	in, err := s.create(ctx)
	if err != nil {
		return err
	}
	s.OutOfMemory(in)
	change, err := w.gone(in.ID)
	if err == nil && !errors.Is(change.Err, invoker.ErrMemory) {
		err = fmt.Errorf("a container that was out of memory is told to have ended with %v, should wrap %w", change.Err, invoker.ErrMemory)
	}
	return errors.Join(err, w.stop())
}

// watchFromCall checks that what happens between the call of Watch and the reading is told, and what happened before is not.
func watchFromCall(ctx context.Context, s *suite) error {
	early := s.watch(ctx)
	before, err := s.create(ctx)
	if err != nil {
		return err
	}
	after, err := s.create(ctx)
	if err != nil {
		return err
	}
	s.exit(ctx, before, 0)
	if _, err := early.gone(before.ID); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	seq := s.Engine.Watch(ctx)
	s.exit(ctx, after, 0)
	if _, err := early.gone(after.ID); err != nil {
		return err
	}
	for change := range seq {
		switch {
		case change.State == invoker.Lagged:
			return errors.New("watch says that changes were missed, where there was one")
		case change.State != invoker.Gone:
			continue
		case change.ID == before.ID:
			return errors.New("watch tells of a container that was gone before the call")
		case change.ID == after.ID:
			return early.stop()
		}
	}
	return errors.New("watch does not tell of the end of a container between the call and the reading")
}

// watchEnds checks that the sequence ends with its context, and when it is not read on.
func watchEnds(ctx context.Context, s *suite) error {
	idle := s.watch(ctx)
	ended, cancel := context.WithCancel(ctx)
	cancel()
	over := s.watch(ended)
	if err := errors.Join(over.stop(), idle.stop()); err != nil {
		return err
	}
	ended, cancel = context.WithCancel(ctx)
	seq := s.Engine.Watch(ended)
	in, err := s.create(ctx)
	if err != nil {
		cancel()
		return err
	}
	s.exit(ctx, in, 0)
	for range seq {
		break
	}
	cancel()
	_ = s.Engine.Watch(ended) // is never read
	return nil
}

// slowWatcher checks that a watcher that does not read holds up neither others nor the engine, and that it learns of everything,
// or that it has missed something.
func slowWatcher(ctx context.Context, s *suite) error {
	slowCtx, cancel := context.WithTimeout(ctx, limit/2)
	defer cancel()
	slow := s.Engine.Watch(slowCtx)
	w := s.watch(ctx)
	missing := map[string]bool{}
	for range 20 {
		in, err := s.create(ctx)
		if err != nil {
			return err
		}
		missing[in.ID] = true
		s.exit(ctx, in, 0)
		if _, err := w.gone(in.ID); err != nil {
			return err
		}
	}
	for change := range slow {
		if change.State == invoker.Gone {
			delete(missing, change.ID)
		}
		if change.State == invoker.Lagged || len(missing) == 0 {
			return w.stop()
		}
	}
	return fmt.Errorf("a watcher that was slow has learnt neither of the end of %d containers nor that it has missed something", len(missing))
}
