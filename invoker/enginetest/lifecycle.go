package enginetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker"
)

// odd are values that must arrive as they are.
func odd() map[string]string {
	return map[string]string{"ODD_EMPTY": "", "ODD_QUOTES": `it's "so" $HOME \n`, "ODD_LINES": "a\nb\n", "ODD_EQUALS": "a=b=", "ODD_LETTERS": "äöü 漢字"}
}

// asSpecified checks what a container was given, and what is said of it.
func asSpecified(ctx context.Context, s *suite) error {
	id := s.newID()
	spec := s.spec(id)
	maps.Copy(spec.Env, odd())
	maps.Copy(spec.Labels, odd())
	env, labels := maps.Clone(spec.Env), maps.Clone(spec.Labels)
	in, err := s.Engine.Create(ctx, id, spec)
	if err != nil {
		return fmt.Errorf("create: %w", err)
	}
	switch _, _, err := net.SplitHostPort(in.Address); {
	case in.ID != id:
		return fmt.Errorf("create of %s returned an instance with the ID %q", id, in.ID)
	case in.Incarnation == "", in.Agent == "", in.Started.IsZero():
		return fmt.Errorf("create returned an instance without its incarnation, its agent or the time of its start: %+v", in)
	case err != nil:
		return fmt.Errorf("create returned the address %q: %w", in.Address, err)
	case !maps.Equal(in.Labels, labels):
		return fmt.Errorf("create returned the labels %q, should be %q", in.Labels, labels)
	case !maps.Equal(spec.Env, env) || !maps.Equal(spec.Labels, labels):
		return errors.New("create has changed the maps of the spec")
	}
	if err := errors.Join(s.runs(1), s.lists(ctx, in), s.ready(ctx, in)); err != nil {
		return err
	}
	answer, err := s.call(ctx, in, http.MethodGet, "/env", nil)
	if err != nil {
		return err
	}
	var environ []string
	if err := json.Unmarshal(answer, &environ); err != nil {
		return err
	}
	for key, value := range env {
		if !slices.Contains(environ, key+"="+value) {
			return fmt.Errorf("the environment has no %s with the value %q: %q", key, value, environ)
		}
	}
	return nil
}

// notShared checks that neither side sees what the other one does to its maps.
func notShared(ctx context.Context, s *suite) error {
	id := s.newID()
	spec := s.spec(id)
	in, err := s.Engine.Create(ctx, id, spec)
	if err != nil {
		return fmt.Errorf("create: %w", err)
	}
	want := in
	want.Labels = maps.Clone(in.Labels)
	clear(spec.Labels)
	clear(spec.Env)
	clear(in.Labels)
	if err := s.lists(ctx, want); err != nil {
		return fmt.Errorf("after the spec's and the instance's maps were cleared: %w", err)
	}
	list, err := s.listed(ctx)
	if err != nil {
		return err
	}
	clear(list[id].Labels)
	if err := s.lists(ctx, want); err != nil {
		return fmt.Errorf("after the labels in a listing were cleared: %w", err)
	}
	return nil
}

