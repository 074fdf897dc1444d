package scheduler

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/ordered"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// AgentStats is what the scheduler knows about an agent.
type AgentStats struct {
	// Agent is the agent as its last offer described it. It is shared and must not be changed.
	Agent task.Agent `json:"agent"`
	// Offered is the sum of its last offers: those that came in the same event of the master. It is not what is free
	// now. Resources that the [TaskMatcher] never uses are left out. OfferedAt is when they came, or zero if that is
	// longer ago than [OfferPolicy.StatsTTL]. Roles are the roles that they were for, in ascending order.
	Offered   Amounts   `json:"offered,omitzero"`
	OfferedAt time.Time `json:"offeredAt,omitzero"`
	Roles     []string  `json:"roles,omitempty"`
	// Free is what Offered leaves after the launches that this process has made since. Other frameworks may have taken some of it,
	// and tasks that have ended since may have freed more.
	Free Amounts `json:"free,omitzero"`
	// Tasks is how many tasks of this framework are on the agent, including unreachable ones; Taken is what they
	// asked for.
	Tasks int     `json:"tasks"`
	Taken Amounts `json:"taken,omitzero"`
}

// Amounts are amounts of resources.
type Amounts struct {
	CPUs float64 `json:"cpus,omitzero"` // cores
	Mem  float64 `json:"mem,omitzero"`  // MiB
	Disk float64 `json:"disk,omitzero"` // MiB
	GPUs float64 `json:"gpus,omitzero"`
	// Ports is the number of ports.
	Ports int `json:"ports,omitzero"`
	// Scalars are other scalar resources by name. Nil: none.
	Scalars map[string]float64 `json:"scalars,omitempty"`
}

// Agents returns, ordered by ID, the agents that have tasks of this framework, and those that were offered
// recently, see [OfferPolicy.StatsTTL]. An [OfferEvent] may change the result. Agents that are never offered to
// this framework are unknown to it; while no task is pending, none are offered.
func (s *Scheduler) Agents(ctx context.Context) ([]AgentStats, error) {
	var agents ordered.Snapshot[*agentFacts]
	var tasks ordered.Snapshot[*record.Task]
	_, err := s.ask(ctx, &request{read: func(m *machine) { agents, tasks = m.census.facts.Snapshot(), m.tasks.records.Snapshot() }})
	if err != nil {
		return nil, err
	}
	return agentStats(time.Now(), s.settings.statsTTL, agents, tasks), nil
}

// agentStats returns the statistics of agents, ordered by ID. What their tasks take is added up here, on the goroutine of whoever
// asks, not kept.
func agentStats(now time.Time, ttl time.Duration, agents ordered.Snapshot[*agentFacts], tasks ordered.Snapshot[*record.Task]) []AgentStats {
	type sum struct {
		tasks int
		taken Amounts
	}
	sums := make(map[string]*sum)
	for t := range tasks.All() {
		if here := t.Info.AgentID; here != "" && occupies(t.Info.State) {
			if sums[here] == nil {
				sums[here] = &sum{}
			}
			sums[here].tasks++
			sums[here].taken.addSpec(t.Info.Spec.Base())
		}
	}
	byID := slices.SortedFunc(agents.All(), func(a, b *agentFacts) int { return strings.Compare(a.about.ID, b.about.ID) })
	all := make([]AgentStats, 0, len(byID))
	for _, a := range byID {
		s := AgentStats{Agent: *a.about}
		if now.Sub(a.offeredAt) < ttl {
			s.OfferedAt, s.Roles, s.Offered = a.offeredAt, slices.Sorted(slices.Values(a.roles)), a.offered.rounded()
			free := a.offered.less(&a.placed)
			s.Free = free.rounded()
		} else if a.tasks == 0 {
			continue
		}
		if here := sums[a.about.ID]; here != nil {
			s.Tasks, s.Taken = here.tasks, here.taken.rounded()
		}
		all = append(all, s)
	}
	return all
}

func (a *Amounts) addSpec(s *task.Spec) {
	a.CPUs += s.CPUs
	a.Mem += s.Mem
	a.Disk += s.Disk
	a.GPUs += s.GPUs
	if e := s.Executor; e != nil {
		a.CPUs, a.Mem, a.Disk = a.CPUs+e.CPUs, a.Mem+e.Mem, a.Disk+e.Disk
	}
	for _, p := range s.Ports {
		if !p.NoHost {
			a.Ports++
		}
	}
	for name, amount := range s.Scalars {
		a.addScalar(name, amount)
	}
}

func (a *Amounts) addResources(resources []mesos.Resource, usable usable) {
	for i := range resources {
		switch r := &resources[i]; {
		case !usable.counts(r):
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

// less returns a without b, and 0 where b is more.
func (a *Amounts) less(b *Amounts) Amounts {
	r := Amounts{
		CPUs: max(0, a.CPUs-b.CPUs), Mem: max(0, a.Mem-b.Mem), Disk: max(0, a.Disk-b.Disk), GPUs: max(0, a.GPUs-b.GPUs), Ports: max(0, a.Ports-b.Ports),
	}
	for name, amount := range a.Scalars {
		r.addScalar(name, max(0, amount-b.Scalars[name]))
	}
	return r
}

// rounded returns a copy, rounded to the three decimal digits that amounts have in Mesos.
func (a *Amounts) rounded() Amounts {
	round := func(v float64) float64 { return math.Round(v*1000) / 1000 }
	r := Amounts{CPUs: round(a.CPUs), Mem: round(a.Mem), Disk: round(a.Disk), GPUs: round(a.GPUs), Ports: a.Ports}
	for name, amount := range a.Scalars {
		r.addScalar(name, round(amount))
	}
	return r
}
