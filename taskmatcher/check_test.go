package taskmatcher_test

import (
	"errors"
	"fmt"
	"math"
	"slices"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// check says what is wrong with the outcome of a match, whatever the strategy. It must tell whether a
// master would take the launches and whether the user got what was promised.
func check(how strategy, cycle task.Cycle, placements []task.Placement, rejections []task.Rejection) error {
	w := newReference(cycle)
	specs := map[string]*task.Spec{}
	for _, d := range cycle.Tasks {
		specs[d.ID] = d.Spec
	}
	placed := map[string]bool{}
	for _, p := range placements {
		if placed[p.TaskID] || specs[p.TaskID] == nil {
			return fmt.Errorf("%s: placed twice, or unknown", p.TaskID)
		}
		placed[p.TaskID] = true
		i := slices.IndexFunc(w.rooms, func(l *left) bool { return slices.Equal(l.ids, p.OfferIDs) })
		if i < 0 {
			return fmt.Errorf("%s: offers %q are no room", p.TaskID, p.OfferIDs)
		}
		if err := checkPlacement(w, how, specs[p.TaskID], p, w.rooms[i]); err != nil {
			return fmt.Errorf("%s on %s: %w", p.TaskID, p.OfferIDs, err)
		}
	}
	return checkRejections(w, how, placed, rejections)
}

// checkRejections wants one rejection for each kind of task that is left, and that it fits nowhere.
func checkRejections(w *reference, how strategy, placed map[string]bool, rejections []task.Rejection) error {
	var order []string
	left := map[string][]task.Demand{}
	for _, d := range w.cycle.Tasks {
		if placed[d.ID] {
			continue
		}
		shape := d.Spec.Class()
		if left[shape] == nil {
			order = append(order, shape)
		}
		left[shape] = append(left[shape], d)
	}
	if len(order) != len(rejections) {
		return fmt.Errorf("%d rejections for %d kinds of task", len(rejections), len(order))
	}
	for i, r := range rejections {
		tasks := left[order[i]]
		if r.TaskID != tasks[0].ID || r.Others != len(tasks)-1 {
			return fmt.Errorf("%s and %d others are rejected instead of %s and %d", r.TaskID, r.Others, tasks[0].ID, len(tasks)-1)
		}
		count := 0
		for _, reason := range r.Reasons {
			count += reason.Agents
		}
		if len(r.Reasons) == 0 || count != len(w.rooms) {
			return fmt.Errorf("%s: the reasons are about %d of %d rooms", r.TaskID, count, len(w.rooms))
		}
		for _, l := range w.rooms {
			if w.fits(how, tasks[0].Spec, l) {
				return fmt.Errorf("%s: rejected, but fits what is left of %s", r.TaskID, l.ids)
			}
		}
	}
	return nil
}

// checkPlacement takes a placement out of what is left of its room.
func checkPlacement(w *reference, how strategy, s *task.Spec, p task.Placement, l *left) error {
	if p.AgentID != l.agent.ID || p.Hostname != l.agent.Hostname {
		return errors.New("names another agent than the offer does")
	}
	if !w.fits(how, s, l) {
		return errors.New("does not fit, or role, constraints or others do not hold")
	}
	got, revocable := map[string]int64{}, map[string]bool{}
	var ports []uint16
	for _, r := range p.Resources {
		if r.Name == "ports" && r.Ranges != nil {
			taken, err := l.takePorts(r)
			if err != nil {
				return err
			}
			ports = append(ports, taken...)
			continue
		}
		amount := int64(math.Round(r.GetScalar().GetValue() * 1000))
		if mixed, known := revocable[r.Name]; known && mixed != (r.Revocable != nil) {
			return fmt.Errorf("mixes revocable and other %s", r.Name)
		}
		revocable[r.Name] = r.Revocable != nil
		if r.Revocable != nil && !s.Revocable {
			return fmt.Errorf("takes revocable %s unasked", r.Name)
		}
		got[r.Name] += amount
		if r.Revocable != nil {
			l.revocable[r.Name] -= amount
		} else {
			l.firm[r.Name] -= amount
		}
		from := l.pools[pool(r)]
		if from == nil || amount <= 0 || amount > from.left {
			return fmt.Errorf("takes %d thousandths of %s, of which there are fewer", amount, pool(r))
		}
		from.left -= amount
		if err := l.reservedFirst(r); err != nil {
			return err
		}
	}
	for name, amount := range amounts(s) {
		if got[name] != int64(math.Round(amount*1000)) {
			return fmt.Errorf("asked for %v %s, got %d thousandths", amount, name, got[name])
		}
		delete(got, name)
	}
	if len(got) > 0 {
		return fmt.Errorf("got %v unasked", got)
	}
	w.placed(s, l)
	return checkPorts(s, p, ports)
}

// reservedFirst says whether something is taken that is not reserved while reserved ones are left.
func (l *left) reservedFirst(r mesos.Resource) error {
	for other, p := range l.pools {
		if !isReserved(r) && p.reserved && p.left > 0 && p.name == r.Name && p.revocable == (r.Revocable != nil) {
			return fmt.Errorf("%s is not reserved, but %s is left", pool(r), other)
		}
	}
	return nil
}

// takePorts takes the ports of a resource.
func (l *left) takePorts(r mesos.Resource) (taken []uint16, err error) {
	for _, each := range r.Ranges.Range {
		for port := each.Begin; port <= each.End; port++ {
			if !slices.ContainsFunc(l.ports, func(f freePort) bool { return uint64(f.port) == port && f.pool == pool(r) }) {
				return nil, fmt.Errorf("port %d is not free among the %s", port, pool(r))
			}
			l.ports = slices.DeleteFunc(l.ports, func(f freePort) bool { return uint64(f.port) == port })
			taken = append(taken, uint16(port))
		}
	}
	return taken, nil
}

// checkPorts compares the ports that were taken with those told and those asked for.
func checkPorts(s *task.Spec, p task.Placement, taken []uint16) error {
	if len(p.HostPorts) != len(s.Ports) {
		return fmt.Errorf("asked for %d ports, got %v", len(s.Ports), p.HostPorts)
	}
	var told []uint16
	for i, wanted := range s.Ports {
		port := p.HostPorts[i]
		if wanted.Host != 0 && wanted.Host != port {
			return fmt.Errorf("asked for port %d, got %d", wanted.Host, port)
		}
		for j, other := range p.HostPorts[:i] {
			if other == port && (wanted.Host == 0 || s.Ports[j].Host == 0) {
				return fmt.Errorf("got port %d twice", port)
			}
		}
		if !slices.Contains(told, port) {
			told = append(told, port)
		}
	}
	slices.Sort(told)
	slices.Sort(taken)
	if !slices.Equal(told, taken) {
		return fmt.Errorf("was told ports %v, but takes %v", told, taken)
	}
	return nil
}
