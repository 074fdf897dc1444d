package task

import (
	"maps"
	"slices"
	"time"
)

// Spec describes a task, independently of where it will run. It covers containers, commands, volumes, secrets,
// health checks, pods and constraints. A Spec is a value; it must not be modified after it was submitted.
// [Spec.Validate] checks it.
//
// Amounts of resources are finite, not negative and at most 1e12. They are rounded to three decimal digits, as Mesos
// does. In JSON durations are numbers of nanoseconds.
type Spec struct {
	// ID identifies the task within its framework. Required. It is valid UTF-8 of up to 255 bytes, without
	// slashes, backslashes and control characters, and neither "." nor "..".
	ID string `json:"id,omitzero"`
	// RequestID identifies the request that submits the task, so that it can be made again: when the answer was lost, or by
	// a client that does not know whether it arrived. Submit, Launch, SubmitPod and LaunchPod of package scheduler then
	// return as they would have the first time, if the task on record has the same RequestID and an equal spec. A task with
	// a RequestID is not ended when the context of its caller does. The RequestID is not sent to Mesos. It has up to 255
	// printable ASCII characters, such as a UUID. Default: none; to submit the task again is an error.
	RequestID string `json:"requestID,omitzero"`
	// Name is shown by Mesos' web UI and need not be unique. Default: ID.
	Name string `json:"name,omitzero"`
	// Role is the role whose offers may be used. Default: any role of the framework.
	Role string `json:"role,omitzero"`

	// CPUs is the number of cores; fractions are allowed.
	CPUs float64 `json:"cpus,omitzero"`
	// Mem is memory in MiB.
	Mem float64 `json:"mem,omitzero"`
	// Disk is disk space in MiB. Default 0.
	Disk float64 `json:"disk,omitzero"`
	// GPUs is the number of GPUs, a whole number. Default 0.
	GPUs float64 `json:"gpus,omitzero"`
	// Scalars are amounts of custom scalar resources of the agents, by name.
	Scalars map[string]float64 `json:"scalars,omitzero"`
	// Revocable lets the task use revocable resources, which are then preferred to others. Mesos may revoke them
	// and kill the task, see Mesos' docs/oversubscription.md. Default: only resources that are not revocable.
	Revocable bool `json:"revocable,omitzero"`
	// Ports are the ports that the task listens on. Each element asks for a host port, unless it has NoHost.
	Ports []Port `json:"ports,omitzero"`

	// Executor is what the executor of the task takes, in addition to what the task asks for, if a custom builder gives
	// the task an executor. Nil: it does not, or the executor takes nothing. See [Placement.ExecutorResources].
	Executor *ExecutorResources `json:"executor,omitzero"`

	// Limits are the limits on CPUs and memory where they differ from the amounts asked for. Nil: these amounts are
	// also the limits, as far as the agent enforces limits.
	Limits *Limits `json:"limits,omitzero"`

	// Container is the container to run the task in. Nil: the task is a plain command on the agent.
	Container *Container `json:"container,omitzero"`
	// Command is the command to run. It may be empty for a container with an image, which then runs the image's
	// default command.
	Command Command `json:"command,omitzero"`

	// Pod is the name of the pod (task group) that the task is a member of. Empty: the task is not in a pod. The
	// members of a pod are submitted together, run on one agent under one default executor, and share its network and
	// sandbox volumes. When one of them fails or is killed, Mesos kills the others. See [ValidatePod]. The name
	// becomes the ID of the executor, so the rules for ID apply. It must differ from the names of earlier pods and
	// from the IDs of all tasks.
	Pod string `json:"pod,omitzero"`
	// Group is the name of a set of tasks that constraints such as UNIQUE and the strategy Spread count together. All
	// tasks with an empty Group are one group.
	Group string `json:"group,omitzero"`
	// Constraints must all hold for the agent.
	Constraints []Constraint `json:"constraints,omitzero"`
	// Preferences are constraints that need not hold: agents for which more of them hold are preferred.
	Preferences []Constraint `json:"preferences,omitzero"`
	// MaxCompletionTime is how long the task may run, counted from its launch, before Mesos kills it.
	// Default 0: no limit.
	MaxCompletionTime time.Duration `json:"maxCompletionTime,omitzero"`
	// KillPolicy says how Mesos kills the task. Nil: as the agent is configured.
	KillPolicy *KillPolicy `json:"killPolicy,omitzero"`
	// HealthCheck is run by Mesos while the task runs. Nil: a running task counts as healthy.
	HealthCheck *HealthCheck `json:"healthCheck,omitzero"`
	// Check is run by Mesos while the task runs. Its result is part of the task's status and has no other effect.
	// Nil: no check. Not for the Docker containerizer, whose executor aborts on it.
	Check *Check `json:"check,omitzero"`
	// Discovery is for service discovery such as Mesos-DNS. Nil: Mesos-DNS uses only Name.
	Discovery *Discovery `json:"discovery,omitzero"`
	// Labels are passed to Mesos, whose API returns them.
	Labels map[string]string `json:"labels,omitzero"`
}

