package scheduler_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"

	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// A task that failed is tried again on another agent: each attempt avoids the hosts of those before.
func Example_avoidFailedAgent() {
	cluster, err := mesosfake.New(mesosfake.Config{Agents: make([]mesosfake.Agent, 3)})
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

	// It works on one of the agents only, since the others lack something.
	spec := task.Spec{CPUs: 0.1, Mem: 32, Command: task.Command{Shell: `test "$HOST" = agent3.example`}}
	for attempt := 1; attempt <= 3; attempt++ {
		spec.ID = fmt.Sprint("job-", attempt)
		if err := s.Submit(ctx, spec); err != nil {
			log.Fatal(err)
		}
		info, err := s.Wait(ctx, spec.ID, scheduler.UntilEnded)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(spec.ID, info.State, "on", info.Hostname)
		if info.State == task.StateFinished {
			break
		}
		spec.Constraints = append(spec.Constraints, task.Constraint{
			Attribute: task.AttributeHostname, Operator: task.OpIsNot, Value: info.Hostname,
		})
	}
	// Output:
	// job-1 failed on agent1.example
	// job-2 failed on agent2.example
	// job-3 finished on agent3.example
}
