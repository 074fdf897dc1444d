package tokenbucket

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestReserve(t *testing.T) {
	b, now := Bucket{Burst: 3, Interval: time.Second}, time.Now()
	for _, want := range []time.Duration{0, 0, 0, time.Second, 2 * time.Second} {
		require.Equal(t, want, b.Reserve(now))
	}
	require.Equal(t, now.Add(3*time.Second), b.Next())
	later := now.Add(time.Hour)
	for range 3 { // no more than Burst, however long nothing was done
		require.Zero(t, b.Reserve(later))
	}
	require.Equal(t, time.Second, b.Reserve(later))
}

func TestTake(t *testing.T) {
	b, now := Bucket{Burst: 3, Interval: time.Second}, time.Now()
	require.True(t, b.Full(now))
	for i := range 5 {
		require.Equal(t, i < 3, b.Take(now))
	}
	require.False(t, b.Take(now.Add(time.Second-1)))
	require.True(t, b.Take(now.Add(time.Second)))
	require.False(t, b.Take(now.Add(time.Second)))
	require.False(t, b.Full(now.Add(4*time.Second-1)))
	require.True(t, b.Full(now.Add(4*time.Second)))
	for i := range 5 {
		require.Equal(t, i < 3, b.Take(now.Add(time.Hour)))
	}
}

func TestClockThatIsSetBack(t *testing.T) {
	b, now := Bucket{Burst: 2, Interval: time.Second}, time.Now()
	for i := range 3 {
		require.Equal(t, i < 2, b.Take(now))
	}
	for i := range 3 {
		require.Equal(t, i < 2, b.Take(now.Add(-time.Hour)))
	}
}
