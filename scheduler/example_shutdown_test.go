package scheduler_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// shutDown kills all tasks, waits until they have ended, and removes the framework. Run ends then.
func shutDown(s *scheduler.Scheduler) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second) // so long it may take
	defer cancel()
	tasks, err := s.Tasks(ctx)
	if err != nil {
		return err
	}
	var kills sync.WaitGroup
	for _, t := range tasks {
		kills.Go(func() { _, _ = s.Kill(ctx, t.Spec.ID) }) // Teardown kills what this does not
	}
	kills.Wait()
	return s.Teardown(ctx)
}

// A program without a Store should end its framework when it is told to stop: nobody could go on with it. The scheduler
// must outlive the signal for that.
func Example_gracefulShutdown() {
	interrupted, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	cluster, err := mesosfake.New(mesosfake.Config{}) // a real program has the address of a real master
	if err != nil {
		log.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	defer end()
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

	if _, err := s.Launch(interrupted, task.Spec{ID: "t1", CPUs: 0.5, Mem: 64, Command: task.Command{Shell: "sleep 3600"}}); err != nil {
		log.Fatal(err)
	}
	go pressControlC()
	select {
	case <-interrupted.Done():
		fmt.Println("interrupted:", shutDown(s))
	case err := <-ended:
		log.Fatal(err)
	}
	fmt.Println("Run has ended:", <-ended)
	now := cluster.Snapshot()
	fmt.Println(now.Tasks[0].State, "and", len(now.Frameworks), "frameworks are left")
	// Output:
	// interrupted: <nil>
	// Run has ended: <nil>
	// TASK_KILLED and 0 frameworks are left
}

func pressControlC() {
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Signal(os.Interrupt)
	}
}
