package scheduler

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// Nothing is left of tasks that have been dropped from the history, however many there were: each is of a class and a
// group of its own, every third in a pod, and they end pending, launched or running, with a store that fails at times.
func TestNothingIsLeftOfDroppedTasks(t *testing.T) {
	s := newStage(t)
	s.configure(func(set *settings) {
		set.durable, set.history, set.remember.Count, set.maxWait, set.maxCycles = true, 0, -1, 1<<40, 1000
	})
	play := func(format string, args ...any) string { return s.play(strings.Fields(fmt.Sprintf(format, args...))) }
	for _, words := range []string{"start", "stored", "subscribed fw heartbeat=100000", "stored", "subscribed fw heartbeat=100000"} {
		play("%s", words)
	}
	settle := func() {
		for s.machine.storage.journal.Writing() {
			play("stored")
		}
	}
	for n := range 600 {
		specs := []task.Spec{specOf(fmt.Sprintf("t%d", n), nil)}
		if n%3 == 0 {
			specs = append(specs, specOf(fmt.Sprintf("u%d", n), nil))
		}
		for i := range specs {
			specs[i].Group, specs[i].CPUs, specs[i].Mem = fmt.Sprintf("g%d", n), 0.5, float64(32+n)
		}
		s.lastRef++
		if len(specs) > 1 {
			for i := range specs {
				specs[i].Pod = fmt.Sprintf("p%d", n)
			}
			s.step(submitPod{ref: s.lastRef, specs: specs, wait: n%2 == 0})
		} else {
			s.step(submit{ref: s.lastRef, spec: specs[0], wait: n%2 == 0})
		}
		if n%7 == 0 {
			play("stored error=no")
		}
		if n%4 > 0 {
			play("wait 10s")
			settle()
			play("offers o%d@a%d:4:2048", n, n%5)
			play("wait 10ms")
			settle()
		}
		for i := range specs {
			switch {
			case n%4 == 1:
				play("kill %s", specs[i].ID)
			case n%4 > 1:
				play("update %s RUNNING uuid=%04x01%02x agent=a%d", specs[i].ID, n, i, n%5)
				play("kill %s", specs[i].ID)
			default:
				play("kill %s", specs[0].ID)
			}
			play("update %s KILLED uuid=%04x02%02x agent=a%d", specs[i].ID, n, i, n%5)
		}
		settle()
	}
	play("wait 20m")
	for i := range 5 {
		play("lost a%d", i)
	}
	launches := 0
	for _, c := range s.sent {
		launches += len(launchedBy(c.call))
	}
	require.Greater(t, launches, 300)
	m := s.machine
	require.Empty(t, m.tasks.byID)
	require.Empty(t, m.tasks.pods)
	require.Empty(t, m.tasks.ended)
	require.Empty(t, m.backlog.classes)
	require.Zero(t, m.backlog.pending.Len())
	require.Empty(t, m.census.groups)
	require.Empty(t, m.census.agents)
	require.Empty(t, m.storage.callers)
	require.Empty(t, m.storage.specs)
	require.Empty(t, m.timers.heap)
	for name, list := range map[string]waitList{"newTasks": m.backlog.newTasks, "waits": m.backlog.waits, "looked": m.backlog.looked} {
		require.LessOrEqual(t, len(list), 65, name)
	}
	require.Zero(t, m.tasks.illegal)
}
