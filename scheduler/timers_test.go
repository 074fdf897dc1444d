package scheduler

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// A timer that is started again replaces the one before. Each update of a task that is staging does that.
func TestTimersThatAreReplaced(t *testing.T) {
	oneGoroutine(t)
	var ts timers
	now := time.Unix(1e9, 0)
	entries := make([]*entry, 2000)
	for i := range entries {
		entries[i] = &entry{Task: &record.Task{Info: record.NewInfo(task.Info{State: task.StateStaging})}}
	}
	for i := range 300_000 {
		e := entries[i%len(entries)]
		at := now.Add(time.Duration(i) * time.Millisecond)
		e.launchTimer = ts.start(timer{at: at, launch: e})
		require.LessOrEqual(t, len(ts.heap), 2*len(entries)+sweepMin)
	}
	fired := map[*entry]time.Time{}
	for {
		first, ok := ts.take(now.Add(time.Hour))
		if !ok {
			break
		}
		if first.launch.launchTimer == first.number {
			fired[first.launch] = first.at
		}
	}
	require.Len(t, fired, len(entries), "the last timer of each task fires")
	for i, e := range entries {
		require.Equal(t, now.Add(time.Duration(300_000-len(entries)+i)*time.Millisecond), fired[e])
	}
}
