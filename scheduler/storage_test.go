package scheduler

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
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

// A caller that is alone is stored at once. After a write of many changes the next one waits for those whom its end makes come
// again: as long as the disk shows that it pays, and never long.
func TestWritesGatherChanges(t *testing.T) {
	for name, c := range map[string]struct {
		tasks      int
		took, wait time.Duration
	}{
		"few changes":          {gatherFrom - 1, time.Second, 0},
		"a store that is fast": {gatherFrom, 40 * time.Microsecond, 10 * time.Microsecond},
		"a disk":               {gatherFrom, 4 * time.Millisecond, time.Millisecond},
		"a store that hangs":   {gatherFrom, storeTimeout, maxGather},
	} {
		t.Run(name, func(t *testing.T) {
			m, now := newMachine(settings{durable: true}), time.Unix(1_800_000_000, 0)
			writes := func(in input) (changes []change) {
				for _, a := range m.step(now, in) {
					if w, is := a.(store); is {
						changes = w.changes
					}
				}
				return changes
			}
			submitted := 0
			submitNext := func() []change {
				submitted++
				return writes(submit{spec: task.Spec{ID: fmt.Sprint("t", submitted), CPUs: 1}})
			}
			require.Len(t, submitNext(), 1)
			for range c.tasks {
				require.Empty(t, submitNext(), "a write is under way")
			}
			require.Len(t, writes(stored{records: 1}), c.tasks, "after a small write")

			now = now.Add(c.took)
			require.Empty(t, writes(stored{records: c.tasks}))
			if c.wait == 0 {
				require.Len(t, submitNext(), 1)
				return
			}
			require.Empty(t, submitNext())
			require.Equal(t, now.Add(c.wait), m.deadline(), "else it might never be written")
			now = now.Add(c.wait - 1)
			require.Empty(t, submitNext())
			now = now.Add(1)
			require.Len(t, writes(wake{}), 2)
		})
	}
}
