package taskmatcher_test

import (
	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

// Agents with GPUs are kept for tasks that ask for GPUs, unless an option says otherwise.
func ExampleOptions() {
	offer := agent("agent1", "r1", 8, 4096)
	offer.Resources = append(offer.Resources, scalar("gpus", 2))
	web := task.Spec{CPUs: 1, Mem: 128}
	show(taskmatcher.Spread{}, 1, web, nil, offer)
	show(taskmatcher.Spread{Options: taskmatcher.Options{ShareGPUAgents: true}}, 1, web, nil, offer)
	// Output:
	// web-1: gpus: kept for tasks that ask for some on 1 agent
	// web-1 on agent1
}
