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

// Standard builds tasks for the executors that are part of Mesos: Docker containers for the Docker containerizer,
// other containers and plain commands for the Mesos containerizer. The zero value is ready to use, also by
// several goroutines.
type Standard struct{}

// Build returns the TaskInfo of a placed task. The spec must have passed [task.Spec.Validate]. If the placement does
// not match the spec, Build returns [ErrMismatch]. The result shares the resources of the placement.
//
// Executors run checks over TCP and HTTP inside the network of the task. So the checks use the container port on a
// bridge or user network, and the host port on the host network and for plain commands.
//
// The environment of the task contains these variables, which have the same names as Marathon's. Variables of the
// user override them.
//
//   - HOST: the hostname of the agent, if the placement has it
//   - PORT0, PORT1, …: the host ports, in the order of Spec.Ports
//   - PORT: the first host port
//   - PORTS: all host ports, separated by commas
//   - PORT_8080: the host port that is mapped to container port 8080 or, where ports are not mapped, host port 8080. If
//     a port number is used for tcp and for udp, the last one counts
//   - PORT_WEB_UI: the host port of the port named "web-ui"
//
// Their values are host ports on every network: on a bridge, a task listens on its container port and
// announces the host port. A port that has [task.Port.NoHost] is its container port everywhere, also in discovery info, and is
// not mapped.
//
// These executors come with the agent and are not part of what is placed: a spec with [task.Spec.Executor] is refused with
// [ErrMismatch]. A custom builder that adds the executor sets this field to nil in the copy that it passes to Build.
//
// A member of a pod cannot run alone and is refused with [ErrMismatch]; use [Standard.BuildPod].
func (Standard) Build(in task.BuildInput) (mesos.TaskInfo, error) {
	s := in.Spec
	if s.Pod != "" {
		return mesos.TaskInfo{}, fmt.Errorf("%w: %q is a member of pod %q", ErrMismatch, s.ID, s.Pod)
	}
	return build(s, in.Placement)
}

// build builds a task that is not in a pod, or a member of a pod, which has no network of its own.
func build(s task.Spec, p task.Placement) (mesos.TaskInfo, error) {
	if err := checkPlacement(s, p); err != nil {
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

// checkPlacement returns ErrMismatch for a placement from which the task cannot be built, or with which a master would
// refuse it.
func checkPlacement(s task.Spec, p task.Placement) error {
	missing := func(port int) bool { return port < 0 || port >= len(p.HostPorts) }
	switch {
	case p.TaskID != s.ID:
		return fmt.Errorf("%w: task %q, placement of %q", ErrMismatch, s.ID, p.TaskID)
	case s.Executor != nil:
		return fmt.Errorf("%w: %q asks for an executor, which Standard does not make", ErrMismatch, s.ID)
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
