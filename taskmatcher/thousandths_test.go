package taskmatcher

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOfferedAmount(t *testing.T) {
	for _, c := range []struct {
		reason string
		x      float64
		want   thousandths
	}{
		{"whole", 4, 4000},
		{"three digits", 15023.123, 15023123},
		{"x*1000 is 1000.9999999999999", 1.001, 1001},
		{"a sum with noise above", 0.1 + 0.2, 300},
		{"a sum with noise below", 0.7999999999999999, 800},
		{"half a thousandth is not there", 1.0005, 1000},
		{"nearly a thousandth is not there", 0.0009, 0},
		{"nothing", 0, 0},
		{"negative", -1, 0},
		{"not a number", math.NaN(), 0},
		{"infinite", math.Inf(1), 0},
		{"more than can be counted", 1e300, maxAmount},
	} {
		require.Equal(t, c.want, offeredAmount(c.x), c.reason)
	}
}

func TestWantedAmount(t *testing.T) {
	for _, c := range []struct {
		reason string
		x      float64
		want   thousandths
	}{
		{"whole", 4, 4000},
		{"x*1000 is 1000.9999999999999", 1.001, 1001},
		{"rounded as Mesos rounds", 0.0005, 1},
		{"rounds to nothing", 0.0004, 0},
		{"the largest amount of a spec", 1e12, maxAmount},
		{"negative", -1, math.MaxInt64},
		{"not a number", math.NaN(), math.MaxInt64},
		{"infinite", math.Inf(1), math.MaxInt64},
		{"more than can be counted", 1e300, math.MaxInt64},
	} {
		require.Equal(t, c.want, wantedAmount(c.x), c.reason)
	}
}

// Amounts with up to three decimal digits are converted to thousandths and back without a change.
func TestThousandthsRoundTrip(t *testing.T) {
	for n := thousandths(1); n < 5_000_000; n += 499 {
		require.Equal(t, n, offeredAmount(n.float()))
		require.Equal(t, n, wantedAmount(n.float()))
		// Mesos computes its figures as quotient + remainder/1000.
		require.Equal(t, n, offeredAmount(float64(n/1000)+float64(n%1000)/1000))
	}
}
