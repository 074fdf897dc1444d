package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// errFenced says whether another process leads.
type errFenced struct{ fenced bool }

func (e errFenced) Error() string { return fmt.Sprintf("another process leads: %v", e.fenced) }
func (e errFenced) Fenced() bool  { return e.fenced }

// elected is a store as one of several processes has it, with fields that make it a broken one.
type elected struct {
	*plain
	term *int // the present one
	own  int

	refusal func() error        // what a deposed process is told
	load    bool                // a deposed process may still load
	writes  bool                // it writes all the same
	ended   func(error) error   // what the end of a context becomes
	deposed func(next *elected) // what happens to the records when another process leads
}

func newElected() *elected {
	return &elected{
		plain: newPlain(), term: new(int),
		refusal: func() error { return errFenced{true} },
		ended:   func(err error) error { return err },
		deposed: func(*elected) {},
	}
}

func (e *elected) depose() Store {
	e.mu.Lock()
	defer e.mu.Unlock()
	*e.term++
	next := *e
	next.own = *e.term
	e.deposed(&next)
	return &next
}

func (e *elected) fenced() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if *e.term == e.own {
		return nil
	}
	return e.refusal()
}

func (e *elected) Load(ctx context.Context) (map[string][]byte, error) {
	if err := e.fenced(); err != nil && !e.load {
		return nil, err
	}
	loaded, err := e.plain.Load(ctx)
	if err != nil {
		err = e.ended(err)
	}
	return loaded, err
}

func (e *elected) Apply(ctx context.Context, changes map[string][]byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var err error
	if *e.term != e.own {
		if err = e.refusal(); err != nil && !e.writes {
			return err
		}
	}
	if ended := context.Cause(ctx); ended != nil {
		return e.ended(ended)
	}
	put(e.records, changes)
	return err
}

func failedFences(t *testing.T, breakIt func(*elected)) []string {
	var failed []string
	for _, c := range fenceChecks() {
		e := newElected()
		breakIt(e)
		if err := c.run(t.Context(), e, e.depose); err != nil {
			failed = append(failed, c.name)
		}
	}
	return failed
}

func TestElectedStorePasses(t *testing.T) {
	require.Empty(t, failedFences(t, func(*elected) {}))
	require.Empty(t, failedFences(t, func(e *elected) {
		e.refusal = func() error { return errors.Join(errors.New("apply"), fmt.Errorf("raft: %w", errFenced{true})) }
	}), "wrapped")
	RunFenced(t, func(*testing.T) (Store, func() Store) {
		e := newElected()
		return e, e.depose
	})
	Run(t, func(*testing.T) Store { return newElected().plain }, nil)
}

func TestBrokenFencesFail(t *testing.T) {
	const forGood, empty, only, writing = "fenced for good", "fenced when empty", "only when another leads", "fenced while writing"
	for name, test := range map[string]struct {
		breakIt func(*elected)
		want    []string
	}{
		"is not fenced":     {func(e *elected) { e.refusal = func() error { return nil } }, []string{forGood, empty, writing}},
		"says nothing":      {func(e *elected) { e.refusal = func() error { return errors.New("no") } }, []string{forGood, empty, writing}},
		"says no":           {func(e *elected) { e.refusal = func() error { return errFenced{} } }, []string{forGood, empty, writing}},
		"loads":             {func(e *elected) { e.load = true }, []string{forGood, empty, writing}},
		"writes":            {func(e *elected) { e.writes = true }, []string{forGood, empty, writing}},
		"says so once":      {func(e *elected) { e.refusal = once(errFenced{true}) }, []string{forGood, empty, writing}},
		"after some time":   {func(e *elected) { e.refusal = after(4, errFenced{true}) }, []string{forGood, empty, writing}},
		"the end of a call": {func(e *elected) { e.ended = func(error) error { return errFenced{true} } }, []string{only}},
		"takes no notice":   {func(e *elected) { e.ended = func(error) error { return nil } }, []string{only}},
		"loses all":         {func(e *elected) { e.deposed = func(next *elected) { clear(next.records) } }, []string{forGood, writing}},
		"is not shared": {func(e *elected) {
			e.deposed = func(next *elected) { next.plain = newPlain() }
		}, []string{forGood, writing}},
		"the successor is fenced": {func(e *elected) { e.deposed = func(next *elected) { next.own-- } }, []string{forGood, empty, writing}},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, test.want, failedFences(t, test.breakIt)) })
	}
}

// once returns the error the first time.
func once(err error) func() error {
	return func() error {
		first := err
		err = nil
		return first
	}
}

// after returns it from then on.
func after(n int, err error) func() error {
	return func() error {
		if n--; n >= 0 {
			return nil
		}
		return err
	}
}
