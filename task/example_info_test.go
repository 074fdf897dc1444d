package task_test

import (
	"encoding/json"
	"fmt"
	"log"
	"time"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// What is known of a task is JSON that can be decoded again.
func ExampleInfo() {
	status := 3
	encoded, err := json.Marshal(task.Info{
		Spec: task.Spec{ID: "job-7", CPUs: 1, Mem: 64}, State: task.StateFailed, Version: 42,
		AgentID: "S1", Hostname: "agent1.example", ExitStatus: &status,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(encoded))

	var info task.Info
	if err := json.Unmarshal(encoded, &info); err != nil {
		log.Fatal(err)
	}
	fmt.Println(info, "with status", *info.ExitStatus)
	// Output:
	// {"spec":{"id":"job-7","cpus":1,"mem":64},"state":"failed","version":42,"agentID":"S1","hostname":"agent1.example","exitStatus":3}
	// task job-7 failed on agent1.example with status 3
}

func ExampleState() {
	state, err := task.ParseState("gone_by_operator")
	fmt.Println(state, state.Terminal(), err)

	var unreachable task.State
	err = unreachable.UnmarshalText([]byte("unreachable"))
	fmt.Println(unreachable, unreachable.Terminal(), err)
	// Output:
	// gone_by_operator true <nil>
	// unreachable false <nil>
}

// The history of a task, as Scheduler.History of package scheduler returns it.
func ExampleTransition() {
	noon := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for _, t := range []task.Transition{
		{At: noon, State: task.StatePending},
		{At: noon.Add(time.Second), State: task.StateRunning, Hostname: "agent1.example"},
		{At: noon.Add(time.Hour), State: task.StateFailed, Hostname: "agent1.example", Message: "Command exited with status 3"},
	} {
		fmt.Println(t)
	}
	// Output:
	// 2026-11-29T12:00:00Z pending
	// 2026-11-29T12:00:01Z running on agent1.example
	// 2026-11-29T13:00:00Z failed on agent1.example: Command exited with status 3
}
