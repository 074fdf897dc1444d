package zkconn

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPace(t *testing.T) {
	p, q := Pace{Burst: 3, Interval: time.Second}, Pace{Burst: 3, Interval: time.Second}
	now := time.Now()
	for i, want := range []time.Duration{0, 0, 0, time.Second, 2 * time.Second} {
		require.Equal(t, want, p.Next(now))
		require.Equal(t, i < 3, q.Take(now))
	}
	require.False(t, q.Take(now.Add(time.Second-1)))
	require.True(t, q.Take(now.Add(time.Second)))
	require.False(t, q.Take(now.Add(time.Second)))
	for range 3 { // no more than Burst, however long nothing was done
		require.True(t, q.Take(now.Add(time.Hour)))
		require.Zero(t, p.Next(now.Add(time.Hour)))
	}
	require.False(t, q.Take(now.Add(time.Hour)))
	require.Equal(t, time.Second, p.Next(now.Add(time.Hour)))
}
