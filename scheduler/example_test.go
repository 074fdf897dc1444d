package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"

	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

func ExampleScheduler() {
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
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()

	info, err := s.Launch(ctx, task.Spec{ID: "t1", CPUs: 0.5, Mem: 64, Command: task.Command{Shell: "sleep 3600"}})
	fmt.Println(info.State, "on", info.Hostname, err)
	info, err = s.Kill(ctx, "t1")
	fmt.Println(info.State, err)
	fmt.Println(s.Teardown(ctx), <-ended)
	// Output:
	// running on agent1.example <nil>
	// killed <nil>
	// <nil> <nil>
}

func ExampleScheduler_Watch() {
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
	events := s.Watch(ctx)
	go func() { _ = s.Run(ctx) }()

	err = s.Submit(ctx, task.Spec{ID: "t1", CPUs: 0.5, Mem: 64, Command: task.Command{Shell: "exit 3"}})
	fmt.Println(err)
	for e := range events {
		if e, ok := e.(scheduler.TaskEvent); ok {
			fmt.Println(e)
			if e.Task.State.Terminal() {
				break
			}
		}
	}
	// Output:
	// <nil>
	// task t1 pending
	// task t1 staging on agent1.example
	// task t1 starting on agent1.example
	// task t1 running on agent1.example
	// task t1 failed on agent1.example: Command exited with status 3
}

// Explain returns why a task is still pending.
func ExampleScheduler_Explain() {
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
	events := s.Watch(ctx)
	go func() { _ = s.Run(ctx) }()

	err = s.Submit(ctx, task.Spec{ID: "t1", CPUs: 0.5, Mem: 6000, Command: task.Command{Shell: "sleep 3600"}})
	fmt.Println(err)
	for e := range events {
		if e, ok := e.(scheduler.OfferEvent); ok && e.Pending > 0 {
			break // something was offered
		}
	}
	e, err := s.Explain(ctx, "t1")
	fmt.Println(e.Task.State, err)
	finding, found := e.Widest()
	fmt.Println(finding, found)
	// Output:
	// <nil>
	// pending <nil>
	// of 1 offer: mem: not enough on 1 agent; closest agent1.example, 1904 MiB short true
}

// With MaxCycles or MaxWait of OfferPolicy a task does not wait for ever.
func ExampleCapacityError() {
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
		Offers:      scheduler.OfferPolicy{MaxCycles: 1},
	})
	if err != nil {
		log.Fatal(err)
	}
	go func() { _ = s.Run(ctx) }()

	_, err = s.Launch(ctx, task.Spec{ID: "t1", CPUs: 64, Mem: 64, Command: task.Command{Shell: "sleep 3600"}})
	var failed *scheduler.TaskError
	var capacity *scheduler.CapacityError
	if errors.As(err, &failed) && errors.As(err, &capacity) {
		fmt.Println(failed.Task.State, "retryable:", failed.Retryable())
		fmt.Println("cycles:", capacity.Cycles)
		fmt.Println(capacity.Rejection)
	}
	// Output:
	// failed retryable: true
	// cycles: 1
	// t1: cpus: not enough on 1 agent; closest agent1.example, 60 short
}

func ExampleScheduler_Agents() {
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

	_, err = s.Launch(ctx, task.Spec{ID: "t1", CPUs: 0.5, Mem: 64, Command: task.Command{Shell: "sleep 3600"}})
	fmt.Println(err)
	agents, err := s.Agents(ctx)
	for _, a := range agents {
		fmt.Println(a.Agent.Hostname, "offered", a.Offered.CPUs, "cpus and", a.Offered.Ports, "ports;", a.Tasks, "task takes", a.Taken.CPUs)
	}
	fmt.Println(err)
	// Output:
	// <nil>
	// agent1.example offered 4 cpus and 1001 ports; 1 task takes 0.5
	// <nil>
}
