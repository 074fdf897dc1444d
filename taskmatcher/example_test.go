package taskmatcher_test

import (
	"fmt"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

func ExampleFirstFit() {
	offers := []task.Offer{
		{
			ID: "O1", AgentID: "S1", Hostname: "agent1",
			Resources:  []mesos.Resource{scalar("cpus", 4), scalar("mem", 1024), ranges("ports", 31000, 31999)},
			Attributes: []mesos.Attribute{text("rack", "r1")},
		},
		{
			ID: "O2", AgentID: "S2", Hostname: "agent2",
			Resources:  []mesos.Resource{scalar("cpus", 4), scalar("mem", 512), ranges("ports", 31000, 31999)},
			Attributes: []mesos.Attribute{text("rack", "r7")},
		},
	}
	tasks := []task.Spec{
		{ID: "web-1", CPUs: 0.5, Mem: 256, Ports: []task.Port{{Container: 80}, {Container: 443}}},
		{ID: "web-2", CPUs: 0.5, Mem: 256, Ports: []task.Port{{Container: 80}}},
		{ID: "big", CPUs: 1, Mem: 1136},
		{ID: "near", CPUs: 1, Mem: 64, Constraints: []task.Constraint{{Attribute: "rack", Operator: task.Like, Value: "r[12]"}}},
	}

	placements, rejections := taskmatcher.FirstFit{}.Match(tasks, offers)
	for _, p := range placements {
		fmt.Println(p.TaskID, "on", p.Hostname, p.HostPorts)
	}
	for _, r := range rejections {
		fmt.Println(r)
	}
	// Output:
	// web-1 on agent2 [31000 31001]
	// web-2 on agent2 [31002]
	// near on agent1 []
	// big: mem: 2 offers, the nearest short of 112 on agent1
}
