package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"time"

	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// sum adds up amounts.
func sum(all ...scheduler.Amounts) (total scheduler.Amounts) {
	for _, a := range all {
		total.CPUs += a.CPUs
		total.Mem += a.Mem
		total.Ports += a.Ports
	}
	return total
}

// capacity prints what there is on the agents, and what of it is at hand now.
func capacity(status scheduler.Status, agents []scheduler.AgentStats, offers []scheduler.OfferAtHand) {
	var free, taken, held scheduler.Amounts
	for _, a := range agents {
		free, taken = sum(free, a.Free), sum(taken, a.Taken)
	}
	for _, o := range offers {
		held = sum(held, o.Resources)
	}
	fmt.Printf("subscribed: %v; agents: %d; %v cpus and %v MiB taken, %v cpus and %v MiB free\n", status.Connected, len(agents), taken.CPUs, taken.Mem, free.CPUs, free.Mem)
	fmt.Printf("offers at hand: %d, with %v cpus\n", len(offers), held.CPUs)
}

// What is free on the agents, and offered now, before and after a launch.
func ExampleScheduler_Offers() {
	cluster, err := mesosfake.New(mesosfake.Config{Agents: []mesosfake.Agent{{Resources: "cpus:4;mem:4096"}}})
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
		Offers:      scheduler.OfferPolicy{Hold: time.Minute}, // for tasks that come one by one
		Logger:      slog.New(slog.DiscardHandler),
	})
	if err != nil {
		log.Fatal(err)
	}
	go func() { _ = s.Run(ctx) }()

	for offers, err := s.Offers(ctx); len(offers) == 0 && err == nil; offers, err = s.Offers(ctx) {
		time.Sleep(time.Millisecond) // until the first offer comes
	}
	printCapacity(ctx, s)
	if _, err := s.Launch(ctx, task.Spec{ID: "web-1", CPUs: 1, Mem: 1024, Command: task.Command{Shell: "sleep 3600"}}); err != nil {
		log.Fatal(err)
	}
	printCapacity(ctx, s)
	// Output:
	// subscribed: true; agents: 1; 0 cpus and 0 MiB taken, 4 cpus and 4096 MiB free
	// offers at hand: 1, with 4 cpus
	// subscribed: true; agents: 1; 1 cpus and 1024 MiB taken, 3 cpus and 3072 MiB free
	// offers at hand: 0, with 0 cpus
}

// printCapacity asks a scheduler, and prints its answers.
func printCapacity(ctx context.Context, s *scheduler.Scheduler) {
	status, statusErr := s.Status(ctx)
	agents, agentsErr := s.Agents(ctx)
	offers, offersErr := s.Offers(ctx)
	if err := errors.Join(statusErr, agentsErr, offersErr); err != nil {
		log.Fatal(err)
	}
	capacity(status, agents, offers)
}
