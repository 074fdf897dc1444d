package scheduler_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/metrics"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// BenchmarkSubmitToRunningWithMetrics is BenchmarkSubmitToRunning without metrics and with all of them, which are scraped ten
// times a second, by turns, since the machine's speed varies. The ratio is that of the medians of tasks per second.
func BenchmarkSubmitToRunningWithMetrics(b *testing.B) {
	for _, tasks := range []int{1000, 10_000} {
		b.Run(fmt.Sprintf("tasks=%d", tasks), func(b *testing.B) {
			var took [2][]time.Duration
			b.StopTimer()
			for range b.N {
				for on, client := range [...]func(*testing.B, string) framework{newUncounted, newScraped} {
					before := b.Elapsed()
					launchAll(b, tasks, client)
					took[on] = append(took[on], b.Elapsed()-before)
				}
			}
			off, on := median(took[0]), median(took[1])
			b.ReportMetric(float64(tasks)/off.Seconds(), "tasks/s-off")
			b.ReportMetric(float64(tasks)/on.Seconds(), "tasks/s-on")
			b.ReportMetric(float64(off)/float64(on), "on/off")
		})
	}
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
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

// scraped is a scheduler whose metrics are gathered ten times a second.
type scraped struct {
	ours
	registry *prometheus.Registry
}

func (s scraped) run(ctx context.Context, subscribed chan<- struct{}) {
	var scraper sync.WaitGroup
	defer scraper.Wait()
	scraper.Go(func() {
		ticker := time.NewTicker(100 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				_, _ = s.registry.Gather()
			case <-ctx.Done():
				return
			}
		}
	})
	s.ours.run(ctx, subscribed)
}
