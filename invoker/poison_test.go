package invoker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAnActionThatKillsItsContainersIsSlowedDownAndNoOtherIs(t *testing.T) {
	for _, end := range []string{"exit", "memory"} {
		inWorld(t, nil, func(t *testing.T, w *world) {
			var took []time.Duration
			for range 6 {
				began := time.Now()
				r, err := w.invoker.Invoke(t.Context(), sample("poison"), activation(fakeCall{End: end}))
				require.NoError(t, err)
				require.Equal(t, DeveloperError, r.Status)
				took = append(took, time.Since(began))
				began = time.Now()
				r, err = w.invoker.Invoke(t.Context(), sample("other"), Activation{})
				require.NoError(t, err)
				require.Equal(t, Success, r.Status)
				require.LessOrEqual(t, time.Since(began), 200*time.Millisecond)
			}
			const cold = 200 * time.Millisecond
			require.Equal(t, cold, took[0])
			require.Less(t, took[2], time.Second)
			require.InDelta(t, time.Second, took[3], float64(cold))
			require.InDelta(t, 2*time.Second, took[4], float64(cold))
			require.InDelta(t, 4*time.Second, took[5], float64(cold))
		})
	}
}

func TestContainersThatThePlatformEndsDoNotSlowTheirActionDown(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		for range 6 {
			began := time.Now()
			_, err := w.invoker.Invoke(t.Context(), sample("a"), activation(fakeCall{End: "platform"}))
			require.ErrorIs(t, err, ErrUnavailable)
			require.LessOrEqual(t, time.Since(began), 200*time.Millisecond)
		}
	})
}
