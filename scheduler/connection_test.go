package scheduler

import (
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"
)

// A step that takes long is no silence of the master. But if all steps take long, such as with a slow log, a master that is
// gone must be noticed: only the first of them since the last event may have kept the reader from reading.
func TestSilentMasterWhileAllStepsTakeLong(t *testing.T) {
	now := time.Unix(1000, 0)
	m := pendingMachine(now, 1, "1")
	heard := func() {
		m.step(now, streamEvent{stream: m.conn.stream, event: &scheduler.Event{Type: scheduler.Event_HEARTBEAT}})
	}
	long := func(d time.Duration) (ended bool) {
		now = now.Add(d)
		m.step(now, busy{d})
		for _, a := range m.step(now, wake{}) {
			if c, ok := a.(closeStream); ok {
				require.ErrorIs(t, c.err, errSilent)
				ended = true
			}
		}
		return ended
	}
	silence := m.conn.maxSilence()
	for range 10 { // as long as events come between them
		heard()
		require.False(t, long(10*silence))
	}
	require.Equal(t, now, m.conn.lastHeard)
	noticed := 0
	for i := 1; i <= 1000 && noticed == 0; i++ {
		if long(5 * time.Second) {
			noticed = i
		}
	}
	require.Equal(t, int(silence/(5*time.Second)), noticed, "long steps, of which none is excused")
}
