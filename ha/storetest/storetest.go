package storetest

import (
	"context"
	"testing"
)

// Store is the store to check. It has the methods of scheduler.Store.
type Store interface {
	// Load returns all records, in a map that is not nil. The map and its values, none of which is nil, belong to the
	// caller.
	Load(ctx context.Context) (map[string][]byte, error)
	// Apply writes records, and deletes those with the value nil: all of them or none, durable when it returns nil. It
	// keeps neither the map nor its values. If ctx has ended before, it returns its cause and changes nothing.
	Apply(ctx context.Context, changes map[string][]byte) error
}

// Run runs every check as a subtest with a store of its own. Open returns an empty store, or fails the test; it closes
// the store with t.Cleanup. Reopen closes the store and opens it again at the same place, as a new process would; if it
// is nil, durability is not checked.
//
// A store with the method BatchLimit() (records, bytes int), see scheduler.BatchLimiter, is not given more at once, except
// by checks of its own about that limit.
func Run(t *testing.T, open func(t *testing.T) Store, reopen func(t *testing.T, s Store) Store) {
	for _, c := range append(checks(), limitChecks()...) {
		if c.reopens && reopen == nil {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			again := func(s Store) Store { return reopen(t, s) }
			if err := c.run(t.Context(), open(t), again); err != nil {
				t.Error(err)
			}
		})
	}
}

// check is one promise. Its run returns an error that says how the store breaks it.
type check struct {
	name    string
	reopens bool
	run     func(ctx context.Context, s Store, reopen func(Store) Store) error
}

func checks() []check {
	alone := func(run func(context.Context, Store) error) func(context.Context, Store, func(Store) Store) error {
		return func(ctx context.Context, s Store, _ func(Store) Store) error { return run(ctx, s) }
	}
	return []check{
		{name: "empty at first", run: alone(emptyAtFirst)},
		{name: "any bytes", run: alone(anyBytes)},
		{name: "overwrite", run: alone(overwrite)},
		{name: "delete", run: alone(deletion)},
		{name: "large values", run: alone(largeValues)},
		{name: "many keys", run: alone(manyKeys)},
		{name: "arguments are copied", run: alone(argumentsCopied)},
		{name: "results are the caller's", run: alone(resultsCopied)},
		{name: "refused as a whole", run: alone(refusedWhole)},
		{name: "context ended", run: alone(contextEnded)},
		{name: "concurrent applies have an order", run: alone(serialOrder)},
		{name: "load sees whole applies", run: alone(wholeApplies)},
		{name: "durable", reopens: true, run: durable},
	}
}
