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

// The answer to the first launch is lost: the framework must not launch the task again, since it may run.
func ExampleCluster_Intercept() {
	runTest(func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			cluster := mesosfake.Start(t, mesosfake.Config{})
			lost := 0
			cluster.Intercept(func(call mesosfake.Call) mesosfake.Fault {
				if call.Type == "ACCEPT" && lost == 0 {
					lost++
					return mesosfake.FaultCutAfter
				}
				return mesosfake.FaultNone
			})
			s := run(t, cluster)
			info, err := s.Launch(t.Context(), task.Spec{ID: "t1", CPUs: 1, Mem: 64, Command: task.Command{Shell: "sleep 3600"}})
			fmt.Println(info.State, err)
			now := cluster.Snapshot()
			fmt.Println(lost, "answer lost,", now.Calls["ACCEPT"], "ACCEPT,", len(now.Tasks), "task")
		})
	})
	// Output:
	// running <nil>
	// 1 answer lost, 1 ACCEPT, 1 task
}

// A master that is overloaded for ten seconds.
func ExampleFault() {
	runTest(func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			cluster := mesosfake.Start(t, mesosfake.Config{})
			cluster.Intercept(func(mesosfake.Call) mesosfake.Fault {
				return mesosfake.Fault(http.StatusServiceUnavailable)
			})
			run(t, cluster)
			time.Sleep(10 * time.Second)
			fmt.Println("frameworks:", len(cluster.Snapshot().Frameworks))
			cluster.Intercept(nil)
			time.Sleep(time.Minute)
			fmt.Println("frameworks:", len(cluster.Snapshot().Frameworks))
		})
	})
	// Output:
	// frameworks: 0
	// frameworks: 1
}

// An agent will be under maintenance in an hour: what the framework is offered of it says so.
func ExampleCluster_ScheduleMaintenance() {
	runTest(func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			cluster := mesosfake.Start(t, mesosfake.Config{})
			if err := cluster.ScheduleMaintenance(mesosfake.Window{
				Hostnames: []string{"agent1.example"}, Start: time.Now().Add(time.Hour), Duration: 10 * time.Minute,
			}); err != nil {
				t.Fatal(err)
			}
			s := run(t, cluster)
			if _, err := s.Launch(t.Context(), task.Spec{ID: "t1", CPUs: 1, Mem: 64, Command: task.Command{Shell: "sleep 86400"}}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
			if err := cluster.StartMaintenance("agent1.example"); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			info, err := s.Task(t.Context(), "t1")
			fmt.Println(info.State, err)
		})
	})
	// Output:
	// lost <nil>
}

// What a master and its agents have.
func ExampleSnapshot() {
	runTest(func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			cluster := mesosfake.Start(t, mesosfake.Config{})
			s := run(t, cluster)
			for _, spec := range []task.Spec{
				{ID: "web", CPUs: 1, Mem: 64, Container: &task.Container{Image: "nginx"}},
				{ID: "job", CPUs: 1, Mem: 64, Command: task.Command{Shell: "sleep 5; exit 3"}},
			} {
				if err := s.Submit(t.Context(), spec); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(time.Minute)

			now := cluster.Snapshot()
			for _, f := range now.Frameworks {
				fmt.Println("framework", f.Name, "connected:", f.Connected, "wants no offers for:", f.Suppressed)
			}
			for _, a := range now.Agents {
				fmt.Println("agent", a.Hostname, "has left:", a.Free)
			}
			for _, t := range now.Tasks {
				fmt.Println("task", t.ID, t.State, t.Message, "runs:", t.Running)
			}
			fmt.Println("offers:", len(now.Offers), "leader:", now.Leader)
		})
	})
	// Output:
	// framework shop connected: true wants no offers for: [*]
	// agent agent1.example has left: ports:[31000-32000]; cpus:3; mem:4032; disk:10000
	// task web TASK_RUNNING  runs: true
	// task job TASK_FAILED Command exited with status 3 runs: false
	// offers: 0 leader: 0
}

// run runs a framework until the test ends.
func run(t *testing.T, cluster *mesosfake.Cluster) *scheduler.Scheduler {
	s, err := scheduler.New(scheduler.Config{
		Master:      cluster.Master(),
		DialContext: cluster.DialContext,
		Framework:   scheduler.Framework{Name: "shop"},
		Logger:      slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Run(t.Context()) }()
	return s
}

// A test with a real network waits for what it expects.
func ExampleCluster_Await() {
	cluster, err := mesosfake.New(mesosfake.Config{Listen: "127.0.0.1:0", Agents: []mesosfake.Agent{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithTimeout(context.Background(), 10*time.Second)
	defer stop()
	go func() { _ = cluster.Run(ctx) }()

	go func() { _ = cluster.AddAgent(mesosfake.Agent{Hostname: "late.example"}) }()
	err = cluster.Await(ctx, func(now mesosfake.Snapshot) bool { return len(now.Agents) == 1 })
	fmt.Println(cluster.Snapshot().Agents[0].Hostname, err)
	// Output: late.example <nil>
}

// Faults have names, for logs of tests.
func ExampleFault_String() {
	fmt.Println(mesosfake.FaultNone, mesosfake.FaultSwallow, mesosfake.FaultHang, mesosfake.FaultCut)
	fmt.Println(mesosfake.FaultHangAfter, mesosfake.FaultCutAfter, mesosfake.Fault(http.StatusTooManyRequests))
	// Output:
	// none swallow hang cut
	// hang after cut after 429
}
