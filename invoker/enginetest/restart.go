package enginetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker"
)

// restartFindsAll checks that a new engine lists what runs, all of it and unchanged, and nothing else.
func restartFindsAll(ctx context.Context, s *suite) error {
	if s.Restart == nil {
		return errNotOffered
	}
	w := s.watch(ctx)
	var running []invoker.Instance
	for i := range 5 {
		in, err := s.create(ctx)
		if err != nil {
			return err
		}
		switch i {
		case 0:
			s.exit(ctx, in, 0)
			_, err = w.gone(in.ID)
		case 1: // an engine may tell of this end, too
			err = s.destroy(ctx, in.ID)
		default:
			running = append(running, in)
		}
		if err != nil {
			return err
		}
	}
	if err := w.stop(); err != nil {
		return err
	}
	for range 2 {
		s.Engine = s.Restart()
		if err := errors.Join(s.runs(len(running)), s.lists(ctx, running...)); err != nil {
			return fmt.Errorf("after a restart: %w", err)
		}
		for _, in := range running {
			if err := s.ready(ctx, in); err != nil {
				return fmt.Errorf("after a restart: %w", err)
			}
		}
	}
	return nil
}

// restartGoesOn checks that a new engine can do everything with the containers that it has found.
func restartGoesOn(ctx context.Context, s *suite) error {
	if s.Restart == nil {
		return errNotOffered
	}
	var in [3]invoker.Instance
	var err error
	for i := range in {
		if in[i], err = s.create(ctx); err != nil {
			return err
		}
	}
	if engine, ok := s.Engine.(invoker.Suspender); ok {
		if err := engine.Suspend(ctx, in[2].ID); err != nil {
			return fmt.Errorf("suspend: %w", err)
		}
	}
	s.Engine = s.Restart()
	w := s.watch(ctx)
	further, err := s.create(ctx)
	if err != nil {
		return fmt.Errorf("after a restart: %w", err)
	}
	if err := s.lists(ctx, in[0], in[1], in[2], further); err != nil {
		return fmt.Errorf("after a restart: %w", err)
	}
	if err := s.ready(ctx, in[2]); err != nil {
		return fmt.Errorf("a container that was suspended before a restart: %w", err)
	}
	s.exit(ctx, in[0], 0)
	if _, err := w.gone(in[0].ID); err != nil {
		return fmt.Errorf("of a container from before a restart: %w", err)
	}
	if err := errors.Join(s.destroy(ctx, in[1].ID), s.runs(2), s.lists(ctx, in[2], further)); err != nil {
		return fmt.Errorf("of a container from before a restart: %w", err)
	}
	if _, err := s.reader(); err == nil {
		for _, each := range in {
			if _, err := s.readAll(ctx, each, invoker.Stdout, 0, 4096); err != nil {
				return fmt.Errorf("of a container from before a restart: %w", err)
			}
		}
	}
	return w.stop()
}

// unavailable checks that an engine without its platform says so, and does not say that there is nothing.
func unavailable(ctx context.Context, s *suite) error {
	if s.Cut == nil {
		return errNotOffered
	}
	in, err := s.create(ctx)
	if err != nil {
		return err
	}
	mend := s.Cut()
	defer func() { mend() }()
	short, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if list, err := s.Engine.Instances(short); err == nil {
		if err := s.lists(ctx, in); err != nil {
			return fmt.Errorf("while the platform is unavailable: %d instances are listed, should be all or an error", len(list))
		}
	}
	id := s.newID()
	if _, err := s.Engine.Create(short, id, s.spec(id)); err == nil {
		return errors.New("create returned nil while the platform is unavailable")
	} else if !errors.Is(err, invoker.ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("create, while the platform is unavailable, returned %w, should wrap ErrUnavailable", err)
	}
	mend()
	mend = func() {}
	return eventually(ctx, func() error { return errors.Join(s.runs(1), s.lists(ctx, in)) })
}
