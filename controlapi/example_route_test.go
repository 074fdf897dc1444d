package controlapi_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

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

// Another process calls a route.
func ExampleClient_CallRoute() {
	member := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"text":"Hello, %s!"}`, r.URL.Query().Get("name"))
	}))
	defer member.Close()
	client, err := controlapi.NewClient(controlapi.ClientConfig{Addresses: []string{member.URL}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	var greeting struct{ Text string }
	call := controlapi.RouteCall{Method: "GET", Path: "/v1/greetings", Query: map[string][]string{"name": {"Ann"}}, Answer: &greeting}
	err = client.CallRoute(context.Background(), call)
	fmt.Println(greeting.Text, err)
	// Output: Hello, Ann! <nil>
}
