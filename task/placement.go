package task

import (
	"fmt"
	"strconv"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// Placement says which part of an offer a task takes.
type Placement struct {
	TaskID   string
	OfferID  string
	AgentID  string
	Hostname string
	// Resources are taken out of the offer; together with those of the offer's other placements
	// they never exceed it.
	Resources []mesos.Resource
	// HostPorts are parallel to Spec.Ports.
	HostPorts []uint16
}

// Rejection says why a task was not placed in this cycle.
type Rejection struct {
	TaskID string
	// Reasons hold one entry for each kind of obstacle met, and for each constraint, most
	// frequent first. Never empty.
	Reasons []Reason
}

// String gives one line, such as "web-1: mem: 3 offers, the nearest short of 112 on agent7".
func (r Rejection) String() string {
	var b strings.Builder
	b.WriteString(r.TaskID)
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
	TooFewCPUs         ReasonKind = "cpus"
	TooLittleMem       ReasonKind = "mem"
	TooLittleDisk      ReasonKind = "disk"
	TooFewGPUs         ReasonKind = "gpus"
	TooFewPorts        ReasonKind = "ports"
	ConstraintMismatch ReasonKind = "constraint"
)

// Reason is one obstacle, summed up over the offers that showed it. An offer counts for the
// first obstacle only: those that no amount of free resources would remove (role, constraints)
// come before the resources, so that a near miss is one where the task may really run.
type Reason struct {
	Kind ReasonKind
	// Constraint that failed, for ConstraintMismatch.
	Constraint Constraint
	// Offers that failed for this reason.
	Offers int
	// Short is by how much the nearest miss fell short, in the resource's unit, and Hostname
	// where that was. Zero and empty if the obstacle is not a resource.
	Short    float64
	Hostname string
}

// String gives one line, such as "mem: 3 offers, the nearest short of 112 on agent7" or
// "rack LIKE r[12]: 1 offer".
func (r Reason) String() string {
	if r.Kind == NoOffers {
		return string(NoOffers)
	}
	what := string(r.Kind)
	if r.Kind == ConstraintMismatch {
		what = r.Constraint.String()
	}
	offers, nearest := "1 offer", "short of"
	if r.Offers != 1 {
		offers, nearest = strconv.Itoa(r.Offers)+" offers", "the nearest short of"
	}
	if r.Short == 0 {
		return what + ": " + offers
	}
	short := strconv.FormatFloat(r.Short, 'f', -1, 64)
	return fmt.Sprintf("%s: %s, %s %s on %s", what, offers, nearest, short, r.Hostname)
}
