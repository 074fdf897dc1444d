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
	ID string
	// Name is shown by Mesos' web UI and need not be unique. Default: ID.
	Name string
	// Role is the role whose offers may be used. Default: any role of the framework.
	Role string

	// CPUs is the share of processors, in cores.
	CPUs float64
	// Mem is memory in MiB.
	Mem float64
	// Disk is disk space in MiB. Default 0: none is asked for.
	Disk float64
	// GPUs is the number of whole GPUs. Default 0.
	GPUs float64
	// Scalars are amounts of further scalar resources, which agents were configured with, by name.
	Scalars map[string]float64
	// Revocable lets the task use revocable resources, of which Mesos may take back what it uses and
	// end it, see Mesos' docs/oversubscription.md. They are taken first. Default: only others.
	Revocable bool
	// Ports asks for one host port each, in this order.
	Ports []Port

	// Container runs the task in a Docker container. Nil: a plain command on the agent.
	Container *Container
	// Command is what runs. It may be empty for a container, whose image then decides.
	Command Command

	// Group names the tasks that are counted together by constraints such as UNIQUE and by strategies
	// that spread. Tasks without a group are a group, too.
	Group string
	// Constraints must all hold for the agent.
	Constraints []Constraint
	// Preferences need not hold: an agent that more of them hold for goes before others.
	Preferences []Constraint
	// MaxCompletionTime is how long the task may run from its launch on, before Mesos kills it.
	// Default 0: without limit.
	MaxCompletionTime time.Duration
	// HealthCheck is run by Mesos while the task runs. Nil: running is healthy.
	HealthCheck *HealthCheck
	// Labels are passed to Mesos and shown by its API.
	Labels map[string]string
}

// Clone returns a copy that shares nothing with s.
func (s Spec) Clone() Spec {
	s.Scalars = maps.Clone(s.Scalars)
	s.Ports = slices.Clone(s.Ports)
	if s.Container != nil {
		c := *s.Container
		c.Parameters = slices.Clone(c.Parameters)
		s.Container = &c
	}
	s.Command.Argv = slices.Clone(s.Command.Argv)
	s.Command.Env = maps.Clone(s.Command.Env)
	s.Command.URIs = slices.Clone(s.Command.URIs)
	s.Constraints = slices.Clone(s.Constraints)
	s.Preferences = slices.Clone(s.Preferences)
	if s.HealthCheck != nil {
		h := *s.HealthCheck
		s.HealthCheck = &h
	}
	s.Labels = maps.Clone(s.Labels)
	return s
}

// Port asks for one host port.
type Port struct {
	// Container is the port inside the container. 0: the same as the host port. It must be 0 on
	// the host's network and for plain commands, where nothing is mapped.
	Container uint16
	// Protocol is "tcp" or "udp". Default "tcp". It says what is mapped and which ports can be
	// health checked; Mesos itself hands out a port number for both protocols.
	Protocol string
	// Host is the host port wanted. Default 0: any that is offered.
	Host uint16
	// Name of the port. Default: none.
	Name string
}

// Container is a Docker container.
type Container struct {
	// Image as docker knows it, with an optional tag or digest. Required.
	Image string
	// ForcePull pulls the image even if the agent has it.
	ForcePull bool
	// Network the container is attached to. Default Bridge.
	Network Network
	// Parameters are further options of docker run, in this order, without the leading dashes.
	// Refused: name (Mesos names the container) and network (that is what Network is for).
	Parameters []Parameter
}

// Parameter is one option of docker run: {"label", "team=blue"} is --label team=blue.
type Parameter struct{ Key, Value string }

// Network is what docker run --network takes: Bridge, Host, or the name of a user network. The
// name "none" gives a container without network; it cannot have ports.
type Network string

// The networks that every agent has.
const (
	Bridge Network = "bridge" // host ports are mapped to container ports
	Host   Network = "host"   // the container sees the agent's network; no mapping
)

// Command is the process to run. Shell and Argv exclude each other.
type Command struct {
	// Shell is run by /bin/sh -c.
	Shell string
	// Argv is executed without a shell; Argv[0] is the program (for a container: an argument
	// of its entry point).
	Argv []string
	// Env is added to the environment. Names must not be empty or contain "=".
	Env map[string]string
	// URIs are fetched into the sandbox before the command starts.
	URIs []URI
	// User runs the command. Default: the framework's user. For a container it owns the sandbox
	// and fetches the URIs; who runs inside is up to the image or the parameter "user".
	User string
}

// URI is a file that Mesos fetches before the command starts. Extract and Executable exclude each
// other.
type URI struct {
	Value      string // where from
	Extract    bool   // unpack archives
	Executable bool   // set the executable bit
	Cache      bool   // use the agent's fetcher cache
}

// HealthCheck is a TCP check of one of the task's ports. It runs where the task runs: inside the
// network of its container, if it has one.
type HealthCheck struct {
	// Port is an index into Spec.Ports.
	Port int
	// Delay before the first check. Default 0.
	Delay time.Duration
	// Interval between checks. Default 1 s.
	Interval time.Duration
	// Timeout of one check. Default 1 s.
	Timeout time.Duration
	// GracePeriod after the start in which failures do not count, until a first success.
	// Default 25 s.
	GracePeriod time.Duration
	// ConsecutiveFailures after which the task is killed. Default 3.
	ConsecutiveFailures int
}
