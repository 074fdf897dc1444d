package taskmatcher

import (
	"github.com/mesos-actor/mesos-actor-go/task"
)

// FirstFit gives each task, in order of arrival, to the first offer that it fits, the offers being
// tried in ascending order of memory. So agents fill up one by one, the fullest first, and large
// gaps stay free for large tasks. The zero value is ready; it may be used by several goroutines.
type FirstFit struct{}

// Match places tasks. Many may go to one offer; a task that fits nowhere does not hold up later,
// smaller ones. Each task, in the order given, is in exactly one of the results, and each
// rejection has its reasons.
//
// An offer suits a task if its role does, if all constraints hold, and if the resources that are
// left suffice. Reserved resources are taken before unreserved ones, and among them the lowest
// free ports first, quarantined ones never. What is taken keeps the reservations, the allocation
// and the role of what was offered, so an amount may consist of several resources. Volumes, disks
// with a source, and revocable and shared resources are not touched. A constraint whose operator
// is unknown or whose expression is invalid holds nowhere; amounts that [task.Spec.Validate]
// refuses fit nowhere.
//
// The time is proportional to tasks × offers. The results share the messages inside the offers'
// resources, such as reservations, which must not be altered afterwards.
func (FirstFit) Match(cycle task.Cycle) ([]task.Placement, []task.Rejection) {
	var placements []task.Placement
	var rejections []task.Rejection
	rooms := rooms(cycle.Offers)
	rules := newRulebook(rooms)
	var t tally
	for _, pending := range cycle.Tasks {
		d := newDemand(pending, rules)
		t.reset(d)
		if r := d.firstFit(rooms, &t); r != nil {
			placements = append(placements, r.place(d))
		} else {
			rejections = append(rejections, t.rejection(d))
		}
	}
	return placements, rejections
}

// demand is what one task asks for, ready to be compared.
type demand struct {
	id      string
	spec    *task.Spec
	scalars [scalars]thousandths
	ports   int
	rules   []*rule // parallel to the spec's constraints
}

func newDemand(pending task.Demand, rules rulebook) demand {
	s := pending.Spec
	d := demand{id: pending.ID, spec: s, ports: len(s.Ports)}
	for kind, amount := range [scalars]float64{cpus: s.CPUs, mem: s.Mem, disk: s.Disk, gpus: s.GPUs} {
		d.scalars[kind] = wanted(amount)
	}
	if len(s.Constraints) > 0 {
		d.rules = make([]*rule, len(s.Constraints))
	}
	for i, c := range s.Constraints {
		d.rules[i] = rules.rule(c)
	}
	return d
}

// firstFit finds the first room for the demand and counts the obstacles on the way. Nil: none.
func (d *demand) firstFit(rooms []*room, t *tally) *room {
	for i, r := range rooms {
		obstacle, short := d.obstacle(r, i)
		if obstacle == nothing {
			return r
		}
		t.count(obstacle, short, r)
	}
	return nil
}

// obstacle gives the first thing that keeps the demand out of a room, and for a resource by how
// much it falls short. It runs for each pair of task and offer, so it only compares numbers.
func (d *demand) obstacle(r *room, index int) (obstacle, thousandths) {
	if d.spec.Role != "" && d.spec.Role != r.offer.Role {
		return wrongRole, 0
	}
	for i, rule := range d.rules {
		if !rule.holds[index] {
			return firstConstraint + obstacle(i), 0
		}
	}
	for kind, amount := range d.scalars {
		if amount > r.free[kind] {
			return firstScalar + obstacle(kind), amount - r.free[kind]
		}
	}
	if d.ports > r.ports.count {
		return tooFewPorts, thousandths(d.ports-r.ports.count) * 1000
	}
	return nothing, 0
}
