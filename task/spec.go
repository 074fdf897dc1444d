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
	// Ports asks for one host port each, in this order.
	Ports []Port

	// Container runs the task in a Docker container. Nil: a plain command on the agent.
	Container *Container
	// Command is what runs. It may be empty for a container, whose image then decides.
	Command Command

	// Constraints must all hold for the agent.
	Constraints []Constraint
	// HealthCheck is run by Mesos while the task runs. Nil: running is healthy.
	HealthCheck *HealthCheck
	// Labels are passed to Mesos and shown by its API.
	Labels map[string]string
}

// Clone returns a copy that shares nothing with s.
func (s Spec) Clone() Spec {
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

// Operator compares an agent's attribute with a constraint's value.
type Operator string

// The operators, as mesos-actor and Marathon spell them.
const (
	Like   Operator = "LIKE"   // the regular expression matches the whole attribute
	Unlike Operator = "UNLIKE" // it does not; an agent without the attribute fails as well
)

// Constraint limits the agents on which a task may run.
type Constraint struct {
	// Attribute is the name of a text attribute. An agent without it fails every constraint on
	// it; of several attributes of that name the first text one counts.
	Attribute string
	Operator  Operator
	// Value is a regular expression in Go's syntax, which must match the whole attribute.
	Value string
}

// String gives one line, such as "rack LIKE r[12]".
func (c Constraint) String() string {
	return c.Attribute + " " + string(c.Operator) + " " + c.Value
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
