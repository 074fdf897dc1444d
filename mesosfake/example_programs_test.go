package mesosfake_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// greet is the program of a task: a server at the port that Mesos has given to it.
func greet(ctx context.Context, p *mesosfake.Process) (status int) {
	port, err := strconv.Atoi(p.Env["PORT0"])
	if err != nil {
		return 2
	}
	return p.Serve(ctx, port, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(p.Stdout, "asked for", r.URL.Path) // into the sandbox
		fmt.Fprint(w, "I am ", p.TaskID)
	}))
}

// A test of a framework together with the servers that it launches, which are functions of the test.
func ExampleProgram() {
	runTest(func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			cluster := mesosfake.Start(t, mesosfake.Config{Programs: map[string]mesosfake.Program{"./greet": greet}})
			s, err := scheduler.New(scheduler.Config{
				Master: cluster.Master(), DialContext: cluster.DialContext, Framework: scheduler.Framework{Name: "shop"}, Logger: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				t.Fatal(err)
			}
			go func() { _ = s.Run(t.Context()) }()
			info, err := s.Launch(t.Context(), task.Spec{ID: "web-1", CPUs: 1, Mem: 64, Ports: []task.Port{{}}, Command: task.Command{Argv: []string{"./greet"}}})
			if err != nil {
				t.Fatal(err)
			}
			client := &http.Client{Transport: &http.Transport{DialContext: cluster.DialContext, DisableKeepAlives: true}}
			answer, err := client.Get(fmt.Sprintf("http://%s:%d/hello", info.Hostname, info.HostPorts[0]))
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(answer.Body)
			fmt.Println(string(text))
			for c, err := range s.Logs(t.Context(), "web-1", scheduler.LogOptions{}) {
				fmt.Printf("%s%v\n", c.Data, err)
			}
		})
	})
	// Output:
	// I am web-1
	// asked for /hello
	// <nil>
}
