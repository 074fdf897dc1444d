package task_test

import (
	"fmt"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// wholeOffers is a matcher in short: it gives each task a whole offer, of the agent with the fewest tasks of its group. One for
// real use takes no more than the task asks for, and respects roles, constraints, maintenance and quarantined ports, as
// package taskmatcher does.
type wholeOffers struct{}

func (wholeOffers) Match(cycle task.Cycle) (placed []task.Placement, rejected []task.Rejection) {
	left := append([]task.Offer(nil), cycle.Offers...)
	for _, demand := range cycle.Tasks {
		if len(left) == 0 {
			rejected = append(rejected, task.Rejection{TaskID: demand.ID, Reasons: []task.Reason{{Kind: task.ReasonNoOffers}}})
			continue
		}
		best := 0
		for i := range left {
			if tasksOn(cycle.Running, demand.Spec.Group, left[i].Agent) < tasksOn(cycle.Running, demand.Spec.Group, left[best].Agent) {
				best = i
			}
		}
		offer := left[best]
		left = append(left[:best], left[best+1:]...)
		placed = append(placed, task.Placement{
			TaskID: demand.ID, OfferIDs: []string{offer.ID}, AgentID: offer.Agent.ID, Hostname: offer.Agent.Hostname,
			Resources: offer.Resources,
		})
	}
	return placed, rejected
}

// tasksOn returns how many tasks of a group are on an agent.
func tasksOn(running []task.Presence, group string, agent task.Agent) int {
	for _, p := range running {
		if p.Group == group && p.Agent.ID == agent.ID {
			return p.Tasks
		}
	}
	return 0
}

// What a matcher is given and returns.
func ExampleCycle() {
	web := &task.Spec{Group: "web", CPUs: 1, Mem: 64}
	east, west := task.Agent{ID: "S1", Hostname: "east.example"}, task.Agent{ID: "S2", Hostname: "west.example"}
	placed, rejected := wholeOffers{}.Match(task.Cycle{
		Tasks: []task.Demand{{ID: "web-2", Spec: web}, {ID: "web-3", Spec: web}, {ID: "web-4", Spec: web}},
		Offers: []task.Offer{
			{ID: "O1", Agent: east, Role: "*", Resources: []mesos.Resource{}},
			{ID: "O2", Agent: west, Role: "*", Resources: []mesos.Resource{}},
		},
		Running: []task.Presence{{Group: "web", Agent: east, Tasks: 1}},
		// This one may be waited for: it was offered lately.
		Agents: []task.KnownAgent{{Offer: task.Offer{Agent: task.Agent{ID: "S3", Hostname: "north.example"}, Role: "*"}}},
	})
	for _, p := range placed {
		fmt.Println(p.TaskID, "on", p.Hostname)
	}
	for _, r := range rejected {
		fmt.Println(r, r.Reasons[0].Kind == task.ReasonKind("no_offers"))
	}
	// Output:
	// web-2 on west.example
	// web-3 on east.example
	// web-4: no offers true
}
