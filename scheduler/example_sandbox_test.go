package scheduler_test

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// A member that does not lead reads what a task has written, with what the leader has told it.
func ExampleScheduler_ReadSandbox() {
	cluster, err := mesosfake.New(mesosfake.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() { _ = cluster.Run(ctx) }()
	member := func() *scheduler.Scheduler {
		s, err := scheduler.New(scheduler.Config{
			Master: cluster.Master(), DialContext: cluster.DialContext, Framework: scheduler.Framework{Name: "shop"},
			Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			panic(err)
		}
		return s
	}
	leader, follower := member(), member()
	go func() { _ = leader.Run(ctx) }()
	if _, err := leader.Launch(ctx, task.Spec{ID: "hello", CPUs: 0.1, Mem: 32, Command: task.Command{Shell: `echo hello; sleep 60`}}); err != nil {
		fmt.Println(err)
		return
	}
	var box scheduler.Sandbox
	if box, err = leader.Sandbox(ctx, "hello"); err != nil {
		fmt.Println(err)
		return
	}
	buf := make([]byte, 64)
	n, size, err := follower.ReadSandbox(ctx, box, "stdout", 0, buf)
	fmt.Printf("%q, of %d bytes, %v\n", buf[:n], size, err)
	// Output: "hello\n", of 6 bytes, <nil>
}
