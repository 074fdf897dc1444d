package keepalive

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestFewIdleTimesAreNotBelieved(t *testing.T) {
	var h Histogram
	for range 9 {
		h.Add(90 * time.Second)
	}
	require.Equal(t, 10*time.Minute, h.Keep(10*time.Minute))
	require.InDelta(t, 0.5, h.Soon(time.Minute), 1e-9)
	h.Add(90 * time.Second)
	require.Equal(t, 2*time.Minute, h.Keep(10*time.Minute))
}

func TestKeptUntilThe99thPercentile(t *testing.T) {
	var h Histogram
	for range 99 {
		h.Add(30 * time.Second)
	}
	h.Add(45 * time.Minute)
	require.Equal(t, time.Minute, h.Keep(0))
	h.Add(45 * time.Minute)
	require.Equal(t, 46*time.Minute, h.Keep(0))
	for range 10 {
		h.Add(100 * time.Hour)
	}
	require.Equal(t, 4*time.Hour, h.Keep(0), "never longer")
}

func TestAContainerOfATimerIsWorthMostJustBeforeItsTime(t *testing.T) {
	var h Histogram
	for range 20 {
		h.Add(10*time.Minute + 20*time.Second)
	}
	require.Zero(t, h.Soon(0))
	require.Zero(t, h.Soon(8*time.Minute))
	require.InDelta(t, 0.5, h.Soon(9*time.Minute+30*time.Second), 1e-9)
	require.InDelta(t, 1, h.Soon(10*time.Minute), 1e-9)
	require.Zero(t, h.Soon(11*time.Minute), "it did not come")
}

func TestOldIdleTimesFade(t *testing.T) {
	var h Histogram
	for range 100000 {
		h.Add(3 * time.Hour)
	}
	for range 100000 {
		h.Add(time.Second)
	}
	require.Equal(t, time.Minute, h.Keep(0))
	require.Less(t, h.Count(), 5000)
}

// Against all idle times, kept and looked at one by one.
func TestHistogramAgainstNaive(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 3))
		var h Histogram
		var all []time.Duration
		for range 10 + r.IntN(200) {
			idle := time.Duration(r.ExpFloat64() * float64([]time.Duration{time.Second, 5 * time.Minute, 2 * time.Hour}[r.IntN(3)]))
			h.Add(idle)
			all = append(all, idle)
		}
		slices.Sort(all)
		require.Equal(t, len(all), h.Count())
		for _, p := range []float64{0.01, 0.5, 0.9, 0.99, 1} {
			require.Equal(t, naiveQuantile(all, p), h.Quantile(p), "seed %d, p %v", seed, p)
		}
		for m := range 241 { // at full minutes nothing is estimated
			require.InDelta(t, naiveSoon(all, m), h.Soon(time.Duration(m)*time.Minute), 1e-9, "seed %d, minute %d", seed, m)
		}
		for range 50 {
			p := h.Soon(time.Duration(r.Int64N(int64(5 * time.Hour))))
			require.True(t, p >= 0 && p <= 1+1e-9, "seed %d: %v", seed, p)
		}
	}
}

func naiveQuantile(sorted []time.Duration, p float64) time.Duration {
	for m := 1; m < 240; m++ {
		shorter := 0
		for _, d := range sorted {
			if d < time.Duration(m)*time.Minute {
				shorter++
			}
		}
		if float64(shorter) >= p*float64(len(sorted))-1e-9 {
			return time.Duration(m) * time.Minute
		}
	}
	return 4 * time.Hour
}

func naiveSoon(all []time.Duration, minute int) float64 {
	soon, longer := 0.0, 0.0
	from := time.Duration(minute) * time.Minute
	for _, d := range all {
		if d >= from {
			longer++
			if d < from+time.Minute && minute < 240 {
				soon++
			}
		}
	}
	if longer == 0 {
		return 0
	}
	return soon / longer
}

func BenchmarkHistogram(b *testing.B) {
	var h Histogram
	for i := range 1000 {
		h.Add(time.Duration(i) * 10 * time.Second)
	}
	b.Run("Add", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			h.Add(time.Minute)
		}
	})
	b.Run("Soon", func(b *testing.B) {
		for b.Loop() {
			h.Soon(20 * time.Minute)
		}
	})
	b.Run("Keep", func(b *testing.B) {
		for b.Loop() {
			h.Keep(0)
		}
	})
}
