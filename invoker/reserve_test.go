package invoker

import (
	"testing"
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

func TestReserveWhatCannotBeInitialised(t *testing.T) {
	inWorld(t, func(w *world) { w.engine.initStatus = 502 }, func(t *testing.T, w *world) {
		require.ErrorContains(t, w.invoker.Reserve(t.Context(), sample("a"), 2), "/guest/a cannot be initialised")
	})
}
