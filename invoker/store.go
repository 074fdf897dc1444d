package invoker

import (
	"context"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// storeTimeout bounds one call of Apply.
const storeTimeout = 10 * time.Second

// recordStore is a store whose methods are called one at a time. It outlives a run: a write that was left behind may still take
// effect, and a record that appears after the next run has read the store would bind a container to an action that is not
// its own.
type recordStore struct {
	scheduler.Store
	turn           chan struct{} // full during a call, also one that was left behind
	records, bytes int           // at most so much in one Apply; 0: no limit
}

// storeOf returns the recordStore of a store, which is that of an earlier run if it is the same store. known are those whose
// calls had not all returned.
func storeOf(store scheduler.Store, known []*recordStore) (s *recordStore, busy []*recordStore) {
	for _, k := range known {
		if sameStore(k.Store, store) {
			return k, known
		}
		if len(k.turn) > 0 {
			busy = append(busy, k)
		}
	}
	s = &recordStore{Store: store, turn: make(chan struct{}, 1)}
	return s, append(busy, s)
}

// sameStore reports whether two stores are the same one, or may be.
func sameStore(a, b scheduler.Store) bool {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	return x.Type() == y.Type() && (!x.Comparable() || !y.Comparable() || a == b)
}

// load reads what is stored, and makes the number of this run durable, which is returned in place of the last one's. It is higher, and
// at least that of the term. IDs of containers have it, so that none is used twice.
func (s *recordStore) load(ctx context.Context, term uint64) (contents, error) {
	all, err := inTurn(ctx, s, 0, func(ctx context.Context) (map[string][]byte, error) {
		if l, ok := s.Store.(scheduler.BatchLimiter); ok {
			s.records, s.bytes = l.BatchLimit()
		}
		return s.Store.Load(ctx)
	})
	if err != nil {
		return contents{}, fmt.Errorf("invoker: the store cannot be read: %w", err)
	}
	c, err := decodeStore(all)
	if err != nil {
		return contents{}, err
	}
	c.run = max(c.run+1, term)
	if err := s.apply(ctx, map[string][]byte{runKey: strconv.AppendUint(nil, c.run, 10)}); err != nil {
		return contents{}, fmt.Errorf("invoker: the store cannot be written: %w", err)
	}
	return c, nil
}

// apply writes changes.
func (s *recordStore) apply(ctx context.Context, changes map[string][]byte) error {
	_, err := inTurn(ctx, s, storeTimeout, func(ctx context.Context) (none struct{}, err error) {
		return none, s.Store.Apply(ctx, changes)
	})
	return err
}

// inTurn makes a call when earlier ones have returned. Both the wait for them and the call may take so long; 0: as long as ctx
// lets them.
func inTurn[T any](ctx context.Context, s *recordStore, timeout time.Duration, do func(context.Context) (T, error)) (result T, err error) {
	bounded := func() (context.Context, context.CancelFunc) {
		if timeout == 0 {
			return context.WithCancel(ctx)
		}
		return context.WithTimeoutCause(ctx, timeout, errTimeout)
	}
	wait, end := bounded()
	defer end()
	select {
	case s.turn <- struct{}{}:
	case <-wait.Done():
		return result, fmt.Errorf("%w: an earlier call of the store has not returned", context.Cause(wait))
	}
	ctx, cancel := bounded()
	defer cancel()
	return call(ctx, "the store", func(ctx context.Context) (T, error) {
		defer func() { <-s.turn }()
		return do(ctx)
	}, nil)
}
