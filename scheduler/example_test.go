package scheduler_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// newExample makes a scheduler beside a fake master; a program of one's own names a real one.
func newExample() (s *scheduler.Scheduler, stop func()) {
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
	s, stop := newExample()
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
	s, stop := newExample()
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
