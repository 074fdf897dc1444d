package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// A task fails, and what it has said on stderr is printed.
func ExampleScheduler_Logs() {
	cluster, err := mesosfake.New(mesosfake.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() { _ = cluster.Run(ctx) }()
	s, err := scheduler.New(scheduler.Config{
		Master: cluster.Master(), DialContext: cluster.DialContext, Framework: scheduler.Framework{Name: "shop"},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	go func() { _ = s.Run(ctx) }()

	err = s.Submit(ctx, task.Spec{ID: "migrate-7", CPUs: 0.1, Mem: 32, Command: task.Command{
		Shell: `echo "3 of 5 tables"; echo "no space left on device" >&2; exit 28`,
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	info, err := s.Wait(ctx, "migrate-7", scheduler.UntilEnded)
	fmt.Println(info.State, *info.ExitStatus, err)

	for chunk, err := range s.Logs(ctx, "migrate-7", scheduler.LogOptions{Stream: "stderr", Offset: -4096}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s", chunk.Data)
	}

	for _, err := range s.Logs(ctx, "migrate-8", scheduler.LogOptions{}) {
		fmt.Println(err, errors.Is(err, scheduler.ErrUnknownTask))
	}
	// Output:
	// failed 28 <nil>
	// no space left on device
	// scheduler: unknown task: "migrate-8" true
}
