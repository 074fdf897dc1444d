package mesostest

import (
	"maps"
	"slices"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/validate"
	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/wirejson"
)

// Snapshot is what the master knows at one moment, as plain values.
type Snapshot struct {
	Leader     int                         // which master leads and has recovered, -1 when none does
	Frameworks []FrameworkState            // by arrival
	Completed  []string                    // IDs of removed frameworks, the oldest first
	Agents     []AgentState                // by registration
	Offers     []OfferState                // outstanding, by agent
	Running    []RunningTask               // by agent and launch
	Calls      map[scheduler.Call_Type]int // that passed the static checks; also those that got a fault
	Launches   map[string]int              // how often each task was handed to an agent, whatever its framework
	Launched   []LaunchedTask              // every task that an agent was given, by launch; only with Config.KeepTasks

	// Deadly tells of what the masters have survived here though a real one would have failed a check and ended, such
	// as an UNKNOWN call of a framework. A test that a framework keeps to the rules finds it empty.
	Deadly []string
}

// FrameworkState is a framework that is not removed.
type FrameworkState struct {
	ID, Name   string
	Connected  bool
	Recovered  bool // known from agents alone, after the failover of the master
	Roles      []string
	Suppressed []string // roles, sorted

	// Constraints are the offer constraints as JSON, "" without any, MinAllocatable those resources of the
	// offer filters, by role.
	Constraints    string
	MinAllocatable map[string][]map[string]float64

	Tasks []TaskState // by launch
}

// TaskState is a task until its terminal update is acknowledged.
type TaskState struct {
	ID, AgentID string
	State       mesos.TaskState // the latest that the agent told the master
	Unacked     int             // updates not acknowledged, sent or waiting
	Limits      map[string]float64
}

// AgentState is a registered agent.
type AgentState struct {
	ID, Hostname string
	Free         string // neither offered nor used, as Mesos prints resources
}

// RunningTask is a task that an agent has and that has not ended, whether the master knows of it or not.
type RunningTask struct {
	ID, FrameworkID, Hostname string
}

// LaunchedTask is a task that an agent was given, also after its end.
type LaunchedTask struct {
	Info              *mesos.TaskInfo // must not be changed
	FrameworkID       string
	AgentID, Hostname string
	State             mesos.TaskState // the latest in the eyes of masters
	Message           string          // of the update with that state, if the framework was sent one
	Running           bool            // its agent has it, whether a master knows of it or not
}

// OfferState is an outstanding offer.
type OfferState struct {
	ID, FrameworkID, AgentID, Role string
	Resources                      string // as Mesos prints them
}

// Snapshot returns the state of the moment. After Run has ended it is the last one.
func (m *Master) Snapshot() Snapshot {
	var s Snapshot
	m.must(func() { s = m.snapshot() })
	return s
}

func (m *Master) snapshot() Snapshot {
	s := Snapshot{
		Leader: m.leader(), Calls: maps.Clone(m.callCounts), Launches: maps.Clone(m.launches), Deadly: slices.Clone(m.deadly),
	}
	for _, f := range m.removed {
		s.Completed = append(s.Completed, f.id)
	}
	for _, f := range m.order {
		state := FrameworkState{
			ID: f.id, Name: f.info.Name, Connected: f.stream != nil, Recovered: f.recovered,
			Roles: slices.Clone(validate.Roles(&f.info)), Suppressed: slices.Sorted(maps.Keys(f.suppressed)), MinAllocatable: minimumView(f.info.OfferFilters),
		}
		if f.constraints != nil {
			state.Constraints = string(wirejson.Encode(f.constraints))
		}
		for _, t := range f.byLaunch() {
			state.Tasks = append(state.Tasks, TaskState{
				ID: t.info.TaskID.Value, AgentID: t.agent.id, State: t.state, Unacked: len(t.updates), Limits: limitsView(t.info),
			})
		}
		s.Frameworks = append(s.Frameworks, state)
	}
	for _, a := range m.agents {
		s.Agents = append(s.Agents, AgentState{ID: a.id, Hostname: a.config.Hostname, Free: a.free.String()})
		for _, o := range a.offers {
			s.Offers = append(s.Offers, OfferState{
				ID: o.id, FrameworkID: o.framework.id, AgentID: a.id, Role: o.role, Resources: o.resources.String(),
			})
		}
	}
	for _, a := range m.everRegistered {
		for _, t := range a.byLaunch() {
			if !terminal(t.latest) {
				s.Running = append(s.Running, RunningTask{ID: t.info.TaskID.Value, FrameworkID: t.framework.id, Hostname: a.config.Hostname})
			}
		}
	}
	for _, t := range m.kept {
		launched := LaunchedTask{
			Info: t.info, FrameworkID: t.framework.id, AgentID: t.agent.id, Hostname: t.agent.config.Hostname, State: t.shown(),
		}
		if n := len(t.statuses); n > 0 && t.statuses[n-1].GetState() == launched.State {
			launched.Message = t.statuses[n-1].GetMessage()
		}
		_, there := t.agent.tasks[t]
		launched.Running = there && !terminal(t.latest)
		s.Launched = append(s.Launched, launched)
	}
	return s
}

// limitsView returns how a snapshot shows the limits of a task.
func limitsView(t *mesos.TaskInfo) map[string]float64 {
	if len(t.Limits) == 0 {
		return nil
	}
	view := make(map[string]float64, len(t.Limits))
	for name, limit := range t.Limits {
		view[name] = limit.Value
	}
	return view
}

// minimumView returns how a snapshot shows the offer filters of a framework.
func minimumView(filters map[string]mesos.OfferFilters) map[string][]map[string]float64 {
	var view map[string][]map[string]float64
	for role, f := range filters {
		if f.MinAllocatableResources == nil {
			continue
		}
		if view == nil {
			view = make(map[string][]map[string]float64)
		}
		list := []map[string]float64{}
		for _, q := range f.MinAllocatableResources.Quantities {
			amounts := make(map[string]float64, len(q.Quantities))
			for name, scalar := range q.Quantities {
				amounts[name] = scalar.Value
			}
			list = append(list, amounts)
		}
		view[role] = list
	}
	return view
}
