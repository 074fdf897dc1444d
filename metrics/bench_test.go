package metrics_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/metrics"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// BenchmarkScrape measures a scrape of a scheduler with so many tasks on record.
func BenchmarkScrape(b *testing.B) {
	for _, tasks := range []int{0, 10_000} {
		b.Run(fmt.Sprintf("tasks=%d", tasks), func(b *testing.B) {
			s, err := scheduler.New(scheduler.Config{
				Master: "127.0.0.1:1", Framework: scheduler.Framework{Name: "bench"}, Logger: slog.New(slog.DiscardHandler),
			})
			require.NoError(b, err)
			ctx, stop := context.WithCancel(b.Context())
			var running sync.WaitGroup
			defer running.Wait()
			defer stop()
			running.Go(func() { _ = s.Run(ctx) })
			for i := range tasks {
				require.NoError(b, s.Submit(ctx, task.Spec{ID: fmt.Sprintf("t%d", i), CPUs: 1, Mem: 32, Command: task.Command{Shell: "true"}}))
			}
			registry := prometheus.NewRegistry()
			require.NoError(b, metrics.Register(registry, metrics.Sources{Scheduler: s}))
			b.ReportAllocs()
			for b.Loop() {
				_, err := registry.Gather()
				require.NoError(b, err)
			}
		})
	}
}
