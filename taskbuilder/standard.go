package taskbuilder

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/gogo/protobuf/proto"
	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// Standard builds tasks for Mesos' own executors: Docker containers for the Docker containerizer,
// other containers and plain commands for the Mesos containerizer. The zero value is ready; it may
// be used by several goroutines.
type Standard struct{}

// Build gives the task's description. The spec must have passed [task.Spec.Validate]; a placement
// that does not suit it is refused with [ErrMismatch]. The result shares the resources of p.
//
// Checks over TCP and HTTP run in the network that the task lives in, as Mesos' executors do it. So
// they go to the container port on a bridge or user network, and to the host port on the host's
// network and for plain commands.
//
// The environment of the task says where it is, as Marathon does; variables of the user go before
// these. HOST is the agent's hostname, if the placement has it. PORT0, PORT1 and so on are the host
// ports in the order of Spec.Ports; PORT is the first and PORTS all of them, separated by commas.
// PORT_8080 is the host port mapped to container port 8080 or, where nothing is mapped, host port
// 8080 itself. PORT_WEB_UI is the host port that is named "web-ui". Of several ports with the same
// number for tcp and udp the last one counts. Values are host ports on every network: on a bridge a
// task listens at its container port and announces the host port.
//
// A member of a pod is refused, since it cannot run alone: [Standard.BuildPod] takes all of them.
func (Standard) Build(s task.Spec, p task.Placement) (mesos.TaskInfo, error) {
	if s.Pod != "" {
		return mesos.TaskInfo{}, fmt.Errorf("%w: %q is a member of pod %q", ErrMismatch, s.ID, s.Pod)
	}
	return build(s, p)
}

// build leaves out the network of a member of a pod, which is its pod's.
func build(s task.Spec, p task.Placement) (mesos.TaskInfo, error) {
	if err := suits(s, p); err != nil {
		return mesos.TaskInfo{}, err
	}
	info := mesos.TaskInfo{
		Name:        cmp.Or(s.Name, s.ID),
		TaskID:      mesos.TaskID{Value: s.ID},
		AgentID:     mesos.AgentID{Value: p.AgentID},
		Resources:   p.Resources,
		Command:     command(s, p),
		Container:   container(s, p),
		HealthCheck: healthCheck(s, p),
		Check:       check(s, p),
		Discovery:   discovery(s, p),
		Labels:      labels(s.Labels),
	}
	if s.KillPolicy != nil {
		info.KillPolicy = &mesos.KillPolicy{GracePeriod: duration(s.KillPolicy.GracePeriod)}
	}
	if s.Limits != nil {
		info.Limits = limits(*s.Limits)
	}
	if s.MaxCompletionTime > 0 {
		info.MaxCompletionTime = duration(s.MaxCompletionTime)
	}
	return info, nil
}

// suits refuses what would be built wrongly, or without which a master would refuse the task.
func suits(s task.Spec, p task.Placement) error {
	missing := func(port int) bool { return port < 0 || port >= len(p.HostPorts) }
	switch {
	case p.TaskID != s.ID:
		return fmt.Errorf("%w: task %q, placement of %q", ErrMismatch, s.ID, p.TaskID)
	case p.AgentID == "":
		return fmt.Errorf("%w: %q: no agent", ErrMismatch, s.ID)
	case len(p.Resources) == 0:
		return fmt.Errorf("%w: %q: no resources", ErrMismatch, s.ID)
	case len(p.HostPorts) != len(s.Ports):
		return fmt.Errorf("%w: %q: %d host ports for %d ports", ErrMismatch, s.ID, len(p.HostPorts), len(s.Ports))
	case s.HealthCheck != nil && s.HealthCheck.Command == nil && missing(s.HealthCheck.Port):
		return fmt.Errorf("%w: %q: the health check is about port %d of %d", ErrMismatch, s.ID, s.HealthCheck.Port, len(p.HostPorts))
	case s.Check != nil && s.Check.Command == nil && missing(s.Check.Port):
		return fmt.Errorf("%w: %q: the check is about port %d of %d", ErrMismatch, s.ID, s.Check.Port, len(p.HostPorts))
	}
	return nil
}

func limits(l task.Limits) map[string]mesos.Value_Scalar {
	all := map[string]mesos.Value_Scalar{}
	for name, most := range map[string]float64{"cpus": l.CPUs, "mem": l.Mem} {
		switch most {
		case 0:
		case task.Unlimited:
			all[name] = mesos.Value_Scalar{Value: math.Inf(1)}
		default:
			all[name] = mesos.Value_Scalar{Value: most}
		}
	}
	return all
}

func duration(d time.Duration) *mesos.DurationInfo {
	return &mesos.DurationInfo{Nanoseconds: d.Nanoseconds()}
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
