package scheduler

import (
	"context"
	"math"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// AgentStats is what is known of an agent.
type AgentStats struct {
	// Agent as its last offer described it. Shared, not to be changed.
	Agent task.Agent
	// Offered is what its last offers held together: those that came in one event of the master. It is
	// not what is free now. OfferedAt is when they came, and zero when that is longer ago than
	// [OfferPolicy.StatsTTL]; Roles are those that they were for, ascending.
	Offered   Amounts
	OfferedAt time.Time
	Roles     []string
	// Tasks of ours that take up a place there, also while they are out of reach, and what they asked for.
	Tasks int
	Taken Amounts
}

// Amounts of resources.
type Amounts struct {
	CPUs float64 // cores
	Mem  float64 // MiB
	Disk float64 // MiB
	GPUs float64
	// Ports is their number.
	Ports int
	// Scalars are further scalar resources by name. Nil: none.
	Scalars map[string]float64
}

// Agents lists the agents that tasks of ours are on, and those that were offered of late, see
// [OfferPolicy.StatsTTL], by ID. After an [OfferEvent] it may have changed. Agents that are never offered to
// this framework are unknown to it; while nothing is pending, none is.
func (s *Scheduler) Agents(ctx context.Context) ([]AgentStats, error) {
	var all []AgentStats
	_, err := s.ask(ctx, &request{read: func(m *machine) { all = m.census.stats(time.Now(), m.tasks.byID) }})
	return all, err
}

func (a *Amounts) addSpec(s *task.Spec) {
	a.CPUs += s.CPUs
	a.Mem += s.Mem
	a.Disk += s.Disk
	a.GPUs += s.GPUs
	a.Ports += len(s.Ports)
	for name, amount := range s.Scalars {
		a.addScalar(name, amount)
	}
}

func (a *Amounts) addResources(resources []mesos.Resource) {
	for i := range resources {
		switch r := &resources[i]; {
		case r.Scalar != nil:
			a.addScalar(r.Name, r.Scalar.Value)
		case r.Name == "ports" && r.Ranges != nil:
			for _, ports := range r.Ranges.Range {
				a.Ports += int(ports.End - ports.Begin + 1)
			}
		}
	}
}

func (a *Amounts) addScalar(name string, amount float64) {
	switch name {
	case "cpus":
		a.CPUs += amount
	case "mem":
		a.Mem += amount
	case "disk":
		a.Disk += amount
	case "gpus":
		a.GPUs += amount
	default:
		if a.Scalars == nil {
			a.Scalars = make(map[string]float64)
		}
		a.Scalars[name] += amount
	}
}

// rounded gives a copy with the three decimal digits that Mesos' amounts have.
func (a *Amounts) rounded() Amounts {
	round := func(v float64) float64 { return math.Round(v*1000) / 1000 }
	r := Amounts{CPUs: round(a.CPUs), Mem: round(a.Mem), Disk: round(a.Disk), GPUs: round(a.GPUs), Ports: a.Ports}
	for name, amount := range a.Scalars {
		r.addScalar(name, round(amount))
	}
	return r
}
