package storetest

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"
)

// RunHanging runs the checks for a store whose medium hangs, such as a disk that is frozen, or servers that do not answer: calls
// return when their contexts end, and what they have left behind does not undo what comes later.
//
// Open returns an empty store, and a function that makes its medium hang until the function that it returns is called, about
// half a second later. Everything that is called meanwhile is to hang.
func RunHanging(t *testing.T, open func(t *testing.T) (s Store, hang func() (resume func()))) {
	for _, c := range hangChecks() {
		t.Run(c.name, func(t *testing.T) {
			s, hang := open(t)
			if err := c.run(t.Context(), s, hang); err != nil {
				t.Error(err)
			}
		})
	}
}

// hangCheck is a promise of a store whose medium hangs.
type hangCheck struct {
	name string
	run  func(ctx context.Context, s Store, hang func() func()) error
}

func hangChecks() []hangCheck {
	return []hangCheck{
		{"contexts end what hangs", contextsEndHanging},
		{"late writes come first", lateWritesComeFirst},
	}
}

const (
	hangs    = 100 * time.Millisecond // how long each call may take
	patience = 10 * time.Second       // for a store to notice that its context has ended, on a busy machine
)

// ends calls do with a context that ends soon, and returns an error unless do returns an error then.
func ends(ctx context.Context, method string, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, hangs)
	defer cancel()
	result := make(chan error, 1)
	go func() { result <- do(ctx) }()
	select {
	case err := <-result:
		if err == nil {
			return fmt.Errorf("%s, whose context ended while the medium was hanging, returned nil, should be an error", method)
		}
		return nil
	case <-time.After(hangs + patience):
		return fmt.Errorf("%s has not returned %v after the end of its context, while the medium was hanging", method, patience)
	}
}

// contextsEndHanging checks that every call returns when its context ends, also one that waits for another.
func contextsEndHanging(ctx context.Context, s Store, hang func() func()) error {
	model := records{}
	if err := apply(ctx, s, model, records{"a": []byte("1")}); err != nil {
		return err
	}
	resume := hang()
	defer func() { resume() }()
	load := func(ctx context.Context) error { _, err := s.Load(ctx); return err }
	write := func(ctx context.Context) error { return s.Apply(ctx, records{"a": []byte("1")}) }
	for _, err := range []error{ends(ctx, "apply", write), ends(ctx, "load", load), ends(ctx, "another apply", write)} {
		if err != nil {
			return err
		}
	}
	resume()
	resume = func() {}
	if err := apply(ctx, s, model, records{"b": []byte("1")}); err != nil {
		return fmt.Errorf("when the medium no longer hangs: %w", err)
	}
	return holds(ctx, s, model)
}

// lateWritesComeFirst checks that an Apply that was given up is written before those that come later, or not at all, and
// does not use what it was given any more.
func lateWritesComeFirst(ctx context.Context, s Store, hang func() func()) error {
	model := records{}
	if err := apply(ctx, s, model, records{"a": []byte("1"), "b": []byte("1")}); err != nil {
		return err
	}
	resume := hang()
	late := records{"a": []byte("late"), "b": []byte("late")}
	err := ends(ctx, "apply", func(ctx context.Context) error { return s.Apply(ctx, late) })
	if err == nil { // otherwise it may still be reading
		copy(late["b"], "LATE")
		late["c"] = []byte("late")
	}
	resume()
	if err != nil {
		return err
	}
	for i := range 20 {
		if err := apply(ctx, s, model, records{"a": []byte(fmt.Sprint(i))}); err != nil {
			return fmt.Errorf("when the medium no longer hangs: %w", err)
		}
		got, err := s.Load(ctx)
		if err != nil {
			return fmt.Errorf("load when the medium no longer hangs: %w", err)
		}
		if i == 0 && bytes.Equal(got["b"], []byte("late")) {
			model["b"] = got["b"] // all of it was written
		}
		if err := holds(ctx, s, model); err != nil {
			return fmt.Errorf("after %d writings, of one that was given up before: %w", i+1, err)
		}
	}
	return nil
}
