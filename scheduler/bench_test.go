package scheduler_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// BenchmarkSubmitToRunning measures tasks per second from Submit to acknowledged RUNNING, over
// loopback TCP against the fake master, which shares the processors. One operation is 1,000 tasks,
// launched at once. Those that miss the first offers wait for the next REVIVE, hence the two rows.
func BenchmarkSubmitToRunning(b *testing.B) {
	for _, interval := range []time.Duration{scheduler.DefaultReviveInterval, time.Millisecond} {
		b.Run("revive="+interval.String(), func(b *testing.B) { benchmarkLaunches(b, interval) })
	}
}

func benchmarkLaunches(b *testing.B, interval time.Duration) {
	const tasks = 1000
	cluster := mesostest.Config{Launch: -1}
	for range 10 {
		cluster.Agents = append(cluster.Agents, mesostest.Agent{Resources: "cpus:1000000;mem:100000000"})
	}
	master, err := mesostest.New(cluster)
	require.NoError(b, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	var services sync.WaitGroup
	defer services.Wait()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	services.Go(func() { _ = master.Run(ctx, listener) })
	s, err := scheduler.New(scheduler.Config{
		Master:    listener.Addr().String(),
		Framework: scheduler.Framework{Name: "bench"},
		Offers:    scheduler.OfferPolicy{ReviveInterval: interval},
		Logger:    slog.New(slog.DiscardHandler),
	})
	require.NoError(b, err)
	services.Go(func() { _ = s.Run(ctx) })

	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		var launches sync.WaitGroup
		for j := range tasks {
			launches.Go(func() {
				_, err := s.Launch(ctx, task.Spec{ID: fmt.Sprintf("t-%d-%d", i, j), CPUs: 0.1, Mem: 1, Command: task.Command{Shell: "sleep 3600"}})
				if err != nil {
					b.Error(err)
				}
			})
		}
		launches.Wait()
	}
	b.ReportMetric(float64(tasks*b.N)/b.Elapsed().Seconds(), "tasks/s")
}
