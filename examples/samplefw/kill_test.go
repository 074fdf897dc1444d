//go:build integration

package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"
)

// These tests kill the program with SIGKILL and start it again with the same store, over and over,
// while the master lives on. A generation is a master, a store and one framework: in most of its
// lives tasks are added, so that launches are under way at most kills; the last ones end it.
const (
	livesAdding = 20
	livesEnding = 5
	tasksAdded  = 3 // in a life
	patience    = time.Minute
)

// A process that is killed at any moment loses no task and launches none twice. KILLS says how many kills; by default 75 are
// enough, with -short those of one generation.
func TestKilledAnywhere(t *testing.T) {
	byDefault := "75"
	if testing.Short() {
		byDefault = "25"
	}
	kills, err := strconv.Atoi(cmp.Or(os.Getenv("KILLS"), byDefault))
	require.NoError(t, err, "KILLS")
	program, began := build(t), time.Now()
	total := tally{}
	for n := uint64(0); total["kills"] < kills; n++ {
		t.Run(fmt.Sprint("generation ", n), func(t *testing.T) {
			g := newGeneration(t, program, n)
			for range livesAdding {
				g.add()
			}
			g.settle()
			g.end()
			require.Empty(t, g.faults, "%s", g.said())
			total.sum(g.tally)
		})
		require.False(t, t.Failed())
	}
	t.Logf("%v:\n%v", time.Since(began), total)
}

// The negative test of TestKilledAnywhere: a store that loses records is noticed.
func TestKilledAnywhereControl(t *testing.T) {
	program := build(t)
	for name, row := range map[string]struct {
		forget func(g *generation)
		faults []string
	}{
		"rolled back": {
			func(g *generation) { require.NoError(g, os.Rename(g.file+".before", g.file)) },
			[]string{" was on record", " is at the master and not on record"},
		},
		"removed": {
			func(g *generation) { require.NoError(g, os.Remove(g.file)) },
			[]string{" was on record", " is at the master and not on record", " is launched again", " is in two frameworks", " another framework"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGeneration(t, program, 0)
			g.add()
			g.settle()
			g.tasks += tasksAdded
			g.settle()
			require.Empty(t, g.faults, "%s", g.said())
			row.forget(g)
			g.look()
			g.settle()
			for _, f := range row.faults {
				require.Contains(t, strings.Join(g.faults, "\n"), f, "%s", g.said())
			}
		})
	}
}

// add runs a life with more tasks than the one before, and kills it at some moment.
func (g *generation) add() {
	g.tasks += tasksAdded
	g.killed(time.Hour, []trigger{
		{call: scheduler.Call_SUBSCRIBE, n: 2}, {call: scheduler.Call_RECONCILE, n: 2}, {call: scheduler.Call_SUPPRESS, n: 1},
		{call: scheduler.Call_ACCEPT, n: 1}, {call: scheduler.Call_ACCEPT, n: 1},
		{call: scheduler.Call_ACKNOWLEDGE, n: tasksAdded}, {call: scheduler.Call_ACKNOWLEDGE, n: 2 * tasksAdded},
	})
}

// settle runs a life until all tasks run, and requires that each runs once.
func (g *generation) settle() {
	l := g.start(time.Hour, trigger{})
	select {
	case <-l.holding:
	case <-l.ended:
		g.fault("the program ended")
	case <-time.After(patience):
		g.fault("not all tasks run after %v", patience)
	}
	_ = l.cmd.Process.Kill() // it may have ended
	g.bury(l)
	records, tasks := g.look()
	require.Len(g, tasks, g.tasks)
	for id, states := range tasks {
		if !slices.Equal(states, []string{"TASK_RUNNING"}) || records.tasks[id] != "running" {
			g.fault("lost: %s is %v at the master and %q on record", id, states, records.tasks[id])
		}
	}
	g.count("tasks", len(tasks))
	g.count("empty frameworks", len(g.master.Snapshot().Frameworks)-1)
}

// end runs lives that end the framework: some that are killed at some moment, and one that is not.
func (g *generation) end() {
	g.ending = true
	for range livesEnding {
		if g.killed(0, []trigger{
			{call: scheduler.Call_SUBSCRIBE, n: 1}, {call: scheduler.Call_KILL, n: g.tasks / 2}, {call: scheduler.Call_KILL, n: g.tasks / 2},
			{call: scheduler.Call_ACKNOWLEDGE, n: g.tasks / 2}, {call: scheduler.Call_TEARDOWN, n: 1},
		}) {
			return
		}
	}
	l := g.start(0, trigger{})
	select {
	case <-l.ended:
	case <-time.After(patience):
		g.fault("not ended after %v", patience)
		_ = l.cmd.Process.Kill()
	}
	g.over(g.bury(l))
}

// killed runs a life and kills it at a random moment: at a call, one of the first n of a given type, or some time after
// the start. It reports whether the life ended before that.
func (g *generation) killed(hold time.Duration, calls []trigger) (over bool) {
	var at trigger
	limit := []time.Duration{20 * time.Millisecond, 50 * time.Millisecond, 150 * time.Millisecond}[g.random.IntN(3)]
	delay := time.Duration(g.random.Int64N(int64(limit)))
	if g.random.IntN(2) == 0 {
		at = calls[g.random.IntN(len(calls))]
		at.n, at.before = 1+g.random.IntN(at.n), g.random.IntN(2) == 0
		delay = 300 * time.Millisecond // there may be no such call
	}
	l := g.start(hold, at)
	select {
	case <-l.reached:
	case <-l.ended: // perhaps because the trigger was reached
	case <-time.After(delay):
		_ = l.cmd.Process.Kill()
	}
	failed := g.bury(l)
	if l.cmd.ProcessState.Exited() {
		return g.over(failed)
	}
	g.count("kills", 1)
	g.count("kills "+l.at, 1)
	if _, err := os.Stat(g.file); g.ending && err != nil {
		return g.over(nil) // it had removed the file
	}
	g.look()
	return false
}

// over checks a life that ended by itself: it may do so only after the framework has ended.
func (g *generation) over(failed error) bool {
	completed := slices.Contains(g.master.Snapshot().Completed, g.framework)
	switch {
	case failed == nil && completed:
		require.NoFileExists(g, g.file)
		if !strings.Contains(g.said(), fmt.Sprintf("how they ended: map[killed:%d]", g.tasks)) {
			g.fault("lost: an update about the end of a task")
		}
	case completed && strings.Contains(g.said(), "has been removed"):
		g.count("teardown taken, not on record", 1) // it is reported; the file is the user's to remove
	default:
		g.fault("lost: the program ended: %v", failed)
		return g.ending
	}
	return true
}
