package taskmatcher_test

import (
	"fmt"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

// agent returns an offer of an agent on a rack.
func agent(name, rack string, cpus, mem float64) task.Offer {
	return task.Offer{
		ID: "offer of " + name, Role: "*",
		Agent:     task.Agent{ID: name, Hostname: name, Attributes: []mesos.Attribute{text("rack", rack)}},
		Resources: []mesos.Resource{scalar("cpus", cpus), scalar("mem", mem), ranges("ports", 31000, 31999)},
	}
}

// show matches n tasks with the same spec, named web-1, web-2 and so on, and prints where they are placed.
func show(m matcher, n int, spec task.Spec, running []task.Presence, offers ...task.Offer) {
	cycle := task.Cycle{Offers: offers, Running: running}
	for i := range n {
		cycle.Tasks = append(cycle.Tasks, task.Demand{ID: fmt.Sprint("web-", i+1), Spec: &spec})
	}
	placements, rejections := m.Match(cycle)
	for _, p := range placements {
		fmt.Println(p.TaskID, "on", p.Hostname)
	}
	for _, r := range rejections {
		fmt.Println(r)
	}
}

func constrained(text string) task.Spec {
	c, err := task.ParseConstraint(text, " ")
	if err != nil {
		panic(err)
	}
	return task.Spec{CPUs: 1, Mem: 128, Constraints: []task.Constraint{c}}
}

func ExampleFirstFit() {
	web := &task.Spec{CPUs: 0.5, Mem: 256, Ports: []task.Port{{Container: 80}}}
	cycle := task.Cycle{
		Tasks: []task.Demand{
			{ID: "web-1", Spec: web},
			{ID: "web-2", Spec: web},
			{ID: "big", Spec: &task.Spec{CPUs: 1, Mem: 1136}},
			{ID: "near", Spec: &task.Spec{CPUs: 1, Mem: 64, Ports: []task.Port{{Host: 31500}, {}}}},
		},
		Offers: []task.Offer{agent("agent1", "r1", 4, 1024), agent("agent2", "r7", 4, 512)},
	}
	placements, rejections := taskmatcher.FirstFit{}.Match(cycle)
	for _, p := range placements {
		fmt.Println(p.TaskID, "on", p.Hostname, p.HostPorts)
	}
	for _, r := range rejections {
		fmt.Println(r)
	}
	// Output:
	// web-1 on agent2 [31000]
	// web-2 on agent2 [31001]
	// near on agent1 [31500 31000]
	// big: mem: not enough on 2 agents; closest agent1, 176 MiB short
}

func ExampleBestFit() {
	// A task takes a larger share of all cpus than of all memory, so it goes where the fewest cpus are left.
	show(taskmatcher.BestFit{}, 3, task.Spec{CPUs: 1, Mem: 128}, nil,
		agent("agent1", "r1", 8, 1024), agent("agent2", "r1", 2, 4096), agent("agent3", "r1", 4, 2048))
	// Output:
	// web-1 on agent2
	// web-2 on agent2
	// web-3 on agent3
}

func ExampleSpread() {
	first := agent("agent1", "r1", 8, 1024)
	running := []task.Presence{{Group: "web", Agent: first.Agent, Tasks: 2}}
	show(taskmatcher.Spread{}, 3, task.Spec{CPUs: 1, Mem: 128, Group: "web"}, running, first, agent("agent2", "r1", 8, 1024))
	// Output:
	// web-1 on agent2
	// web-2 on agent2
	// web-3 on agent1
}

// A user-defined strategy: use at most half of each agent's memory, and prefer the agent with the most memory left.
func ExampleScored() {
	halfFull := taskmatcher.Scored{
		Filter: func(s *task.Spec, c *taskmatcher.Candidate) bool { return c.Free("mem")-s.Mem >= c.Offered("mem")/2 },
		Score:  func(_ *task.Spec, c *taskmatcher.Candidate) float64 { return -c.Free("mem") },
	}
	show(halfFull, 4, task.Spec{CPUs: 1, Mem: 512}, nil, agent("agent1", "r1", 8, 1024), agent("agent2", "r1", 8, 2048))
	// Output:
	// web-1 on agent2
	// web-2 on agent2
	// web-3 on agent1
	// web-4: filter: refuses 2 agents
}

func racks() []task.Offer {
	return []task.Offer{agent("agent1", "r1", 2, 1024), agent("agent2", "r2", 2, 1024), agent("agent3", "r3", 2, 1024)}
}

func ExampleFirstFit_like() {
	show(taskmatcher.FirstFit{}, 1, constrained("rack LIKE r[23]"), nil, racks()...)
	// Output: web-1 on agent2
}

func ExampleFirstFit_unlike() {
	show(taskmatcher.FirstFit{}, 1, constrained("rack UNLIKE r[12]"), nil, racks()...)
	// Output: web-1 on agent3
}

func ExampleFirstFit_is() {
	show(taskmatcher.FirstFit{}, 3, constrained("hostname IS agent2"), nil, racks()...)
	// Output:
	// web-1 on agent2
	// web-2 on agent2
	// web-3: hostname IS agent2: does not hold on 2 agents; cpus: not enough on 1 agent; closest agent2, 1 short
}

// A task that failed on agent1 is submitted again, to run elsewhere. As a preference it would go back if need be.
func ExampleFirstFit_isNot() {
	failed := task.Info{Hostname: "agent1"}
	again := task.Spec{CPUs: 1, Mem: 128, Constraints: []task.Constraint{
		{Attribute: task.AttributeHostname, Operator: task.OpIsNot, Value: failed.Hostname},
	}}
	show(taskmatcher.FirstFit{}, 1, again, nil, racks()...)
	// Output: web-1 on agent2
}

func ExampleFirstFit_unique() {
	show(taskmatcher.FirstFit{}, 4, constrained("rack UNIQUE"), nil, racks()...)
	// Output:
	// web-1 on agent1
	// web-2 on agent2
	// web-3 on agent3
	// web-4: rack UNIQUE: does not hold on 3 agents
}

func ExampleFirstFit_cluster() {
	show(taskmatcher.FirstFit{}, 3, constrained("rack CLUSTER"), nil, racks()...)
	// Output:
	// web-1 on agent1
	// web-2 on agent1
	// web-3: rack CLUSTER: does not hold on 2 agents; cpus: not enough on 1 agent; closest agent1, 1 short
}

func ExampleFirstFit_groupBy() {
	show(taskmatcher.FirstFit{}, 4, constrained("rack GROUP_BY"), nil, racks()...)
	// Output:
	// web-1 on agent1
	// web-2 on agent2
	// web-3 on agent3
	// web-4 on agent1
}

func ExampleFirstFit_maxPer() {
	running := []task.Presence{{Agent: racks()[0].Agent, Tasks: 1}}
	show(taskmatcher.FirstFit{}, 3, constrained("rack MAX_PER 2"), running, racks()...)
	// Output:
	// web-1 on agent1
	// web-2 on agent2
	// web-3 on agent2
}

func ExampleFirstFit_preference() {
	spec := task.Spec{CPUs: 1, Mem: 128, Preferences: []task.Constraint{{Attribute: "rack", Operator: task.OpIs, Value: "r3"}}}
	show(taskmatcher.FirstFit{}, 3, spec, nil, racks()...)
	// Output:
	// web-1 on agent3
	// web-2 on agent3
	// web-3 on agent1
}
