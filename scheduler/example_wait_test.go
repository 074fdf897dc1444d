package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// Wait waits until a task runs, or until it has ended. Another process may have submitted it.
func ExampleScheduler_Wait() {
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

	err = s.Submit(ctx, task.Spec{ID: "t1", CPUs: 0.5, Mem: 64, Command: task.Command{Shell: "exit 3"}})
	fmt.Println(err)
	info, err := s.Wait(ctx, "t1", scheduler.UntilEnded)
	fmt.Println(info.State, err)

	// If the context ends first, the error says why the task has not come so far.
	err = s.Submit(ctx, task.Spec{ID: "t2", CPUs: 64, Mem: 64, Command: task.Command{Shell: "sleep 3600"}})
	fmt.Println(err)
	short, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_, err = s.Wait(short, "t2", scheduler.UntilRunning)
	var gaveUp *scheduler.WaitError
	if errors.As(err, &gaveUp) {
		finding, _ := gaveUp.Explanation.Widest()
		fmt.Println(gaveUp.Err, "while it is", gaveUp.Explanation.Task.State, "and finds", finding.Reasons[0].Kind)
	}
	fmt.Println(s.Teardown(ctx), <-ended)
	// Output:
	// <nil>
	// failed <nil>
	// <nil>
	// context deadline exceeded while it is pending and finds shortage
	// <nil> <nil>
}

// A program that ensures its task, instead of submitting it, can be started again and again: the task runs once.
func ExampleScheduler_Ensure() {
	cluster, err := mesosfake.New(mesosfake.Config{}) // a real program has the address of a real master
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() { _ = cluster.Run(ctx) }()
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()

	program := func(spec task.Spec) (info task.Info, err error) {
		store, err := ha.OpenFile(filepath.Join(dir, "example.db"))
		if err != nil {
			return info, err
		}
		defer func() { err = errors.Join(err, store.Close()) }()
		s, err := scheduler.New(scheduler.Config{
			Master:      cluster.Master(),
			DialContext: cluster.DialContext,
			Framework:   scheduler.Framework{Name: "example"},
			Logger:      slog.New(slog.DiscardHandler),
			Store:       store,
		})
		if err != nil {
			return info, err
		}
		ctx, cancel := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		defer func() { cancel(); <-ended }()
		if info, err = s.Ensure(ctx, spec); err != nil {
			return info, err
		}
		return s.Wait(ctx, spec.ID, scheduler.UntilEnded)
	}
	spec := task.Spec{ID: "report-2026-01", CPUs: 0.5, Mem: 64, Command: task.Command{Shell: "exit 0"}}
	for range 2 {
		info, err := program(spec)
		fmt.Println(info.State, err)
	}
	spec.CPUs = 1
	_, err = program(spec)
	fmt.Println(err)
	// Output:
	// finished <nil>
	// finished <nil>
	// scheduler: task "report-2026-01" is on record with another spec: CPUs: 0.5 on record, 1 wanted
}

// IDs are refused for as long as they are remembered. Forget frees one.
func ExampleScheduler_Forget() {
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

	spec := task.Spec{ID: "t1", CPUs: 0.5, Mem: 64, Command: task.Command{Shell: "sleep 3600"}}
	_, err = s.Launch(ctx, spec)
	fmt.Println(err, "/", s.Forget(ctx, "t1"))
	_, err = s.Kill(ctx, "t1")
	fmt.Println(err, "/", s.Submit(ctx, spec))
	fmt.Println(s.Forget(ctx, "t1"), "/", s.Submit(ctx, spec))
	fmt.Println(s.Teardown(ctx), <-ended)
	// Output:
	// <nil> / scheduler: task "t1" is running: only what has ended, or is unreachable or unknown, can be forgotten
	// <nil> / scheduler: duplicate task ID: "t1"
	// <nil> / <nil>
	// <nil> <nil>
}
