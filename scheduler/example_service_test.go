package scheduler_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"time"

	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// keepRunning starts a service again whenever its task has ended, until somebody kills it. Each start is a task with an ID of
// its own. What ended because of its agent is started again at once, what ended by itself after a pause.
func keepRunning(ctx context.Context, s *scheduler.Scheduler, service task.Spec, pause time.Duration) error {
	name := service.ID
	for n := 1; ; n++ {
		service.ID = fmt.Sprint(name, "-", n)
		if _, err := s.Ensure(ctx, service); err != nil {
			return err
		}
		info, err := s.Wait(ctx, service.ID, scheduler.UntilEnded)
		if err != nil {
			return err // ctx or Run has ended
		}
		end := &scheduler.TaskError{Task: info}
		fmt.Println(end)
		switch {
		case end.Retryable(): // at once
		case info.State == task.StateKilled:
			return nil
		default:
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

// A service crashes, then loses its agent, and is killed in the end.
func Example_service() {
	cluster, err := mesosfake.New(mesosfake.Config{}) // a real program has the address of a real master
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
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

	web := task.Spec{ID: "web", CPUs: 1, Mem: 64, Container: &task.Container{Image: "nginx"}}
	over := make(chan error, 1)
	go func() { over <- keepRunning(ctx, s, web, 100*time.Millisecond) }()

	must := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	runs := func(id string) {
		must(cluster.Await(ctx, func(now mesosfake.Snapshot) bool {
			t, found := now.Task(id)
			return found && t.State == "TASK_RUNNING"
		}))
	}
	runs("web-1")
	must(cluster.EndTask("web-1", 1))
	runs("web-2")
	must(cluster.StopAgent("agent1.example"))
	must(cluster.AddAgent(mesosfake.Agent{Hostname: "agent2.example"}))
	runs("web-3")
	_, err = s.Kill(ctx, "web-3")
	must(err)
	fmt.Println(<-over)
	// Output:
	// scheduler: task web-1: failed: Command exited with status 1
	// scheduler: task web-2: lost: REASON_AGENT_REMOVED: Agent agent1.example removed: the agent unregistered
	// scheduler: task web-3: killed: Command terminated with signal Terminated
	// <nil>
}
