package invoker_test

import (
	"context"
	"fmt"

	"github.com/mesos-actor/mesos-actor-go/invoker"
)

// Before work on a machine its agent is drained, and watched until it is empty.
func ExampleInvoker_Drain() {
	inv, err := invoker.New(invoker.Config{Owner: "example", Engine: newShelf()})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() { _ = inv.Run(ctx) }()
	hello := &invoker.Action{Namespace: "guest", Name: "/guest/hello", Kind: "nodejs:20", Code: "hello"}
	if _, err := inv.Invoke(ctx, hello, invoker.Activation{}); err != nil {
		fmt.Println(err)
		return
	}
	if err := inv.Drain(ctx, "this machine"); err != nil {
		fmt.Println(err)
		return
	}
	agent := invoker.AgentInfo{Containers: 1}
	for agent.Containers > 0 {
		now, err := inv.Snapshot(ctx)
		if err != nil {
			fmt.Println(err)
			return
		}
		agent = now.Agents[0]
	}
	fmt.Println(agent.ID, "is empty, drained:", agent.Drained)
	// Output: this machine is empty, drained: true
}
