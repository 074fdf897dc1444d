package httpapi_test

import (
	"fmt"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/invoker/httpapi"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// A member of a framework serves its scheduler and its invoker at the same address.
func ExampleRoutes() {
	inv, err := invoker.New(invoker.Config{Owner: "example", Engine: newEngine(nil)})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = controlapi.New(controlapi.Config{Framework: &scheduler.Scheduler{}, Routes: httpapi.Routes(inv)})
	fmt.Println(err)
	// Output: <nil>
}

// A process of its own sends activations to containers that it asks the members for.
func ExampleNewControl() {
	client, err := controlapi.NewClient(controlapi.ClientConfig{Addresses: []string{"10.0.0.1:8080", "10.0.0.2:8080"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	dispatcher, err := invoker.NewDispatcher(invoker.DispatcherConfig{Control: httpapi.NewControl(client)})
	fmt.Println(dispatcher != nil, err)
	// Now dispatcher.Run in a goroutine, and dispatcher.Invoke.
	// Output: true <nil>
}
