package taskmatcher_test

import (
	"errors"
	"fmt"
	"math"
	"slices"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/internal/taskclass"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// check checks the result of a matcher. It returns an error if a master would refuse a placement, or if the result
// breaks the rules of the package documentation. Which of the possible candidates was chosen is not checked.
func check(how strategy, cycle task.Cycle, placements []task.Placement, rejections []task.Rejection) error {
	w := newReference(how, cycle)
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
		i := slices.IndexFunc(w.candidates, func(c *remaining) bool { return slices.Equal(c.ids, p.OfferIDs) })
		if i < 0 {
			return fmt.Errorf("%s: offers %q are not those of a candidate", p.TaskID, p.OfferIDs)
		}
		if err := checkPlacement(w, how, specs[p.TaskID], p, w.candidates[i]); err != nil {
			return fmt.Errorf("%s on %s: %w", p.TaskID, p.OfferIDs, err)
		}
	}
	return checkRejections(w, how, placed, rejections)
}

// checkRejections checks that there is one rejection for each class with tasks left, and that these fit nowhere.
func checkRejections(w *reference, how strategy, placed map[string]bool, rejections []task.Rejection) error {
	var order []string
	left := map[string][]task.Demand{}
	for _, d := range w.cycle.Tasks {
		if placed[d.ID] {
			continue
		}
		class := taskclass.Key(d.Spec)
		if left[class] == nil {
			order = append(order, class)
		}
		left[class] = append(left[class], d)
	}
	if len(order) != len(rejections) {
		return fmt.Errorf("%d rejections for %d classes", len(rejections), len(order))
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
		if len(r.Reasons) == 0 || count != len(w.candidates) {
			return fmt.Errorf("%s: the reasons are about %d of %d candidates", r.TaskID, count, len(w.candidates))
		}
		for _, c := range w.candidates {
			if w.fits(how, tasks[0].Spec, c) {
				return fmt.Errorf("%s: rejected, but fits what is left of %s", r.TaskID, c.ids)
			}
		}
	}
	return nil
}

// checkPlacement checks one placement and takes its resources from the candidate.
func checkPlacement(w *reference, how strategy, s *task.Spec, p task.Placement, c *remaining) error {
	if p.AgentID != c.agent.ID || p.Hostname != c.agent.Hostname {
		return errors.New("names another agent than the offer does")
	}
	if !w.fits(how, s, c) {
		return errors.New("does not fit, or role, constraints or others do not hold")
	}
	got, own, revocable := map[string]int64{}, map[string]int64{}, map[string]bool{}
	var ports []uint16
	for i, r := range slices.Concat(p.Resources, p.ExecutorResources) {
		if r.Name == "ports" && r.Ranges != nil {
			taken, err := c.takePorts(r)
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
			return fmt.Errorf("takes revocable %s, which it did not ask for", r.Name)
		}
		got[r.Name] += amount
		if i >= len(p.Resources) {
			own[r.Name] += amount
		}
		if r.Revocable != nil {
			c.revocable[r.Name] -= amount
		} else {
			c.free[r.Name] -= amount
		}
		from := c.pools[poolKey(r)]
		if from == nil || amount <= 0 || amount > from.left {
			return fmt.Errorf("takes %s, of which less is left", r.String())
		}
		from.left -= amount
		if err := c.reservedFirst(r); err != nil {
			return err
		}
	}
	for name, amount := range amounts(s) {
		if got[name] != int64(math.Round(amount*1000)) {
			return fmt.Errorf("asked for %v %s, got %d thousandths", amount, name, got[name])
		}
		delete(got, name)
	}
	if e := s.Executor; e != nil {
		for name, amount := range map[string]float64{"cpus": e.CPUs, "mem": e.Mem, "disk": e.Disk} {
			if own[name] != int64(math.Round(amount*1000)) {
				return fmt.Errorf("the executor asked for %v %s, got %d thousandths", amount, name, own[name])
			}
		}
	} else if len(own) > 0 {
		return fmt.Errorf("got %v for an executor that it does not have", own)
	}
	if len(got) > 0 {
		return fmt.Errorf("got %v, which it did not ask for", got)
	}
	w.placed(s, c)
	if err := checkPorts(s, p, ports); err != nil {
		return err
	}
	return c.checkOrder(s, p)
}

// reservedFirst returns an error if r is not reserved although there is a reserved resource left to take from.
func (c *remaining) reservedFirst(r mesos.Resource) error {
	for _, p := range c.pools {
		if !isReserved(r) && p.reserved && p.left > 0 && p.name == r.Name && p.revocable == (r.Revocable != nil) {
			return fmt.Errorf("takes %s, which is not reserved, but reserved %s are left", r.String(), p.name)
		}
	}
	return nil
}

// checkOrder returns an error if a port below 1024 that the task does not name was taken although a higher one is left.
func (c *remaining) checkOrder(s *task.Spec, p task.Placement) error {
	higher := slices.IndexFunc(c.ports, func(f freePort) bool { return f.port >= 1024 })
	for i, port := range p.HostPorts {
		if s.Ports[i].Host == 0 && !s.Ports[i].NoHost && port < 1024 && higher >= 0 {
			return fmt.Errorf("takes port %d while port %d is free", port, c.ports[higher].port)
		}
	}
	return nil
}

// takePorts takes the ports of a resource.
func (c *remaining) takePorts(r mesos.Resource) (taken []uint16, err error) {
	key := poolKey(r)
	for _, each := range r.Ranges.Range {
		for port := each.Begin; port <= each.End; port++ {
			if !slices.ContainsFunc(c.ports, func(f freePort) bool { return uint64(f.port) == port && f.pool == key }) {
				return nil, fmt.Errorf("takes port %d of %s, where it is not free", port, r.String())
			}
			c.ports = slices.DeleteFunc(c.ports, func(f freePort) bool { return uint64(f.port) == port })
			taken = append(taken, uint16(port))
		}
	}
	return taken, nil
}

// checkPorts compares the ports in the resources with those in HostPorts and those that the task asks for.
func checkPorts(s *task.Spec, p task.Placement, taken []uint16) error {
	if len(p.HostPorts) != len(s.Ports) {
		return fmt.Errorf("asked for %d ports, got %v", len(s.Ports), p.HostPorts)
	}
	var named []uint16
	for i, wanted := range s.Ports {
		port := p.HostPorts[i]
		if wanted.NoHost {
			if port != 0 {
				return fmt.Errorf("got host port %d, asked for none", port)
			}
			continue
		}
		if wanted.Host != 0 && wanted.Host != port {
			return fmt.Errorf("asked for port %d, got %d", wanted.Host, port)
		}
		for j, other := range p.HostPorts[:i] {
			if other == port && (wanted.Host == 0 || s.Ports[j].Host == 0) {
				return fmt.Errorf("got port %d twice", port)
			}
		}
		if !slices.Contains(named, port) {
			named = append(named, port)
		}
	}
	slices.Sort(named)
	slices.Sort(taken)
	if !slices.Equal(named, taken) {
		return fmt.Errorf("HostPorts are %v, but the resources have ports %v", named, taken)
	}
	return nil
}
