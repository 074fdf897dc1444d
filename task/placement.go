package task

import (
	"fmt"
	"strconv"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/internal/printable"
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
	// HostPorts are parallel to Spec.Ports, with 0 for a port that has [Port.NoHost].
	HostPorts []uint16
}

// Rejection says why tasks were not placed in this cycle: one task, or several of one class.
type Rejection struct {
	// TaskID is the first of the tasks. Others is the number of further tasks, all of the class of the first.
	TaskID string `json:"taskID"`
	Others int    `json:"others,omitzero"`
	// Reasons has one entry for each kind of obstacle, one for each resource that is short, each port that is not free and
	// each constraint that failed; the most frequent comes first. It is never empty.
	Reasons []Reason `json:"reasons,omitempty"`
}

// String returns one line, such as "web-1 and 2 more: mem: not enough on 3 agents; closest agent7, 112 MiB short".
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
	return printable.Line(b.String())
}

// ReasonKind is a kind of obstacle that keeps a task off an agent.
type ReasonKind string

// The obstacles.
const (
	ReasonNoOffers    ReasonKind = "no_offers"
	ReasonRole        ReasonKind = "role"
	ReasonGPUAgent    ReasonKind = "gpu_agent"   // see taskmatcher.Options.ShareGPUAgents
	ReasonMaintenance ReasonKind = "maintenance" // see [Agent.Unavailable]
	ReasonFilter      ReasonKind = "filter"      // a user-defined filter refused
	ReasonConstraint  ReasonKind = "constraint"
	ReasonShortage    ReasonKind = "shortage"
)

// Reason is one obstacle and the number of agents that have it. Each agent is counted once, for its first
// obstacle; an agent that offers to several roles is counted once for each role. Obstacles that more free
// resources would not remove are checked before shortages. So an agent is reported as short of a resource only
// if that is all that keeps the task off it.
type Reason struct {
	Kind ReasonKind `json:"kind"`
	// Constraint is the constraint that failed, for ReasonConstraint. Missing reports whether none of the agents that are
	// in the offers has its attribute.
	Constraint Constraint `json:"constraint,omitzero"`
	Missing    bool       `json:"missing,omitzero"`
	// Resource is the resource that is short, such as "mem" or "ports", for ReasonShortage. Port is the host port that is
	// not free, of those that the task names; else 0.
	Resource string `json:"resource,omitzero"`
	Port     uint16 `json:"port,omitzero"`
	// Agents is the number of agents.
	Agents int `json:"agents"`
	// Awaited is the value that a GROUP_BY constraint waits for: it has fewer tasks, and an agent that has it is expected
	// to be offered within seconds, see [KnownAgent]. The text form of the attribute, unset if there is none.
	Awaited string `json:"awaited,omitzero"`
	// Short is how much is missing on the agent where the least is missing, in the unit of the resource, and
	// Hostname is the name of that agent. Both are unset if the obstacle is not a shortage, or is
	// about a Port.
	Short    float64 `json:"short,omitzero"`
	Hostname string  `json:"hostname,omitzero"`
}

// String returns one line, such as "cpus: not enough on 3 agents; closest 10.0.0.7, 0.1 short", "port 8080: not free on 1
// agent", "rack LIKE r[12]: does not hold on 3 agents" or "no agent has the attribute rack".
func (r Reason) String() string { return printable.Line(r.text()) }

func (r Reason) text() string {
	agents := "1 agent"
	if r.Agents != 1 {
		agents = strconv.Itoa(r.Agents) + " agents"
	}
	switch r.Kind {
	case ReasonRole:
		return "role: not the task's on " + agents
	case ReasonGPUAgent:
		return "gpus: kept for tasks that ask for some on " + agents
	case ReasonMaintenance:
		return "maintenance: too soon or under way on " + agents
	case ReasonFilter:
		return "filter: refuses " + agents
	case ReasonConstraint:
		return r.constraintText(agents)
	case ReasonShortage:
		return r.shortageText(agents)
	case ReasonNoOffers:
		return "no offers"
	}
	return string(r.Kind) + ": " + agents // of a user-defined matcher
}

func (r Reason) constraintText(agents string) string {
	switch {
	case r.Awaited != "":
		return r.Constraint.String() + ": does not hold on " + agents + ", waiting for an offer of " + r.Awaited
	case !r.Missing:
		return r.Constraint.String() + ": does not hold on " + agents
	}
	switch r.Constraint.Attribute {
	case AttributeHostname, hostnameAlias:
		return "no agent has a hostname"
	case AttributeRegion:
		return "no agent has a region"
	case AttributeZone:
		return "no agent has a zone"
	}
	return "no agent has the attribute " + r.Constraint.Attribute
}

func (r Reason) shortageText(agents string) string {
	if r.Port != 0 {
		return fmt.Sprintf("port %d: not free on %s", r.Port, agents)
	}
	text := r.Resource + ": not enough on " + agents
	if r.Short == 0 {
		return text
	}
	closest, unit := r.Hostname, ""
	if closest != "" {
		closest = "closest " + closest + ", "
	}
	if r.Resource == "mem" || r.Resource == "disk" {
		unit = " MiB"
	}
	return fmt.Sprintf("%s; %s%s%s short", text, closest, strconv.FormatFloat(r.Short, 'f', -1, 64), unit)
}
