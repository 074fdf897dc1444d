package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// newExample returns a scheduler for a fake master. A real program has the address of a real one.
func newExample(offers scheduler.OfferPolicy) (s *scheduler.Scheduler, stop func()) {
	master, err := mesostest.New(mesostest.Config{Agents: []mesostest.Agent{{Hostname: "agent1.example"}}})
	if err != nil {
		panic(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = master.Run(ctx, listener) })
	s, err = scheduler.New(scheduler.Config{
		Offers:    offers,
		Master:    listener.Addr().String(),
		Framework: scheduler.Framework{Name: "example"},
		Logger:    slog.New(slog.DiscardHandler),
	})
	if err != nil {
		panic(err)
	}
	return s, func() { cancel(); running.Wait() }
}

func ExampleScheduler() {
	s, stop := newExample(scheduler.OfferPolicy{})
	defer stop()
	ctx := context.Background()
	ended := make(chan error)
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
	s, stop := newExample(scheduler.OfferPolicy{})
	defer stop()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	events := s.Watch(ctx)
	go func() { ended <- s.Run(ctx) }()

	err := s.Submit(ctx, task.Spec{ID: "t1", CPUs: 0.5, Mem: 64, Command: task.Command{Shell: "exit 3"}})
	fmt.Println(err)
	for e := range events {
		if e, ok := e.(scheduler.TaskEvent); ok {
			fmt.Println(e)
			if e.Task.State.Terminal() {
				break
			}
		}
	}
	cancel()
	<-ended
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
	s, stop := newExample(scheduler.OfferPolicy{})
	defer stop()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	events := s.Watch(ctx)
	go func() { ended <- s.Run(ctx) }()

	err := s.Submit(ctx, task.Spec{ID: "t1", CPUs: 0.5, Mem: 6000, Command: task.Command{Shell: "sleep 3600"}})
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
	cancel()
	<-ended
	// Output:
	// <nil>
	// pending <nil>
	// of 1 offer: mem: 1 agent, short of 1904 on agent1.example true
}

// With MaxCycles or MaxWait of OfferPolicy a task does not wait for ever.
func ExampleCapacityError() {
	s, stop := newExample(scheduler.OfferPolicy{MaxCycles: 1})
	defer stop()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()

	_, err := s.Launch(ctx, task.Spec{ID: "t1", CPUs: 64, Mem: 64, Command: task.Command{Shell: "sleep 3600"}})
	var failed *scheduler.TaskError
	var capacity *scheduler.CapacityError
	if errors.As(err, &failed) && errors.As(err, &capacity) {
		fmt.Println(failed.Task.State, "retryable:", failed.Retryable())
		fmt.Println("cycles:", capacity.Cycles)
		fmt.Println(capacity.Rejection)
	}
	cancel()
	<-ended
	// Output:
	// failed retryable: true
	// cycles: 1
	// t1: cpus: 1 agent, short of 60 on agent1.example
}

func ExampleScheduler_Agents() {
	s, stop := newExample(scheduler.OfferPolicy{})
	defer stop()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()

	_, err := s.Launch(ctx, task.Spec{ID: "t1", CPUs: 0.5, Mem: 64, Command: task.Command{Shell: "sleep 3600"}})
	fmt.Println(err)
	agents, err := s.Agents(ctx)
	for _, a := range agents {
		fmt.Println(a.Agent.Hostname, "offered", a.Offered.CPUs, "cpus and", a.Offered.Ports, "ports;", a.Tasks, "task takes", a.Taken.CPUs)
	}
	fmt.Println(err)
	cancel()
	<-ended
	// Output:
	// <nil>
	// agent1.example offered 4 cpus and 1001 ports; 1 task takes 0.5
	// <nil>
}
