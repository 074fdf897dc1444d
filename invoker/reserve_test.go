package invoker

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestReserve(t *testing.T) {
	inWorld(t, func(w *world) { w.engine.initTime = 50 * ms }, func(t *testing.T, w *world) {
		a := sample("a")
		a.Concurrency = 2
		began := time.Now()
		require.NoError(t, w.invoker.Reserve(t.Context(), a, 3))
		require.Equal(t, 250*ms, time.Since(began))
		require.Equal(t, 3, w.engine.count("init"))
		require.Zero(t, w.engine.count("run"))
		for range 3 {
			r, err := w.invoker.Invoke(t.Context(), a, Activation{})
			require.NoError(t, err)
			require.Equal(t, Warm, r.Start)
			require.Zero(t, r.Init)
		}
		require.NoError(t, w.invoker.Reserve(t.Context(), a, 3))
		require.Len(t, w.engine.ids(), 3)
		require.ErrorContains(t, w.invoker.Reserve(t.Context(), a, -1), "Reserve: -1")
	})
}

// TestReservedContainersAreReplaced ends containers, and waits for longer than idle ones are kept.
func TestReservedContainersAreReplaced(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		a := sample("a")
		require.NoError(t, w.invoker.Reserve(t.Context(), a, 3))
		time.Sleep(time.Hour)
		require.Len(t, w.engine.ids(), 3)
		w.engine.failStarts(3, ErrUnavailable)
		for _, id := range w.engine.ids()[1:] {
			w.engine.end(id, nil, "died")
		}
		time.Sleep(time.Minute)
		require.Len(t, w.engine.ids(), 3)
		busy := make(chan error, 3)
		for range 3 {
			go func() {
				r, err := w.invoker.Invoke(t.Context(), a, activation(fakeCall{Sleep: 30 * time.Second}))
				if err == nil && r.Start != Warm {
					err = errTest
				}
				busy <- err
			}()
		}
		synctest.Wait()
		require.NoError(t, w.invoker.Reserve(t.Context(), a, 3), "busy ones count")
		require.Len(t, w.engine.ids(), 3)
		for range 3 {
			require.NoError(t, <-busy)
		}
		require.NoError(t, w.invoker.Reserve(t.Context(), a, 0))
		time.Sleep(5 * time.Hour)
		require.Empty(t, w.engine.ids())
	})
}

func TestReserveWhatCannotBeInitialised(t *testing.T) {
	inWorld(t, func(w *world) { w.engine.initStatus = 502 }, func(t *testing.T, w *world) {
		require.ErrorContains(t, w.invoker.Reserve(t.Context(), sample("a"), 2), "/guest/a cannot be initialised")
	})
}