// Clone returns a deep copy of s.
func (s Spec) Clone() Spec {
	s.Scalars = maps.Clone(s.Scalars)
	s.Ports = slices.Clone(s.Ports)
	s.Executor = clone(s.Executor)
	s.Limits = clone(s.Limits)
	s.Container = s.Container.clone()
	s.Command = s.Command.clone()
	s.Constraints = slices.Clone(s.Constraints)
	s.Preferences = slices.Clone(s.Preferences)
	s.KillPolicy = clone(s.KillPolicy)
	s.HealthCheck = s.HealthCheck.clone()
	s.Check = s.Check.clone()
	s.Discovery = s.Discovery.clone()
	s.Labels = maps.Clone(s.Labels)
	return s
}

// clone returns a shallow copy of what p points to, or nil.
func clone[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

// Port is a port that a task listens on.
type Port struct {
	// Container is the port inside the container. 0: the same as the host port. It must be 0 on
	// the host network and for plain commands, where ports are not mapped, see [Spec.Mapped].
	Container uint16 `json:"container,omitzero"`
	// Protocol is "tcp" or "udp". Default "tcp". It is the protocol of the port mapping, and health checks need
	// a tcp port. A port in an offer of Mesos covers both protocols.
	Protocol string `json:"protocol,omitzero"`
	// Host is the host port to use. Default 0: any offered port, from 1024 on where there are any.
	Host uint16 `json:"host,omitzero"`
	// NoHost asks for no host port: the task is reached at the IP address of its container and port Container, which
	// must be set. It is for containers with their own IP address, such as on a CNI network.
	NoHost bool `json:"noHost,omitzero"`
	// Name is the name of the port, unique within the task: an ASCII letter, followed by letters, digits, "-" and
	// "_". It is part of the discovery info and of the name of an environment variable: port "web-ui" is in
	// PORT_WEB_UI. Default: no name.
	Name string `json:"name,omitzero"`
}

// ExecutorResources are amounts for the executor of a task: cores, and MiB of memory and of disk. A master warns of executors
// that have less than 0.01 cpus or 32 MiB of memory, and may refuse them in the future.
type ExecutorResources struct {
	CPUs float64 `json:"cpus,omitzero"`
	Mem  float64 `json:"mem,omitzero"`
	Disk float64 `json:"disk,omitzero"`
}

// hostPorts returns how many host ports the ports ask for.
func hostPorts(all []Port) (n int) {
	for _, p := range all {
		if !p.NoHost {
			n++
		}
	}
	return n
}

// Limits are upper limits on what a task may use. They need an agent of Mesos 1.10 or later that either runs the
// task with Docker or has the isolators cgroups/cpu and cgroups/mem; other agents drop the task.
type Limits struct {
	// CPUs (in cores) and Mem (in MiB) must be at least the amount that the task asks for, which must not be 0.
	// [Unlimited] lets the task use all that the agent has. Default 0: no separate limit.
	CPUs float64 `json:"cpus,omitzero"`
	Mem  float64 `json:"mem,omitzero"`
}

// Unlimited is an infinite limit. It is -1 because JSON has no infinity.
const Unlimited = -1

// KillPolicy says how Mesos kills a task.
type KillPolicy struct {
	// GracePeriod is the time between SIGTERM and SIGKILL. 0: none.
	GracePeriod time.Duration `json:"gracePeriod,omitzero"`
}

// Mapped reports whether host ports are mapped to ports of the container. They are, unless the task is on the
// network of the agent.
func (s Spec) Mapped() bool { return s.Container.Attached() != NetworkHost }
