package task

import (
	"fmt"
	"strconv"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// Placement says which part of an agent's offers a task takes.
type Placement struct {
	TaskID string
	// OfferIDs are the offers that it is taken from together, all of one agent and for one role. Placements on
	// the same offers may share the slice, which nobody changes.
	OfferIDs []string
	AgentID  string
	Hostname string
	// Resources are taken out of the offers; together with those of other placements they never
	// exceed them.
	Resources []mesos.Resource
	// HostPorts are parallel to Spec.Ports.
	HostPorts []uint16
}

// Rejection says why tasks were not placed in this cycle.
type Rejection struct {
	// TaskID is the first of them. Others are that many more tasks that share its Spec.
	TaskID string
	Others int
	// Reasons hold one entry for each kind of obstacle met, for each resource and each constraint,
	// most frequent first. Never empty.
	Reasons []Reason
}

// String gives one line, such as "web-1 and 2 more: mem: 3 agents, the best short of 112 on agent7".
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

// ReasonKind names an obstacle.
type ReasonKind string

// The obstacles.
const (
	NoOffers           ReasonKind = "no offers"
	WrongRole          ReasonKind = "role"
	GPUAgent           ReasonKind = "kept for tasks with gpus" // see taskmatcher.Options
	Maintenance        ReasonKind = "maintenance"              // see [Agent.Unavailable]
	Filtered           ReasonKind = "filter"                   // of a matcher's own
	ConstraintMismatch ReasonKind = "constraint"
	Shortage           ReasonKind = "shortage"
)

// Reason is one obstacle, summed up over the agents that showed it. An agent counts for the
// first obstacle only: those that no amount of free resources would remove come before
// shortages, so that a near miss is one where the task may really run. An agent that offers to several
// roles counts once for each.
type Reason struct {
	Kind ReasonKind
	// Constraint that failed, for ConstraintMismatch.
	Constraint Constraint
	// Resource that was short, for Shortage, such as "mem" or "ports".
	Resource string
	// Agents that failed for this reason.
	Agents int
	// Short is by how much the nearest miss fell short, in the resource's unit, and Hostname
	// where that was. Zero and empty if the obstacle is not a shortage.
	Short    float64
	Hostname string
}

// String gives one line, such as "mem: 3 agents, the best short of 112 on agent7" or
// "rack LIKE r[12]: 1 agent".
func (r Reason) String() string {
	what := string(r.Kind)
	switch r.Kind {
	case NoOffers:
		return what
	case ConstraintMismatch:
		what = r.Constraint.String()
	case Shortage:
		what = r.Resource
	}
	agents, best := "1 agent", "short of"
	if r.Agents != 1 {
		agents, best = strconv.Itoa(r.Agents)+" agents", "the best short of"
	}
	if r.Short == 0 {
		return what + ": " + agents
	}
	return fmt.Sprintf("%s: %s, %s %s on %s", what, agents, best, strconv.FormatFloat(r.Short, 'f', -1, 64), r.Hostname)
}
