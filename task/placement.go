package task

import (
	"fmt"
	"strconv"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// Placement assigns a task to an agent and part of the agent's offers to the task.
type Placement struct {
	TaskID string
	// OfferIDs lists the offers that the resources are taken from, all of one agent and for one role. Placements on
	// the same offers may share the slice, which must not be modified.
	OfferIDs []string
	AgentID  string
	Hostname string
	// Resources are taken from the offers. All placements of a cycle together never take more than is offered.
	Resources []mesos.Resource
	// ExecutorResources are what the executor of the task gets, if [Spec.Executor] asks for some. They come on top of Resources.
	ExecutorResources []mesos.Resource
	// HostPorts are parallel to Spec.Ports.
	HostPorts []uint16
}

// Rejection says why tasks were not placed in this cycle: one task, or several of one class.
type Rejection struct {
	// TaskID is the first of the tasks. Others is the number of further tasks, all of the class of the first.
	TaskID string
	Others int
	// Reasons has one entry for each kind of obstacle, one for each resource that is short and one for each
	// constraint that failed; the most frequent comes first. It is never empty.
	Reasons []Reason
}

// String returns one line, such as "web-1 and 2 more: mem: 3 agents, the best short of 112 on agent7".
func (r Rejection) String() string {
	var b strings.Builder
	b.WriteString(r.TaskID)
	if r.Others > 0 {
		fmt.Fprintf(&b, " and %d more", r.Others)
	}
	separator := ": "
	for _, reason := range r.Reasons {
		b.WriteString(separator)
		b.WriteString(reason.String())
		separator = "; "
	}
	return b.String()
}

// ReasonKind is a kind of obstacle that keeps a task off an agent.
type ReasonKind string

// The obstacles.
const (
	ReasonNoOffers    ReasonKind = "no offers"
	ReasonRole        ReasonKind = "role"
	ReasonGPUAgent    ReasonKind = "kept for tasks with gpus" // see taskmatcher.Options.ShareGPUAgents
	ReasonMaintenance ReasonKind = "maintenance"              // see [Agent.Unavailable]
	ReasonFilter      ReasonKind = "filter"                   // a user-defined filter refused
	ReasonConstraint  ReasonKind = "constraint"
	ReasonShortage    ReasonKind = "shortage"
)

// Reason is one obstacle and the number of agents that have it. Each agent is counted once, for its first
// obstacle; an agent that offers to several roles is counted once for each role. Obstacles that more free
// resources would not remove are checked before shortages. So an agent is reported as short of a resource only
// if that is all that keeps the task off it.
type Reason struct {
	Kind ReasonKind
	// Constraint is the constraint that failed, for ReasonConstraint.
	Constraint Constraint
	// Resource is the resource that is short, such as "mem" or "ports", for ReasonShortage.
	Resource string
	// Agents is the number of agents.
	Agents int
	// Awaited is the value that a GROUP_BY constraint waits for: it has fewer tasks, and an agent that has it is expected
	// to be offered within seconds, see [KnownAgent]. The text form of the attribute, unset if there is none.
	Awaited string
	// Short is how much is missing on the agent where the least is missing, in the unit of the resource, and
	// Hostname is the name of that agent. Both are unset if the obstacle is not a shortage.
	Short    float64
	Hostname string
}

// String returns one line, such as "mem: 3 agents, the best short of 112 on agent7" or
// "rack LIKE r[12]: 1 agent".
func (r Reason) String() string {
	what := string(r.Kind)
	switch r.Kind {
	case ReasonNoOffers:
		return what
	case ReasonConstraint:
		what = r.Constraint.String()
	case ReasonShortage:
		what = r.Resource
	}
	agents, best := "1 agent", "short of"
	if r.Agents != 1 {
		agents, best = strconv.Itoa(r.Agents)+" agents", "the best short of"
	}
	switch {
	case r.Awaited != "":
		return what + ": " + agents + ", waiting for an offer of " + r.Awaited
	case r.Short == 0:
		return what + ": " + agents
	}
	return fmt.Sprintf("%s: %s, %s %s on %s", what, agents, best, strconv.FormatFloat(r.Short, 'f', -1, 64), r.Hostname)
}
