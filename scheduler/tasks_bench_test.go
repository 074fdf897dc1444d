package scheduler

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// restoredMachine returns a machine with n running tasks, each agent with the same number of them, as it is after a start with
// what a store had.
func restoredMachine(b *testing.B, n, agents int) *machine {
	m := newMachine(pendingMachine(time.Unix(0, 0), 0, "").settings)
	tasks := make([]record.Task, n)
	for i := range tasks {
		agent := fmt.Sprintf("66549417-1791-41bf-bebf-adeb5c1d4270-S%d", i%agents)
		tasks[i] = record.Task{Serial: i + 1, Confirmed: true, SpecStored: true, Info: record.NewInfo(task.Info{
			Spec: task.Spec{ID: fmt.Sprintf("t%d", i), CPUs: 0.1, Mem: 32}, State: task.StateRunning, AgentID: agent, Hostname: agent,
			Version: uint64(i + 1), Submitted: time.Unix(1_800_000_000, 0), Updated: time.Unix(1_800_000_000, 0),
		})}
	}
	m.restore(record.Framework{State: record.Active, ID: "fw"}, tasks, nil)
	require.Len(b, m.tasks.byID, n)
	return m
}

// BenchmarkTasks measures what Tasks and Agents cost the loop, per listing (loop), and their callers (ns/op). Between two listings
// a hundredth of the tasks change: what this costs more than without a listing before is the copy, per task that changes.
//
//	go test ./scheduler -run '^$' -bench 'Tasks$' -benchtime 20x
func BenchmarkTasks(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		m := restoredMachine(b, n, n/100)
		var entries []*entry
		for i, e := range m.tasks.inOrder() {
			if i%100 == 0 {
				entries = append(entries, e)
			}
		}
		change := func() time.Duration {
			began := time.Now()
			for _, e := range entries {
				e.edit().Lost++
			}
			return time.Since(began)
		}
		b.Run(fmt.Sprintf("list=Tasks/n=%d", n), func(b *testing.B) {
			var loop, copies time.Duration
			for b.Loop() {
				began := time.Now()
				s := m.tasks.records.Snapshot()
				loop += time.Since(began)
				require.Len(b, infosOf(s), n)
				b.StopTimer()
				first, again := change(), change() // again: without copies
				copies += first - again
				b.StartTimer()
			}
			b.ReportMetric(float64(loop.Nanoseconds())/1000/float64(b.N), "loop-µs")
			b.ReportMetric(float64(copies.Nanoseconds())/float64(b.N*len(entries)), "copy-ns")
		})
		b.Run(fmt.Sprintf("list=Agents/n=%d", n), func(b *testing.B) {
			var loop time.Duration
			for b.Loop() {
				began := time.Now()
				agents, tasks := m.census.facts.Snapshot(), m.tasks.records.Snapshot()
				loop += time.Since(began)
				require.Len(b, agentStats(time.Now(), m.settings.statsTTL, agents, tasks), n/100)
			}
			b.ReportMetric(float64(loop.Nanoseconds())/1000/float64(b.N), "loop-µs")
		})
	}
}
