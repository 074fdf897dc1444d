package task

import (
	"maps"
	"slices"
	"time"
)

// Spec is what a user asks for: one task, described without knowing where it will run.
// A Spec is a value; nobody changes it after it was submitted. [Spec.Validate] says what is refused.
// Amounts are finite, not negative and at most 1e12; beyond three decimal digits they are rounded,
// as Mesos does.
type Spec struct {
	// ID names the task within its framework. Required. Mesos allows up to 255 bytes without
	// slashes, backslashes and control characters, and neither "." nor "..". It must be UTF-8.
	ID string `json:"id,omitzero"`
	// Name is shown by Mesos' web UI and need not be unique. Default: ID.
	Name string `json:"name,omitzero"`
	// Role is the role whose offers may be used. Default: any role of the framework.
	Role string `json:"role,omitzero"`

	// CPUs is the share of processors, in cores.
	CPUs float64 `json:"cpus,omitzero"`
	// Mem is memory in MiB.
	Mem float64 `json:"mem,omitzero"`
	// Disk is disk space in MiB. Default 0: none is asked for.
	Disk float64 `json:"disk,omitzero"`
	// GPUs is the number of whole GPUs. Default 0.
	GPUs float64 `json:"gpus,omitzero"`
	// Scalars are amounts of further scalar resources, which agents were configured with, by name.
	Scalars map[string]float64 `json:"scalars,omitzero"`
	// Revocable lets the task use revocable resources, of which Mesos may take back what it uses and
	// end it, see Mesos' docs/oversubscription.md. They are taken first. Default: only others.
	Revocable bool `json:"revocable,omitzero"`
	// Ports asks for one host port each, in this order.
	Ports []Port `json:"ports,omitzero"`

	// Limits let the task use more than it asks for, or cap it. Nil: what it asks for is also the
	// limit, as far as the agent enforces one.
	Limits *Limits `json:"limits,omitzero"`

	// Container runs the task in a container. Nil: a plain command on the agent.
	Container *Container `json:"container,omitzero"`
	// Command is what runs. It may be empty for a container, whose image then decides.
	Command Command `json:"command,omitzero"`

	// Pod names the pod that the task is a member of; the members of a pod are submitted together, run
	// on one agent under one default executor, share its network and sandbox volumes, and end
	// together: when one fails or is killed, Mesos kills the others. See [ValidatePod]. Empty: the task
	// stands alone. It becomes the ID of the executor, so the rules for ID hold, and it must differ
	// from the names of earlier pods and from all tasks' IDs.
	Pod string `json:"pod,omitzero"`
	// Group names the tasks that are counted together by constraints such as UNIQUE and by strategies
	// that spread. Tasks without a group are a group, too.
	Group string `json:"group,omitzero"`
	// Constraints must all hold for the agent.
	Constraints []Constraint `json:"constraints,omitzero"`
	// Preferences need not hold: an agent that more of them hold for goes before others.
	Preferences []Constraint `json:"preferences,omitzero"`
	// MaxCompletionTime is how long the task may run from its launch on, before Mesos kills it.
	// Default 0: without limit.
	MaxCompletionTime time.Duration `json:"maxCompletionTime,omitzero"`
	// KillPolicy says how Mesos ends the task. Nil: as the agent was configured.
	KillPolicy *KillPolicy `json:"killPolicy,omitzero"`
	// HealthCheck is run by Mesos while the task runs. Nil: running is healthy.
	HealthCheck *HealthCheck `json:"healthCheck,omitzero"`
	// Check is run by Mesos while the task runs; what it finds is in the task's status and has no
	// consequences. Nil: none. Not for the Docker containerizer, whose executor would abort.
	Check *Check `json:"check,omitzero"`
	// Discovery is for service discovery such as Mesos-DNS. Nil: Mesos-DNS goes by Name alone.
	Discovery *Discovery `json:"discovery,omitzero"`
	// Labels are passed to Mesos and shown by its API.
	Labels map[string]string `json:"labels,omitzero"`
}

// Clone returns a copy that shares nothing with s.
func (s Spec) Clone() Spec {
	s.Scalars = maps.Clone(s.Scalars)
	s.Ports = slices.Clone(s.Ports)
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

// clone copies what points to nothing else.
func clone[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

// Port asks for one host port.
type Port struct {
	// Container is the port inside the container. 0: the same as the host port. It must be 0 on
	// the host's network and for plain commands, where nothing is mapped, see [Spec.Mapped].
	Container uint16 `json:"container,omitzero"`
	// Protocol is "tcp" or "udp". Default "tcp". It says what is mapped and which ports can be
	// health checked; Mesos itself hands out a port number for both protocols.
	Protocol string `json:"protocol,omitzero"`
	// Host is the host port wanted. Default 0: any that is offered.
	Host uint16 `json:"host,omitzero"`
	// Name of the port, unique among those of the task: it starts with an ASCII letter and goes on
	// with letters, digits, "-" and "_". It is in the discovery info, and the task finds the port in
	// its environment by it: port "web-ui" as PORT_WEB_UI. Default: none.
	Name string `json:"name,omitzero"`
}

// Limits are what a task may use at most; they need an agent of Mesos 1.10 or later that runs Docker
// or isolates by cgroups/cpu and cgroups/mem. Others drop the task.
type Limits struct {
	// CPUs in cores and Mem in MiB must not be less than what the task asks for, which must not be
	// nothing. [Unlimited] lets it use all that the agent has. Default 0: no limit is given.
	CPUs float64 `json:"cpus,omitzero"`
	Mem  float64 `json:"mem,omitzero"`
}

// Unlimited is a limit of infinity, here a number that JSON can express.
const Unlimited = -1

// KillPolicy says how Mesos ends a task.
type KillPolicy struct {
	// GracePeriod is how long the task has between SIGTERM and SIGKILL. 0: none.
	GracePeriod time.Duration `json:"gracePeriod,omitzero"`
}

// Mapped tells whether the task has ports of its own, to which the host ports are mapped: it has
// them unless it lives on the agent's network.
func (s Spec) Mapped() bool { return s.Container.Attached() != Host }
