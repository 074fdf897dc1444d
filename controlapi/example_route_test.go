package controlapi_test

import (
	"fmt"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// A program adds a route of its own. It has the tokens and the limits of the others, and the leader answers it, whichever
// member is asked.
func ExampleRoute() {
	type greeting struct {
		Text string `json:"text"`
	}
	var kind controlapi.RouteKind = controlapi.Reads
	route := controlapi.Route{
		Method: "GET", Path: "/v1/greetings/{id}", Kind: kind, Summary: "Greets somebody.", Answer: greeting{},
		Handle: func(r *controlapi.Request) (any, error) { return greeting{"Hello, " + r.ID + "!"}, nil },
	}
	_, err := controlapi.New(controlapi.Config{Framework: &scheduler.Scheduler{}, Routes: []controlapi.Route{route}})
	fmt.Println(err)
	// Output: <nil>
}

// A route that goes on for as long as its client likes.
func ExampleRequest_Stream() {
	_ = controlapi.Route{
		Method: "GET", Path: "/v1/ticks", Kind: controlapi.Streams,
		Handle: func(r *controlapi.Request) (any, error) {
			var s *controlapi.Stream = r.Stream("text/event-stream")
			for i := 0; r.Context().Err() == nil; i++ {
				if _, err := fmt.Fprintf(s, "data: %d\n\n", i); err != nil {
					break // the client has gone
				}
			}
			return nil, nil
		},
	}
}
