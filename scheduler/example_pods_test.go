package scheduler_test

import (
	"context"
	"fmt"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// A web server and its monitor run on one agent, reach each other at 127.0.0.1, and end together.
func ExampleScheduler_LaunchPod() {
	s, stop := newExample(scheduler.OfferPolicy{})
	defer stop()
	ctx := context.Background()
	ended := make(chan error)
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
