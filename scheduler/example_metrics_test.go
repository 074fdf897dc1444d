package scheduler_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"time"

	mesosscheduler "github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// within returns the share of the durations that were at most limit, which is one of the bounds.
func within(h scheduler.Histogram, limit time.Duration) float64 {
	var sum uint64
	for i, bound := range scheduler.HistogramBounds() {
		if bound <= limit {
			sum += h.Buckets[i]
		}
	}
	return float64(sum) / float64(h.Count)
}

// failed returns how many calls had no effect, or may have had none.
func failed(c scheduler.CallMetrics) uint64 { return c.Refused + c.Stale + c.Unsent + c.Unclear }

// A snapshot of the scheduler's numbers, for a dashboard of your own. Package metrics exports them to Prometheus.
func ExampleMetrics() {
	cluster, err := mesosfake.New(mesosfake.Config{}) // a real program has the address of a real master
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() { _ = cluster.Run(ctx) }()
	s, err := scheduler.New(scheduler.Config{
		Master:      cluster.Master(),
		DialContext: cluster.DialContext,
		Framework:   scheduler.Framework{Name: "example"},
		Logger:      slog.New(slog.DiscardHandler),
	})
	if err != nil {
		log.Fatal(err)
	}
	go func() { _ = s.Run(ctx) }()
	if _, err := s.Launch(ctx, task.Spec{ID: "t1", CPUs: 0.5, Mem: 64, Command: task.Command{Shell: "sleep 3600"}}); err != nil {
		log.Fatal(err)
	}

	m := s.Metrics()
	fmt.Println(m.Framework, "subscribed:", m.Subscription.Subscribed)
	fmt.Println("launched:", m.Launched, "running:", m.Tasks[task.StateRunning])
	fmt.Println("ACCEPT calls that failed:", failed(m.Calls[mesosscheduler.Call_ACCEPT]))
	fmt.Printf("launches within 5 min: %.0f %%\n", 100*within(m.Launches.Total, 5*time.Minute))
	// Output:
	// example subscribed: true
	// launched: 1 running: 1
	// ACCEPT calls that failed: 0
	// launches within 5 min: 100 %
}
