package invoker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestStatsSayWhoWaitsAndWhy has callers of two actions wait, and one more of the first.
func TestStatsSayWhoWaitsAndWhy(t *testing.T) {
	b := newBench(t, func(s *settings) { s.MaxWaiting = 1000 })
	b.acquire(1, keyNamed("a"))
	began := b.now
	b.now = b.now.Add(time.Second)
	b.acquire(2, keyNamed("b"))
	b.acquire(3, keyNamed("a"))
	s := b.m.stats()
	require.Equal(t, 3, s.Waiting)
	require.Equal(t, began, s.Oldest)
	require.Equal(t, []WaitStats{
		{Key: keyNamed("a"), Callers: 2, Since: began, Reason: "containers are starting"},
		{Key: keyNamed("b"), Callers: 1, Since: b.now, Reason: "containers are starting"},
	}, s.Waits)
	for i := range 2 * maxWaits {
		b.acquire(ref(i+4), keyNamed(string(rune('c'+i))))
	}
	require.Len(t, b.m.stats().Waits, maxWaits)
}
