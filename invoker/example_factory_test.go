package invoker_test

import (
	"context"
	"fmt"

	"github.com/mesos-actor/mesos-actor-go/invoker"
)

// A program with a pool of its own has a container started, and sends /init and /run to it by itself. Other processes do the same over
// HTTP.
func ExampleInvoker_Factory() {
	with(newShelf(), invoker.PoolConfig{}, func(ctx context.Context, inv *invoker.Invoker) {
		if _, err := inv.Stats(ctx); err != nil { // it waits until the run has begun
			fmt.Println(err)
			return
		}
		const session = "0123456789abcdef" // to be renewed each 3 s
		var control invoker.Control = inv.Control()
		if _, err := control.Renew(ctx, invoker.Renewal{Session: session, Open: true}); err != nil {
			fmt.Println(err)
			return
		}
		var factory *invoker.Factory = inv.Factory()
		request := invoker.ContainerRequest{Session: session, Request: "1", Kind: "greeter", Image: "greeter", Memory: 128}
		container, err := factory.Create(ctx, request)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(container.State, container.Address != "")

		var now invoker.Snapshot
		now, err = inv.Snapshot(ctx)
		fmt.Println(len(now.Containers), now.Stats.Used, "MiB", err)
		fmt.Println(factory.Destroy(ctx, session, container.ID))
	})
	// Output:
	// busy true
	// 1 128 MiB <nil>
	// <nil>
}
