package scheduler

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// While the store is slow a task changes 100 times, and 8 events may wait. The others are left out, and watchers are told so
// before the events that come later.
func TestEventsThatWaitForTheStore(t *testing.T) {
	s := newStage(t)
	s.configure(func(set *settings) {
		set.durable, set.limits = true, defaultLimits()
		set.limits.eventsBytes = 8 * 1500
	})
	play := func(line string) string { return s.play(strings.Fields(line)) }
	for _, line := range []string{"start", "stored", "subscribed fw", "stored", "subscribed fw", "submit t", "stored", "offers o1@a1:1:1024", "stored"} {
		play(line)
	}
	for i := range 50 { // the first of these is being written, the others wait for the next write
		require.NotContains(t, play(fmt.Sprintf("update t RUNNING uuid=%02x agent=a1", 2*i)), "notify")
		require.NotContains(t, play(fmt.Sprintf("update t KILLING uuid=%02x agent=a1", 2*i+1)), "notify")
	}
	out := play("stored")
	require.Equal(t, 1, strings.Count(out, "notify"), out)
	out = play("stored")
	require.Equal(t, 7, strings.Count(out, "notify task t"), out)
	require.Contains(t, out, "notify lagged: events missed: 92\n")
	play("update t RUNNING uuid=ff agent=a1")
	require.Contains(t, play("stored"), "notify task t running")
}
