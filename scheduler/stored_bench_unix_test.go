//go:build unix

package scheduler_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// BenchmarkSubmitToRunningStored is BenchmarkSubmitToRunning with a store in memory and with one in a file, which syncs each
// write, by turns. The ratio of tasks per second is that of the medians; that of processor time, the fake master's included, says how
// much of it is work and not waiting for the disk. It also reports what is written: calls of Apply, records and bytes of a task, and
// how large the file becomes.
func BenchmarkSubmitToRunningStored(b *testing.B) {
	const tasks = 4000
	var took, used [2][]time.Duration
	var written counted
	var size int64
	b.StopTimer()
	for round := range b.N {
		for turn := range 2 {
			inFile := (round + turn) % 2
			runtime.GC()
			file := filepath.Join(b.TempDir(), "store")
			client := newUnstored
			if inFile == 1 {
				client = func(b *testing.B, master string) framework {
					store, err := ha.OpenFile(file)
					require.NoError(b, err)
					b.Cleanup(func() { _ = store.Close() })
					written.Store = store
					return newWithStore(b, master, &written)
				}
			}
			before, began := processorTime(b), b.Elapsed()
			launchAll(b, tasks, client)
			used[inFile] = append(used[inFile], processorTime(b)-before)
			took[inFile] = append(took[inFile], b.Elapsed()-began)
			if info, err := os.Stat(file); err == nil {
				size += info.Size()
			}
		}
	}
	for i := range 2 {
		slices.Sort(took[i])
		slices.Sort(used[i])
	}
	unstored, stored := took[0][b.N/2], took[1][b.N/2]
	each := float64(tasks * b.N)
	b.ReportMetric(tasks/unstored.Seconds(), "tasks/s-memory")
	b.ReportMetric(tasks/stored.Seconds(), "tasks/s-file")
	b.ReportMetric(float64(unstored)/float64(stored), "file/memory")
	b.ReportMetric(float64(used[0][b.N/2])/float64(used[1][b.N/2]), "file/memory-cpu")
	b.ReportMetric(float64(written.applied)/float64(b.N), "applies/op")
	b.ReportMetric(float64(written.records)/each, "records/task")
	b.ReportMetric(float64(written.bytes)/each, "written-B/task")
	b.ReportMetric(float64(size)/each, "file-B/task")
	b.ReportMetric(0, "ns/op")
}

// counted counts what is written to a store.
type counted struct {
	scheduler.Store
	applied, records, bytes int
}

func (c *counted) Apply(ctx context.Context, changes map[string][]byte) error {
	c.applied++
	for key, value := range changes {
		c.records++
		c.bytes += len(key) + len(value)
	}
	return c.Store.Apply(ctx, changes)
}

func newUnstored(b *testing.B, master string) framework { return newWithStore(b, master, nil) }

func newWithStore(b *testing.B, master string, store scheduler.Store) framework {
	s, err := scheduler.New(scheduler.Config{
		Master: master, Framework: scheduler.Framework{Name: "bench"}, Store: store, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(b, err)
	return ours{s}
}
