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

// A web server and its monitor run on one agent, reach each other at 127.0.0.1, and end together.
func ExampleScheduler_LaunchPod() {
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

	infos, err := s.LaunchPod(ctx,
		task.Spec{ID: "web-1", Pod: "shop-1", CPUs: 0.5, Mem: 128, Command: task.Command{Shell: "sleep 1000"}},
		task.Spec{ID: "watch-1", Pod: "shop-1", CPUs: 0.1, Mem: 32, Command: task.Command{Shell: "sleep 1000"}},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, info := range infos {
		fmt.Println(info.Spec.ID, info.State, info.AgentID == infos[0].AgentID)
	}
	info, err := s.Kill(ctx, "watch-1")
	fmt.Println(info.Spec.ID, info.State, err)
	fmt.Println(s.Teardown(ctx), <-ended)
	// Output:
	// web-1 running true
	// watch-1 running true
	// watch-1 killed <nil>
	// <nil> <nil>
}
