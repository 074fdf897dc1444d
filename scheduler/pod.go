package scheduler

import (
	"fmt"
	"maps"
	"slices"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// A matcher knows nothing about pods. It gets one task that asks for what the members and their executor
// ask for together, and the placement of that task is divided among them.

// combined returns the spec of that task. It has the ID of the first member.
func combined(members []task.Spec) task.Spec {
	executor := podExecutor(members)
	first := members[0]
	sum := task.Spec{
		ID: first.ID, Pod: first.Pod, Role: first.Role, Group: first.Group, Revocable: first.Revocable,
		CPUs: executor.CPUs, Mem: executor.Mem, Disk: executor.Disk,
	}
	for _, s := range members {
		sum.CPUs, sum.Mem = plus(sum.CPUs, s.CPUs), plus(sum.Mem, s.Mem)
		sum.Disk, sum.GPUs = plus(sum.Disk, s.Disk), plus(sum.GPUs, s.GPUs)
		for name, amount := range s.Scalars {
			if sum.Scalars == nil {
				sum.Scalars = map[string]float64{}
			}
			sum.Scalars[name] = plus(sum.Scalars[name], amount)
		}
		sum.Ports = append(sum.Ports, s.Ports...)
		sum.Constraints = appendNew(sum.Constraints, s.Constraints)
		sum.Preferences = appendNew(sum.Preferences, s.Preferences)
		sum.MaxCompletionTime = max(sum.MaxCompletionTime, s.MaxCompletionTime)
	}
	if slices.ContainsFunc(members, func(s task.Spec) bool { return s.MaxCompletionTime == 0 }) {
		sum.MaxCompletionTime = 0 // no limit: the pod lasts as long as the last of its members
	}
	return sum
}

// podExecutor returns a spec for the resources of a pod's executor, which come on top of those of the members. Mesos
// demands at least 0.01 cpus, 32 MiB of memory and some disk.
func podExecutor(members []task.Spec) task.Spec {
	first := members[0]
	return task.Spec{ID: first.Pod, Pod: first.Pod, Role: first.Role, Revocable: first.Revocable, CPUs: 0.1, Mem: 32, Disk: 10}
}

// plus adds amounts exactly, in thousandths, as Mesos does.
func plus(a, b float64) float64 { return float64(thousandths(a)+thousandths(b)) / 1000 }

func appendNew(all, more []task.Constraint) []task.Constraint {
	for _, c := range more {
		if !slices.Contains(all, c) {
			all = append(all, c)
		}
	}
	return all
}

// specs returns the specs of the members.
func (p *pod) specs() []task.Spec {
	specs := make([]task.Spec, len(p.members))
	for i, e := range p.members {
		specs[i] = e.Info.Spec.Whole()
	}
	return specs
}

// parts returns the placement of a task or, for a pod, those of its members and its executor.
func (e *entry) parts(p task.Placement) ([]task.Placement, error) {
	if e.pod == nil {
		return []task.Placement{p}, nil
	}
	specs := e.pod.specs()
	return divide(p, append(specs, podExecutor(specs)))
}

// divide returns the parts of a placement, one for each of the specs.
func divide(p task.Placement, specs []task.Spec) ([]task.Placement, error) {
	rest, ports := slices.Clone(p.Resources), p.HostPorts
	parts := make([]task.Placement, len(specs))
	for i, s := range specs {
		if len(ports) < len(s.Ports) {
			return nil, fmt.Errorf("scheduler: the matcher placed pod %q with %d host ports", s.Pod, len(p.HostPorts))
		}
		part := task.Placement{
			TaskID: s.ID, OfferIDs: p.OfferIDs, AgentID: p.AgentID, Hostname: p.Hostname,
			HostPorts: ports[:len(s.Ports):len(s.Ports)],
		}
		ports = ports[len(s.Ports):]
		amounts := map[string]float64{"cpus": s.CPUs, "mem": s.Mem, "disk": s.Disk, "gpus": s.GPUs}
		maps.Copy(amounts, s.Scalars)
		for _, name := range slices.Sorted(maps.Keys(amounts)) {
			if missing := move(rest, &part, name, thousandths(amounts[name])); missing > 0 {
				return nil, fmt.Errorf("scheduler: the matcher placed pod %q with too little %s", s.Pod, name)
			}
		}
		for _, port := range part.HostPorts { // 0 is in no range
			movePort(rest, &part, uint64(port))
		}
		parts[i] = part
	}
	return parts, nil
}

// move moves an amount of a scalar resource, in thousandths, from rest to a placement. It returns how much was missing.
func move(rest []mesos.Resource, to *task.Placement, name string, amount int64) int64 {
	for i := range rest {
		r := &rest[i]
		if r.Name != name || r.Scalar == nil || amount == 0 {
			continue
		}
		some := min(amount, thousandths(r.Scalar.Value))
		if some <= 0 {
			continue
		}
		part := *r
		part.Scalar = &mesos.Value_Scalar{Value: float64(some) / 1000}
		r.Scalar = &mesos.Value_Scalar{Value: float64(thousandths(r.Scalar.Value)-some) / 1000}
		to.Resources = append(to.Resources, part)
		amount -= some
	}
	return amount
}

// movePort adds a port to a placement, with the reservation and allocation with which it was offered.
func movePort(rest []mesos.Resource, to *task.Placement, port uint64) {
	for _, r := range rest {
		for _, each := range r.GetRanges().GetRange() {
			if r.Name == "ports" && each.Begin <= port && port <= each.End {
				r.Ranges = &mesos.Value_Ranges{Range: []mesos.Value_Range{{Begin: port, End: port}}}
				to.Resources = append(to.Resources, r)
				return
			}
		}
	}
}
