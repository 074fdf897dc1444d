package mesosfake

import (
	"context"
	"slices"

	"github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
)

// Snapshot is the state of a cluster at one moment.
type Snapshot struct {
	Leader     int              `json:"leader"`               // which master leads, counted from 0; -1: none does
	Frameworks []FrameworkState `json:"frameworks,omitempty"` // in the order of their first subscription
	Removed    []string         `json:"removed,omitempty"`    // IDs of frameworks that were torn down or timed out, oldest first
	Agents     []AgentState     `json:"agents,omitempty"`     // that are registered, in the order of that
	Offers     []OfferState     `json:"offers,omitempty"`     // that are out, by agent
	Tasks      []TaskState      `json:"tasks,omitempty"`      // that an agent was given, in the order of their launch, also those that have ended
	Calls      map[string]int   `json:"calls,omitempty"`      // how many calls of each type there were, such as "ACCEPT"
	Deadly     []string         `json:"deadly,omitempty"`     // what frameworks sent that crashes a real master, such as a call of type UNKNOWN
}

// FrameworkState is a framework that was not removed.
type FrameworkState struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	Connected  bool     `json:"connected"`            // it is subscribed
	Roles      []string `json:"roles"`                // that it is in
	Suppressed []string `json:"suppressed,omitempty"` // those that it wants no offers for, sorted
}

// AgentState is a registered agent.
type AgentState struct {
	ID       string `json:"id"`
	Hostname string `json:"hostname"`
	Free     string `json:"free"` // neither offered nor used, as Mesos prints resources: "cpus:3; mem:4032"
}

// OfferState is an offer that was neither used nor declined.
type OfferState struct {
	ID          string `json:"id"`
	FrameworkID string `json:"frameworkID"`
	AgentID     string `json:"agentID"`
	Role        string `json:"role"`
	Resources   string `json:"resources"` // as Mesos prints them
}

// TaskState is a task that an agent was given. A task that is launched twice is there twice.
type TaskState struct {
	ID          string `json:"id"`
	FrameworkID string `json:"frameworkID"`
	AgentID     string `json:"agentID"`
	Hostname    string `json:"hostname"`

	State   string          `json:"state"`            // the latest that a master knows, such as "TASK_RUNNING"
	Message string          `json:"message,omitzero"` // that came with it, such as "Command exited with status 1"
	Running bool            `json:"running"`          // its agent has it, even if the agent is away
	Info    *mesos.TaskInfo `json:"info"`             // what was launched; must not be changed
}

// Task returns the last launch of the task with the ID.
func (s Snapshot) Task(id string) (t TaskState, found bool) {
	for _, t := range slices.Backward(s.Tasks) {
		if t.ID == id {
			return t, true
		}
	}
	return TaskState{}, false
}

// Snapshot returns the state of the cluster. After Run has ended it is the last one.
func (c *Cluster) Snapshot() Snapshot { return snapshotOf(c.master.Snapshot()) }

// Await waits until is returns true of a snapshot. It is asked now and after each change; it must not block and must
// not call methods of the Cluster. The error is that of ctx, or says that Run has ended. In a bubble, time.Sleep and
// synctest.Wait can be used instead.
func (c *Cluster) Await(ctx context.Context, is func(Snapshot) bool) error {
	return c.master.Await(ctx, func(s mesostest.Snapshot) bool { return is(snapshotOf(s)) })
}

func snapshotOf(from mesostest.Snapshot) Snapshot {
	s := Snapshot{
		Leader: from.Leader, Removed: from.Completed, Calls: make(map[string]int, len(from.Calls)), Deadly: from.Deadly,
	}
	for _, f := range from.Frameworks {
		s.Frameworks = append(s.Frameworks, FrameworkState{f.ID, f.Name, f.Connected, f.Roles, f.Suppressed})
	}
	for _, a := range from.Agents {
		s.Agents = append(s.Agents, AgentState(a))
	}
	for _, o := range from.Offers {
		s.Offers = append(s.Offers, OfferState(o))
	}
	for _, t := range from.Launched {
		s.Tasks = append(s.Tasks, TaskState{
			ID: t.Info.TaskID.Value, FrameworkID: t.FrameworkID, AgentID: t.AgentID, Hostname: t.Hostname,
			State: t.State.String(), Message: t.Message, Running: t.Running, Info: t.Info,
		})
	}
	for call, n := range from.Calls {
		s.Calls[call.String()] = n
	}
	return s
}
