package scheduler

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// BenchmarkWatchers measures what 100 watchers cost the loop while there are n tasks: for each change of a task that they are told of
// (change-ns), and for a list of all tasks (snapshot-µs), with which a watcher begins. The watchers take what is in their queues all
// the time, on goroutines of their own.
//
//	go test ./scheduler -run '^$' -bench Watchers -benchtime 20000x
func BenchmarkWatchers(b *testing.B) {
	for _, n := range []int{1000, 10_000, 100_000} {
		for _, watching := range []int{0, 1, 100} {
			b.Run(fmt.Sprintf("tasks=%d/watchers=%d", n, watching), func(b *testing.B) {
				m, s := restoredMachine(b, n, n/100), &Scheduler{}
				ctx, cancel := context.WithCancel(b.Context())
				defer cancel()
				for range watching {
					events := s.Watch(ctx)
					go func() {
						for range events {
						}
					}()
				}
				var all, snapshots time.Duration
				lists, serial := 0, 0
				for b.Loop() {
					began := time.Now()
					if serial%1000 == 0 {
						m.tasks.records.Snapshot()
						snapshots += time.Since(began)
						lists++
						began = time.Now()
					}
					e := m.tasks.byID[fmt.Sprint("t", serial%n)]
					serial++
					m.setState(time.Unix(1_900_000_000, 0), e, task.StateUnreachable, nil)
					for _, a := range m.actions {
						if told, is := a.(notify); is {
							s.watchers.publish(told.event)
						}
					}
					m.beginStep()
					all += time.Since(began)
				}
				b.ReportMetric(float64(all.Nanoseconds())/float64(b.N), "change-ns")
				b.ReportMetric(float64(snapshots.Nanoseconds())/1000/float64(lists), "snapshot-µs")
			})
		}
	}
}
