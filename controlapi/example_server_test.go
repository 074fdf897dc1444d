package controlapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// ask sends a request as a program in any language does, and decodes the answer. Answers of 400 or more have an Error.
func ask(api http.Handler, method, path, body string, answer any) error {
	request := httptest.NewRequest(method, path, strings.NewReader(body))
	request.Header.Set("Authorization", "Bearer open-sesame")
	request.Header.Set("Content-Type", "application/json")
	recorder := httptest.NewRecorder()
	api.ServeHTTP(recorder, request)
	if recorder.Code >= 400 {
		var refused struct{ Error controlapi.Error }
		return errors.Join(json.Unmarshal(recorder.Body.Bytes(), &refused), &refused.Error)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(recorder.Body.Bytes(), answer)
}

// A server inside a program's own HTTP server. This process runs alone, without an Elector.
func ExampleServer() {
	cluster, err := mesosfake.New(mesosfake.Config{}) // a real program has the address of a real master
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() { _ = cluster.Run(ctx) }()
	s, err := scheduler.New(scheduler.Config{
		Master: cluster.Master(), DialContext: cluster.DialContext, Framework: scheduler.Framework{Name: "shop"}, Logger: quiet(),
	})
	if err != nil {
		log.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()

	var elector controlapi.Elector // a real program with several members has one
	server, err := controlapi.New(controlapi.Config{Framework: s, Name: "shop", Elector: elector, Tokens: []string{"open-sesame"}})
	if err != nil {
		log.Fatal(err)
	}
	var health controlapi.Health
	fmt.Println(ask(server, "GET", "/healthz", "", &health), health.OK)

	fmt.Println(ask(server, "POST", "/v1/tasks?wait=running", `{"id":"web-1","cpus":0.5,"mem":64,"command":{"shell":"sleep 3600"}}`, nil))
	var page controlapi.TaskPage[controlapi.Summary]
	fmt.Println(ask(server, "GET", "/v1/tasks?view=summary&state=running", "", &page), page.Total, page.Tasks[0].ID)
	var detail controlapi.TaskDetail
	fmt.Println(ask(server, "GET", "/v1/tasks/web-1", "", &detail), "began as", detail.History[0].State)

	var refused *controlapi.Error
	if errors.As(ask(server, "POST", "/v1/tasks", `{"id":"web-2","cpus":-1}`, nil), &refused) {
		fmt.Println(refused.Code, refused.Fields[0])
	}

	status, err := s.Status(ctx)
	if err != nil {
		log.Fatal(err)
	}
	body, err := json.Marshal(controlapi.TeardownRequest{FrameworkID: status.FrameworkID})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(ask(server, "POST", "/v1/teardown", string(body), nil), <-ended)
	// Output:
	// <nil> true
	// <nil>
	// <nil> 1 web-1
	// <nil> began as pending
	// invalid {CPUs -1 must not be negative}
	// <nil> <nil>
}

// All that is wrong with a config is named at once.
func ExampleConfigError() {
	_, err := controlapi.New(controlapi.Config{Tokens: []string{"with space"}})
	var all interface{ Unwrap() []error }
	if !errors.As(err, &all) {
		log.Fatal(err)
	}
	for _, err := range all.Unwrap() {
		var config *controlapi.ConfigError
		if errors.As(err, &config) {
			fmt.Println(config.Field, config.Reason)
		}
	}
	// Output:
	// Framework is required without Routes
	// Tokens[0] must have 1 to 4096 bytes, all of them printable ASCII without spaces
}
