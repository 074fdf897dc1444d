package storetest

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"testing"

	"github.com/mesos-actor/mesos-actor-go/internal/fenced"
)

// RunFenced runs the checks for a store of which one process at a time may write: another process leads after an
// election, and the store of the one that led before says so, by errors with a method Fenced() bool that returns
// true. A scheduler then ends its run with a scheduler.FencedError.
//
// Open returns an empty store, and a function that has another process lead: from its return on the store is to refuse
// everything. It returns the store as the other process has it.
func RunFenced(t *testing.T, open func(t *testing.T) (s Store, depose func() Store)) {
	for _, c := range fenceChecks() {
		t.Run(c.name, func(t *testing.T) {
			s, depose := open(t)
			if err := c.run(t.Context(), s, depose); err != nil {
				t.Error(err)
			}
		})
	}
}

// fenceCheck is a promise of a store that can be fenced.
type fenceCheck struct {
	name string
	run  func(ctx context.Context, s Store, depose func() Store) error
}

func fenceChecks() []fenceCheck {
	return []fenceCheck{
		{"fenced for good", fencedForGood},
		{"fenced when empty", fencedWhenEmpty},
		{"only when another leads", onlyWhenAnotherLeads},
		{"fenced while writing", fencedWhileWriting},
	}
}

// fencedForGood checks that a deposed store refuses everything, says why, and writes nothing, also after its
// successor has written.
func fencedForGood(ctx context.Context, s Store, depose func() Store) error {
	model := records{}
	if err := apply(ctx, s, model, records{"a": []byte("1"), "b": []byte("1")}); err != nil {
		return err
	}
	next := depose()
	if err := holds(ctx, next, model); err != nil {
		return fmt.Errorf("the successor: %w", err)
	}
	for i := range 3 {
		if err := refuses(ctx, s); err != nil {
			return fmt.Errorf("after %d writings of the successor: %w", i, err)
		}
		if err := holds(ctx, next, model); err != nil {
			return fmt.Errorf("the successor, after a refused Apply: %w", err)
		}
		if err := apply(ctx, next, model, records{"a": nil, "c": []byte(fmt.Sprint(i))}); err != nil {
			return fmt.Errorf("the successor: %w", err)
		}
		if err := holds(ctx, next, model); err != nil {
			return fmt.Errorf("the successor: %w", err)
		}
	}
	return nil
}

// refuses checks that neither Apply nor Load works, and that both say why.
func refuses(ctx context.Context, s Store) error {
	for _, changes := range []records{{"a": []byte("2"), "d": []byte("2")}, {"b": nil}} {
		if err := s.Apply(ctx, changes); !fenced.Is(err) {
			return fmt.Errorf("apply: a deposed process was told %v, should be an error with Fenced() true", err)
		}
	}
	if _, err := s.Load(ctx); !fenced.Is(err) {
		return fmt.Errorf("load: a deposed process was told %v, should be an error with Fenced() true", err)
	}
	return nil
}

// fencedWhenEmpty checks a process that was deposed before it had done anything.
func fencedWhenEmpty(ctx context.Context, s Store, depose func() Store) error {
	next := depose()
	if err := refuses(ctx, s); err != nil {
		return err
	}
	return holds(ctx, next, records{})
}

// onlyWhenAnotherLeads checks that nothing else is taken for a change of leader.
func onlyWhenAnotherLeads(ctx context.Context, s Store, _ func() Store) error {
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if err := s.Apply(ended, records{"a": []byte("1")}); err == nil || fenced.Is(err) {
		return fmt.Errorf("apply with a context that had ended returned %v, should be its cause", err)
	}
	if _, err := s.Load(ended); err == nil || fenced.Is(err) {
		return fmt.Errorf("load with a context that had ended returned %v, should be its cause", err)
	}
	return follow(ctx, s, records{"a": []byte("1")}, records{"a": nil})
}

// fencedWhileWriting checks that what was stored before another process led is there for it, and nothing that came later.
func fencedWhileWriting(ctx context.Context, s Store, depose func() Store) error {
	const most = 1000
	var (
		writing        sync.WaitGroup
		begun          = make(chan struct{})
		stored, latest records // after the last Apply that returned nil, and with the next one
		failed         error
	)
	writing.Go(func() {
		defer close(begun)
		stored = records{}
		for i := range most {
			changes := records{"n": []byte(fmt.Sprint(i)), fmt.Sprintf("n%d", i): {}, fmt.Sprintf("n%d", i-1): nil}
			latest = maps.Clone(stored)
			if failed = applyAtOnce(ctx, s, latest, changes); failed != nil {
				latest = maps.Clone(stored)
				maps.Copy(latest, changes)
				maps.DeleteFunc(latest, func(_ string, value []byte) bool { return value == nil })
				return
			}
			stored = latest
			if i == 10 {
				begun <- struct{}{}
			}
		}
	})
	<-begun
	next := depose()
	first, err := next.Load(ctx)
	writing.Wait()
	if err != nil {
		return fmt.Errorf("the successor: load: %w", err)
	}
	if failed != nil && !fenced.Is(failed) {
		return fmt.Errorf("deposed meanwhile: %w, should be an error with Fenced() true", failed)
	}
	if err := refuses(ctx, s); err != nil {
		return err
	}
	if err := holds(ctx, next, first); err != nil {
		return fmt.Errorf("the successor, of what it loaded at first: %w", err)
	}
	// Nobody knows whether an Apply that failed had its effect.
	if err := holds(ctx, next, stored); err != nil && holds(ctx, next, latest) != nil {
		return fmt.Errorf("the successor: %w", err)
	}
	return nil
}
