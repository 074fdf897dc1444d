package scheduler

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A call that does not return is given up when its context has ended, and the next one waits until it has returned.
func TestTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, turn, gaveUp := time.Now(), newTurn(), errors.New("gave up")
		limited := func() context.Context {
			ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Second, gaveUp)
			t.Cleanup(cancel)
			return ctx
		}
		returns := make(chan struct{})
		var running atomic.Int64
		hang := func(context.Context) error { running.Add(1); <-returns; running.Add(-1); return nil }
		err := turn.call(limited(), "the store", hang)
		require.ErrorIs(t, err, gaveUp)
		require.EqualError(t, err, "gave up: the call of the store has not returned")
		require.Equal(t, 11*time.Second, time.Since(began))
		err = turn.call(limited(), "the store", hang)
		require.ErrorIs(t, err, gaveUp)
		require.EqualError(t, err, "gave up: an earlier call of the store has not returned")
		require.Equal(t, 21*time.Second, time.Since(began))
		require.Equal(t, int64(1), running.Load())
		close(returns)
		require.NoError(t, turn.call(limited(), "the store", hang))
		require.Equal(t, 21*time.Second, time.Since(began))
		synctest.Wait()
		require.Zero(t, running.Load())
		require.Empty(t, turn)
	})
}

// What a call returns, and how else it ends.
func TestTurnOutcomes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turn, refused, late := newTurn(), errors.New("refused"), errors.New("returned late")
		require.ErrorIs(t, turn.call(t.Context(), "x", func(context.Context) error { return refused }), refused)
		var panicked *PanicError
		require.ErrorAs(t, turn.call(t.Context(), "x", func(context.Context) error { panic("disk on fire") }), &panicked)
		require.ErrorIs(t, turn.call(t.Context(), "x", func(context.Context) error { runtime.Goexit(); return nil }), errExited)
		ended, cancel := context.WithCancelCause(t.Context())
		err := turn.call(ended, "x", func(ctx context.Context) error {
			cancel(refused)
			time.Sleep(returnTime / 2)
			return late
		})
		require.ErrorIs(t, err, late, "what it returns is known, and says more")
		require.ErrorIs(t, turn.call(ended, "x", func(context.Context) error { panic("it must not be called") }), refused)
	})
}

type listed struct {
	Store
	_ []int // such values cannot be compared
}

func TestSameStore(t *testing.T) {
	a, b := &listed{}, &listed{}
	require.True(t, sameStore(a, a))
	require.False(t, sameStore(a, b))
	require.False(t, sameStore(a, *a))
	require.True(t, sameStore(*a, *b), "they cannot be compared, and may be the same")
	require.True(t, sameStore(limiting{records: 1}, limiting{records: 1}))
	require.False(t, sameStore(limiting{records: 1}, limiting{records: 2}))
}

// The turn of a store outlives a run as long as a call has not returned.
func TestTurnOfAStore(t *testing.T) {
	s, a, b := &Scheduler{}, &listed{}, &listed{}
	of := s.turnOf(a)
	require.Equal(t, of, s.turnOf(a))
	of.turn <- struct{}{} // a call has begun
	require.NotEqual(t, of, s.turnOf(b))
	require.Equal(t, of, s.turnOf(a))
	s.turnOf(b)
	<-of.turn
	s.turnOf(&listed{})
	require.Len(t, s.stores, 1, "those that are of no use are forgotten")
}
