package metrics_test

import (
	"fmt"
	"log"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/mesos-actor/mesos-actor-go/ha/electiontest"
	"github.com/mesos-actor/mesos-actor-go/metrics"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// A framework and its election in one registry, whose handler a program serves at /metrics.
func ExampleRegister() {
	s, err := scheduler.New(scheduler.Config{
		Master: "master.example:5050", Framework: scheduler.Framework{Name: "shop"}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		log.Fatal(err)
	}
	member := electiontest.New(electiontest.Config{}).Member(0) // a real program has a cluster.Member or a zookeeper.Elector
	registry := prometheus.NewRegistry()
	if err := metrics.Register(registry, metrics.Sources{Scheduler: s, Elector: member}); err != nil {
		log.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "mesos_actor_subscribed" {
			fmt.Println(f.GetName(), f.Metric[0].Label[0].GetValue(), f.Metric[0].Gauge.GetValue())
		}
	}
	// Output: mesos_actor_subscribed shop 0
}
