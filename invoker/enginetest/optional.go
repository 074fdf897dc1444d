package enginetest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker"
)

// frozen is for how long a suspended container is asked in vain.
const frozen = 200 * time.Millisecond

// suspended checks that a container does nothing while it is suspended, and goes on as before.
func suspended(ctx context.Context, s *suite) error {
	engine, ok := s.Engine.(invoker.Suspender)
	if !ok {
		return errNotOffered
	}
	in, err := s.create(ctx)
	if err != nil {
		return err
	}
	for range 2 {
		for range 2 { // either can be repeated
			if err := engine.Suspend(ctx, in.ID); err != nil {
				return fmt.Errorf("suspend: %w", err)
			}
		}
		short, cancel := context.WithTimeout(ctx, frozen)
		_, err = s.call(short, in, http.MethodGet, "/", nil)
		cancel()
		if err == nil {
			return errors.New("a container that is suspended answers")
		}
		if err := errors.Join(s.runs(1), s.lists(ctx, in)); err != nil {
			return fmt.Errorf("while it is suspended: %w", err)
		}
		for range 2 {
			if err := engine.Resume(ctx, in.ID); err != nil {
				return fmt.Errorf("resume: %w", err)
			}
		}
		if err := s.ready(ctx, in); err != nil {
			return fmt.Errorf("when it was resumed: %w", err)
		}
	}
	return nil
}

// suspendEdges checks the ends of what can be suspended.
func suspendEdges(ctx context.Context, s *suite) error {
	engine, ok := s.Engine.(invoker.Suspender)
	if !ok {
		return errNotOffered
	}
	in, err := s.create(ctx)
	if err != nil {
		return err
	}
	if err := engine.Suspend(ctx, in.ID); err != nil {
		return fmt.Errorf("suspend: %w", err)
	}
	if err := errors.Join(s.destroy(ctx, in.ID), s.runs(0), s.lists(ctx)); err != nil {
		return fmt.Errorf("of a container that is suspended: %w", err)
	}
	for _, id := range []string{in.ID, s.newID()} {
		if engine.Suspend(ctx, id) == nil || engine.Resume(ctx, id) == nil {
			return errors.New("suspend or resume of a container that does not run returned nil")
		}
	}
	return nil
}

// agents checks that the agents of all instances are listed, and that containers take room there.
func agents(ctx context.Context, s *suite) error {
	engine, ok := s.Engine.(invoker.AgentLister)
	if !ok {
		return errNotOffered
	}
	in, err := s.create(ctx)
	if err != nil {
		return err
	}
	// What a platform says may be a moment old.
	return eventually(ctx, func() error {
		list, err := engine.Agents(ctx)
		if err != nil {
			return fmt.Errorf("agents: %w", err)
		}
		seen := map[string]bool{}
		for _, a := range list {
			if seen[a.ID] || a.Memory < 0 || a.ID == "" {
				return fmt.Errorf("agents: %+v is listed twice, or has less than nothing, or no ID", a)
			}
			seen[a.ID] = true
		}
		if !seen[in.Agent] {
			return fmt.Errorf("agents: %s, where a container runs, is not listed: %+v", in.Agent, list)
		}
		return nil
	})
}
