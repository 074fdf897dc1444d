package taskbuilder

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/gogo/protobuf/proto"
	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// Standard builds tasks for Mesos' own executors: Docker containers for the Docker containerizer,
// plain commands for the Mesos containerizer. The zero value is ready; it may be used by several
// goroutines.
type Standard struct{}

// Build gives the task's description. The spec must have passed [task.Spec.Validate]; a placement
// that does not suit it is refused with [ErrMismatch]. The result shares the resources of p.
//
// A health check over TCP runs in the network that the task lives in, as Mesos' docker executor
// does it. So it goes to the container port on a bridge or user network, and to the host port on
// the host's network and for plain commands.
func (Standard) Build(s task.Spec, p task.Placement) (mesos.TaskInfo, error) {
	if err := suits(s, p); err != nil {
		return mesos.TaskInfo{}, err
	}
	return mesos.TaskInfo{
		Name:        cmp.Or(s.Name, s.ID),
		TaskID:      mesos.TaskID{Value: s.ID},
		AgentID:     mesos.AgentID{Value: p.AgentID},
		Resources:   p.Resources,
		Command:     command(s),
		Container:   container(s, p),
		HealthCheck: healthCheck(s, p),
		Labels:      labels(s.Labels),
	}, nil
}

// suits refuses what would be built wrongly, or without which a master would refuse the task.
func suits(s task.Spec, p task.Placement) error {
	switch {
	case p.TaskID != s.ID:
		return fmt.Errorf("%w: task %q, placement of %q", ErrMismatch, s.ID, p.TaskID)
	case p.AgentID == "":
		return fmt.Errorf("%w: %q: no agent", ErrMismatch, s.ID)
	case len(p.Resources) == 0:
		return fmt.Errorf("%w: %q: no resources", ErrMismatch, s.ID)
	case len(p.HostPorts) != len(s.Ports):
		return fmt.Errorf("%w: %q: %d host ports for %d ports", ErrMismatch, s.ID, len(p.HostPorts), len(s.Ports))
	case s.HealthCheck != nil && (s.HealthCheck.Port < 0 || s.HealthCheck.Port >= len(p.HostPorts)):
		return fmt.Errorf("%w: %q: the health check is about port %d of %d", ErrMismatch, s.ID, s.HealthCheck.Port, len(p.HostPorts))
	}
	return nil
}

func labels(m map[string]string) *mesos.Labels {
	if len(m) == 0 {
		return nil
	}
	all := make([]mesos.Label, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		all = append(all, mesos.Label{Key: key, Value: proto.String(m[key])})
	}
	return &mesos.Labels{Labels: all}
}
