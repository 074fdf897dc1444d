package breaker

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func second(s float64) time.Time {
	return time.Unix(1e6, 0).Add(time.Duration(s * float64(time.Second)))
}

// allowed requires that a start is allowed at an instant, and not a nanosecond before.
func allowed(t *testing.T, b *Breaker, at time.Time) {
	t.Helper()
	ok, next := b.Allow(at.Add(-1))
	require.False(t, ok)
	require.Equal(t, at, next)
	ok, _ = b.Allow(at)
	require.True(t, ok)
}

func TestThreeDeathsInAMinuteLimitAnActionToOneStartAtATime(t *testing.T) {
	var b Breaker
	p := ForAction()
	b.Failed(second(0), b.Begin(), p)
	b.Failed(second(30), b.Begin(), p)
	ok, _ := b.Allow(second(30))
	require.True(t, ok)
	b.Failed(second(59), b.Begin(), p)

	for _, pause := range []float64{1, 2, 4, 8, 16, 32, 60, 60} {
		at := b.until
		require.Equal(t, pause, b.pause.Seconds())
		allowed(t, &b, at)
		require.True(t, b.Begin(), "a trial")
		ok, next := b.Allow(at)
		require.False(t, ok, "one at a time")
		require.Zero(t, next, "it depends on its outcome")
		b.Failed(at, true, p)
	}
	require.True(t, b.Begin())
	b.Succeeded()
	require.False(t, b.Open())
	ok, _ = b.Allow(second(1000))
	require.True(t, ok)
}

func TestDeathsThatAreAMinuteApartDoNotCount(t *testing.T) {
	var b Breaker
	for i := range 100 {
		b.Failed(second(float64(i)*30), false, ForAction())
		require.False(t, b.Open())
	}
	b.Failed(second(2971), false, ForAction())
	require.True(t, b.Open(), "three in 31 s")
}

func TestFiveFailedStartsInARowPauseAnImage(t *testing.T) {
	var b Breaker
	p := ForImage()
	for i := range 4 {
		b.Failed(second(float64(i)*1000), false, p)
	}
	b.Succeeded()
	for i := range 5 {
		require.False(t, b.Open())
		b.Failed(second(float64(i)*1000), false, p)
	}
	for _, pause := range []float64{10, 20, 40, 80, 160, 300, 300} {
		require.Equal(t, pause, b.pause.Seconds())
		allowed(t, &b, b.until)
		b.Failed(b.until, b.Begin(), p)
	}
}

func TestFailuresOfStartsThatWereBegunBeforeDoNotMakeThePauseLonger(t *testing.T) {
	var b Breaker
	for range 20 {
		b.Failed(second(0), false, ForImage())
	}
	allowed(t, &b, second(10))
}

func TestATrialThatCameToNothingCanBeRepeatedAtOnce(t *testing.T) {
	var b Breaker
	for range 5 {
		b.Failed(second(0), false, ForImage())
	}
	require.True(t, b.Begin())
	b.Abandoned()
	ok, _ := b.Allow(second(10))
	require.True(t, ok)
}

// At most one start is under way while a breaker is open, whatever happens, and between two there is at least the first pause unless one
// was abandoned; against a list of all failures for when it opens.
func TestBreakerAgainstNaive(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 4))
		p := ForAction()
		if seed%2 == 0 {
			p = ForImage()
		}
		var b Breaker
		var failures []time.Time // since it was last closed
		open, running, now := false, 0, 0.0
		for range 200 {
			now += r.ExpFloat64() * 15
			if ok, at := b.Allow(second(now)); ok && r.IntN(2) == 0 {
				require.Zero(t, running, "seed %d", seed)
				if b.Begin() {
					running = 1
				}
			} else if !ok {
				require.True(t, running == 1 && at.IsZero() || running == 0 && at.After(second(now)), "seed %d", seed)
			}
			switch what := r.IntN(5); {
			case what < 3:
				b.Failed(second(now), running == 1, p)
				failures = append(failures, second(now))
				n := len(failures) - p.Failures
				open = open || n >= 0 && (p.Within == 0 || second(now).Sub(failures[n]) < p.Within)
				running = 0
			case what == 3 && running == 1:
				b.Abandoned()
				running = 0
			case what == 4 && r.IntN(4) == 0:
				b.Succeeded()
				failures, open, running = nil, false, 0
			}
			require.Equal(t, open, b.Open(), "seed %d", seed)
		}
	}
}
