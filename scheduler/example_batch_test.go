package scheduler_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"sync"

	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// runUntilDone runs a command until it succeeds, three times at most. Each attempt is a task with an ID of its own. With a
// Store, a process that was killed and started again runs nothing twice: Ensure leaves alone what is on record.
func runUntilDone(ctx context.Context, s *scheduler.Scheduler, name, command string) error {
	for attempt := 1; ; attempt++ {
		id := fmt.Sprint(name, "-attempt-", attempt)
		if _, err := s.Ensure(ctx, task.Spec{ID: id, CPUs: 0.1, Mem: 32, Command: task.Command{Shell: command}}); err != nil {
			return err
		}
		info, err := s.Wait(ctx, id, scheduler.UntilEnded)
		switch {
		case err != nil:
			return err
		case info.State == task.StateFinished:
			return nil
		case attempt == 3:
			return &scheduler.TaskError{Task: info}
		}
	}
}

// A batch of commands, of which two run at a time. The program examples/batchrunner does that for any number of them.
func Example_batch() {
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

	commands := []string{"true", "sleep 0.1", "exit 3", "echo done"}
	results := make([]error, len(commands))
	places := make(chan struct{}, 2)
	var workers sync.WaitGroup
	for i, command := range commands {
		places <- struct{}{}
		workers.Go(func() {
			results[i] = runUntilDone(ctx, s, fmt.Sprint("job-", i), command)
			<-places
		})
	}
	workers.Wait()
	for i, command := range commands {
		fmt.Println(command+":", results[i])
	}
	fmt.Println(s.Teardown(ctx))
	// Output:
	// true: <nil>
	// sleep 0.1: <nil>
	// exit 3: scheduler: task job-2-attempt-3: failed: Command exited with status 3
	// echo done: <nil>
	// <nil>
}
