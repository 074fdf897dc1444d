package mesosfake_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// A test that loses the agent of a task and lets an hour pass, in some milliseconds. In code of one's own the function is a
// test, such as func TestAgentIsLost(t *testing.T).
func Example() {
	runTest(func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			cluster := mesosfake.Start(t, mesosfake.Config{Agents: []mesosfake.Agent{
				{Hostname: "east.example", Attributes: "rack:r1"},
				{Hostname: "west.example", Attributes: "rack:r2", Resources: "cpus:16;mem:32768"},
			}})
			s, err := scheduler.New(scheduler.Config{
				Master:      cluster.Master(),
				DialContext: cluster.DialContext,
				Framework:   scheduler.Framework{Name: "shop"},
				Logger:      slog.New(slog.DiscardHandler),
			})
			if err != nil {
				t.Fatal(err)
			}
			go func() { _ = s.Run(t.Context()) }() // until the test ends

			info, err := s.Launch(t.Context(), task.Spec{ID: "web-1", CPUs: 1, Mem: 64, Command: task.Command{Shell: "sleep 86400"}})
			if err != nil {
				t.Fatal(err)
			}
			if err := cluster.LoseAgent(info.Hostname); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			time.Sleep(time.Hour)
			synctest.Wait()

			after, err := s.Task(t.Context(), "web-1")
			fmt.Println(time.Since(began), "later the scheduler says:", after.State, err)
			now := cluster.Snapshot()
			web, _ := now.Task("web-1")
			fmt.Println("the master says:", web.State, "and has", len(now.Agents), "agent")

			if err := cluster.ReturnAgent(info.Hostname); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			after, err = s.Task(t.Context(), "web-1")
			fmt.Println("the agent is back:", after.State, err)
		})
	})
	// Output:
	// 1h0m0s later the scheduler says: unreachable <nil>
	// the master says: TASK_UNREACHABLE and has 1 agent
	// the agent is back: running <nil>
}

// A cluster on the real network, without a test, as any program in any language sees it.
func ExampleNew() {
	cluster, err := mesosfake.New(mesosfake.Config{Listen: "127.0.0.1:0"})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- cluster.Run(ctx) }()

	response, err := http.Get(cluster.Master() + "/health")
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = response.Body.Close()
	fmt.Println(response.Status)
	stop()
	fmt.Println(<-ended)
	// Output:
	// 200 OK
	// <nil>
}
