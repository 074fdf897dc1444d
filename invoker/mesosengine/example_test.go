package mesosengine_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/invoker/mesosengine"
	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// helloRuntime is what runs in the containers of the example: all that the action protocol needs.
func helloRuntime(ctx context.Context, p *mesosfake.Process) int {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /init", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /run", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"text":"hello"}`)
	})
	return p.Serve(ctx, 8080, mux)
}

// An invoker on a Mesos cluster, which is a fake one here.
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	quiet := slog.New(slog.DiscardHandler)
	cluster, err := mesosfake.New(mesosfake.Config{Programs: map[string]mesosfake.Program{"hello-runtime:1": helloRuntime}})
	if err != nil {
		fmt.Println(err)
		return
	}
	go func() { _ = cluster.Run(ctx) }()

	s, err := scheduler.New(mesosengine.SchedulerConfig(scheduler.Config{
		Master: cluster.Master(), DialContext: cluster.DialContext, Framework: scheduler.Framework{Name: "invoker"}, Logger: quiet,
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	var engine *mesosengine.Engine
	if engine, err = mesosengine.New(s, mesosengine.Config{Network: "bridge"}); err != nil {
		fmt.Println(err)
		return
	}
	inv, err := invoker.New(invoker.Config{Owner: "prod", Engine: engine, DialContext: cluster.DialContext, Logger: quiet})
	if err != nil {
		fmt.Println(err)
		return
	}
	go func() { _ = s.Run(ctx) }()
	go func() { _ = inv.Run(ctx) }()

	action := &invoker.Action{Namespace: "guest", Name: "/guest/hello", Kind: "hello:1", Image: "hello-runtime:1", LogLimit: -1}
	for range 2 {
		r, err := inv.Invoke(ctx, action, invoker.Activation{})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(r.Start, r.Status, string(r.Body))
	}
	// Output:
	// cold success {"text":"hello"}
	// warm success {"text":"hello"}
}

// Everything that is wrong with a config is told at once.
func ExampleConfigError() {
	_, err := mesosengine.New(nil, mesosengine.Config{Mode: mesosengine.Mode("podman"), DNSServers: []string{"10.0.0.1"}})
	var first *mesosengine.ConfigError
	if errors.As(err, &first) {
		fmt.Println("field:", first.Field)
	}
	fmt.Println(err)
	// Output:
	// field: Mode
	// mesosengine: Mode is "podman": it is one of "docker", "mesos" and "command"
	// mesosengine: Parameters is "dns": options of docker run are for mode docker
}
