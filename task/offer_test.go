package task_test

import (
	"fmt"

	"github.com/mesos-actor/mesos-actor-go/task"
)

func ExampleRejection() {
	fmt.Println(task.Rejection{TaskID: "web-1", Others: 2, Reasons: []task.Reason{
		{Kind: task.ReasonShortage, Resource: "mem", Agents: 3, Short: 112, Hostname: "agent7"},
		{Kind: task.ReasonConstraint, Constraint: task.Constraint{Attribute: "rack", Operator: task.OpLike, Value: "r[12]"}, Agents: 1},
		{Kind: task.ReasonShortage, Resource: "cpus", Agents: 1, Short: 0.1, Hostname: "agent2"},
	}})
	fmt.Println(task.Rejection{TaskID: "web-2", Reasons: []task.Reason{{Kind: task.ReasonNoOffers}}})
	fmt.Println(task.Rejection{TaskID: "web-3", Reasons: []task.Reason{{Kind: task.ReasonRole, Agents: 2}}})
	// Output:
	// web-1 and 2 more: mem: not enough on 3 agents; closest agent7, 112 MiB short; rack LIKE r[12]: does not hold on 1 agent; cpus: not enough on 1 agent; closest agent2, 0.1 short
	// web-2: no offers
	// web-3: role: not the task's on 2 agents
}
