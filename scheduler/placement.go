package scheduler

import (
	"fmt"
	"slices"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// useTogether makes the offers that a placement names share one use. It returns an error if they cannot be accepted
// together: a master takes an ACCEPT with offers of different agents or roles for invalid, and the tasks are lost.
func useTogether(p task.Placement, used map[string]*offerUse) error {
	if len(p.OfferIDs) == 0 {
		return fmt.Errorf("scheduler: the matcher placed task %q on no offer", p.TaskID)
	}
	first := used[p.OfferIDs[0]]
	for i, id := range p.OfferIDs {
		u := used[id]
		switch {
		case slices.Contains(p.OfferIDs[:i], id):
			return fmt.Errorf("scheduler: the matcher placed task %q on offer %q twice", p.TaskID, id)
		case u == nil || u.agentID != p.AgentID:
			return fmt.Errorf("scheduler: the matcher placed task %q on offer %q of agent %q, which is not there", p.TaskID, id, p.AgentID)
		case u.role != first.role:
			return fmt.Errorf("scheduler: the matcher placed task %q on offers for the roles %q and %q", p.TaskID, first.role, u.role)
		case u.offers != nil && !slices.Equal(u.offers, p.OfferIDs):
			return fmt.Errorf("scheduler: the matcher placed task %q on the offers %q, and another one on %q", p.TaskID, p.OfferIDs, u.offers)
		}
	}
	for _, id := range p.OfferIDs {
		if u := used[id]; u != first {
			first.resources = slices.Concat(first.resources, u.resources)
			used[id] = first
		}
	}
	first.offers = p.OfferIDs
	return nil
}

// checkPlacement returns an error for a placement that a master would refuse, or that does not match the spec. Amounts
// may be smaller than the spec says: that is up to the matcher.
func checkPlacement(s *task.Spec, p *task.Placement) error {
	switch {
	case len(p.Resources) == 0:
		return fmt.Errorf("scheduler: the matcher placed task %q without resources", p.TaskID)
	case len(p.HostPorts) != len(s.Ports):
		return fmt.Errorf("scheduler: the matcher placed task %q with %d host ports for %d ports", p.TaskID, len(p.HostPorts), len(s.Ports))
	case s.Executor == nil && len(p.ExecutorResources) > 0:
		return fmt.Errorf("scheduler: the matcher placed task %q with resources for an executor, which it does not have", p.TaskID)
	case s.Executor != nil && len(p.ExecutorResources) == 0:
		return fmt.Errorf("scheduler: the matcher placed task %q without resources for its executor", p.TaskID)
	}
	for _, resources := range [...][]mesos.Resource{p.Resources, p.ExecutorResources} {
		for i := range resources {
			r := &resources[i]
			mixed := func(other mesos.Resource) bool {
				return other.Name == r.Name && (other.Revocable != nil) != (r.Revocable != nil)
			}
			if r.Revocable != nil && (slices.ContainsFunc(p.Resources, mixed) || slices.ContainsFunc(p.ExecutorResources, mixed)) {
				return fmt.Errorf("scheduler: the matcher placed task %q on both revocable and other %s", p.TaskID, r.Name)
			}
		}
	}
	for i, port := range p.HostPorts {
		wanted := s.Ports[i].Host
		switch {
		case s.Ports[i].NoHost && port == 0:
		case wanted != 0 && port != wanted:
			return fmt.Errorf("scheduler: the matcher placed task %q on host port %d instead of %d", p.TaskID, port, wanted)
		case wanted == 0 && slices.Contains(p.HostPorts[:i], port):
			return fmt.Errorf("scheduler: the matcher placed task %q on host port %d twice", p.TaskID, port)
		case !slices.ContainsFunc(p.Resources, func(r mesos.Resource) bool { return hasPort(&r, port) }):
			return fmt.Errorf("scheduler: the matcher placed task %q on host port %d, which is not among its resources", p.TaskID, port)
		}
	}
	return nil
}

// hasPort reports whether a port is among resources.
func hasPort(r *mesos.Resource, port uint16) bool {
	return r.Name == "ports" && slices.ContainsFunc(r.GetRanges().GetRange(), func(each mesos.Value_Range) bool {
		return each.Begin <= uint64(port) && uint64(port) <= each.End
	})
}