// instancesComplete checks that each container is listed from the return of its Create to that of its Destroy.
func instancesComplete(ctx context.Context, s *suite) error {
	const count = 6
	created := make([]invoker.Instance, count)
	errs := make([]error, count)
	var all sync.WaitGroup
	for i := range count {
		all.Go(func() {
			if created[i], errs[i] = s.create(ctx); errs[i] != nil {
				return
			}
			list, err := s.listed(ctx)
			if err == nil {
				err = same(list[created[i].ID], created[i])
			}
			errs[i] = err
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("while others were created: %w", err)
	}
	incarnations, addresses := map[string]bool{}, map[string]bool{}
	for _, in := range created {
		incarnations[in.Incarnation], addresses[in.Address] = true, true
	}
	if len(incarnations) < count || len(addresses) < count {
		return fmt.Errorf("some of %d containers have the same incarnation, or the same address: %+v", count, created)
	}
	for i := range count {
		if err := errors.Join(s.runs(count-i), s.lists(ctx, created[i:]...), s.destroy(ctx, created[i].ID)); err != nil {
			return err
		}
	}
	return errors.Join(s.runs(0), s.lists(ctx))
}

// refusedSpecs checks the reason of each refusal.
func refusedSpecs(ctx context.Context, s *suite) error {
	if len(s.Refused) == 0 {
		return errNotOffered
	}
	for _, r := range s.Refused {
		id := s.newID()
		spec := s.spec(id)
		r.Spec.Labels, r.Spec.Name = spec.Labels, spec.Name
		if _, err := s.Engine.Create(ctx, id, r.Spec); !errors.Is(err, r.Want) {
			return fmt.Errorf("create, %s: returned %v, should wrap %w", r.Why, err, r.Want)
		}
		if err := s.nothingLeft(ctx); err != nil {
			return fmt.Errorf("after a create that was refused, %s: %w", r.Why, err)
		}
		if err := s.destroy(ctx, id); err != nil {
			return fmt.Errorf("after a create that was refused, %s: %w", r.Why, err)
		}
	}
	_, err := s.create(ctx)
	return err
}

// createGivenUp checks that the end of the context, at any moment of a Create, leaves nothing behind.
func createGivenUp(ctx context.Context, s *suite) error {
	begin := time.Now()
	in, err := s.create(ctx)
	if err != nil {
		return err
	}
	whole := time.Since(begin)
	if err := s.destroy(ctx, in.ID); err != nil {
		return err
	}
	const moments = 16
	for moment := range moments + 1 {
		id := s.newID()
		short, cancel := context.WithTimeout(ctx, whole*time.Duration(moment)/moments)
		in, err := s.Engine.Create(short, id, s.spec(id))
		cancel()
		if moment == 0 && err == nil {
			return fmt.Errorf("create, whose context had ended before, returned nil")
		}
		if err == nil {
			err = errors.Join(s.lists(ctx, in), s.destroy(ctx, id))
			if err != nil {
				return err
			}
		}
		if err := s.nothingLeft(ctx); err != nil {
			return fmt.Errorf("after create of %s, which was given up after %d/%d of its time: %w", id, moment, moments, err)
		}
	}
	return nil
}

// destroyCertain checks that nothing is left of a container when Destroy has returned, and that it can be called for any ID.
func destroyCertain(ctx context.Context, s *suite) error {
	if err := s.destroy(ctx, s.newID()); err != nil {
		return fmt.Errorf("of a container that never was: %w", err)
	}
	other, err := s.create(ctx)
	if err != nil {
		return err
	}
	for range 3 {
		in, err := s.create(ctx)
		if err != nil {
			return err
		}
		for i := range 2 {
			if err := s.destroy(ctx, in.ID); err != nil {
				return fmt.Errorf("call %d: %w", i+1, err)
			}
			if err := errors.Join(s.runs(1), s.unreachable(ctx, in), s.lists(ctx, other)); err != nil {
				return fmt.Errorf("when destroy has returned: %w", err)
			}
		}
	}
	return s.ready(ctx, other)
}

// destroyConcurrently checks that each of many calls returns when the container is gone.
func destroyConcurrently(ctx context.Context, s *suite) error {
	in, err := s.create(ctx)
	if err != nil {
		return err
	}
	const callers = 8
	errs := make([]error, callers)
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() { errs[i] = errors.Join(s.destroy(ctx, in.ID), s.runs(0), s.lists(ctx)) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// destroyGivenUp checks that a Destroy that is given up does not claim to be done, and can be repeated.
func destroyGivenUp(ctx context.Context, s *suite) error {
	for _, after := range []time.Duration{0, time.Microsecond, time.Millisecond, 10 * time.Millisecond} {
		in, err := s.create(ctx)
		if err != nil {
			return err
		}
		short, cancel := context.WithTimeout(ctx, after)
		err = s.Engine.Destroy(short, in.ID)
		cancel()
		if err == nil {
			err = errors.Join(s.runs(0), s.lists(ctx))
			if err != nil {
				return fmt.Errorf("destroy was given up after %v and has returned nil: %w", after, err)
			}
		}
		if err := errors.Join(s.destroy(ctx, in.ID), s.runs(0), s.lists(ctx)); err != nil {
			return fmt.Errorf("after another destroy that was given up: %w", err)
		}
	}
	return nil
}

// destroyDuringCreate checks that the two do not wait for each other for ever, and that the last word is Destroy's.
func destroyDuringCreate(ctx context.Context, s *suite) error {
	for _, after := range []time.Duration{0, time.Microsecond, 100 * time.Microsecond, time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond} {
		id := s.newID()
		created := make(chan error, 1)
		go func() {
			_, err := s.Engine.Create(ctx, id, s.spec(id))
			created <- err
		}()
		time.Sleep(after)
		err := s.destroy(ctx, id)
		<-created // either way
		if err = errors.Join(err, s.destroy(ctx, id)); err == nil {
			err = s.nothingLeft(ctx)
		}
		if err != nil {
			return fmt.Errorf("destroy was called %v after create: %w", after, err)
		}
	}
	return nil
}
