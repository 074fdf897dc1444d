//go:build unix

package scheduler_test

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/metrics"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// BenchmarkSubmitToRunningWithMetrics is BenchmarkSubmitToRunning without metrics and with all of them, which are scraped at the
// beginning and each second, by turns. It compares processor time, that of the fake master included: on a machine that does other things
// as well the time that passes says more about these. The ratio is that of the medians.
func BenchmarkSubmitToRunningWithMetrics(b *testing.B) {
	const tasks = 4000
	var took [2][]time.Duration
	b.StopTimer()
	for round := range b.N {
		for turn := range 2 {
			on := (round + turn) % 2
			runtime.GC()
			before := processorTime(b)
			launchAll(b, tasks, [...]func(*testing.B, string) framework{newUncounted, newScraped}[on])
			took[on] = append(took[on], processorTime(b)-before)
		}
	}
	slices.Sort(took[0])
	slices.Sort(took[1])
	off, on := took[0][b.N/2], took[1][b.N/2]
	b.ReportMetric(tasks/off.Seconds(), "tasks/s-off")
	b.ReportMetric(tasks/on.Seconds(), "tasks/s-on")
	b.ReportMetric(float64(off)/float64(on), "on/off")
}

// processorTime returns how much of it the process has had.
func processorTime(t testing.TB) time.Duration {
	var used syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func newUncounted(b *testing.B, master string) framework {
	o := newOurs(b, master).(ours)
	scheduler.StopCounting(o.Scheduler)
	return o
}

func newScraped(b *testing.B, master string) framework {
	o := newOurs(b, master).(ours)
	registry := prometheus.NewRegistry()
	require.NoError(b, metrics.Register(registry, metrics.Sources{Scheduler: o.Scheduler}))
	return scraped{o, registry}
}

// scraped is a scheduler whose metrics are gathered at the beginning, and each second.
type scraped struct {
	ours
	registry *prometheus.Registry
}

func (s scraped) run(ctx context.Context, subscribed chan<- struct{}) {
	var scraper sync.WaitGroup
	defer scraper.Wait()
	scraper.Go(func() {
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for {
			_, _ = s.registry.Gather()
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return
			}
		}
	})
	s.ours.run(ctx, subscribed)
}
