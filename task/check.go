package task

import (
	"maps"
	"slices"
	"time"
)

// HealthCheck tells whether a task is well. It connects to a port over TCP unless HTTP or Command
// is set, which exclude each other. It runs where the task runs: inside the network of its
// container, if it has one, and a command inside the container.
type HealthCheck struct {
	// Port is an index into Spec.Ports, for TCP and HTTP. It must not be of a udp port.
	Port int `json:"port,omitzero"`
	// HTTP asks the port; a status from 200 to 399 is healthy. The agent needs curl.
	HTTP *HTTPGet `json:"http,omitzero"`
	// Command is healthy if it exits with 0.
	Command *CheckCommand `json:"command,omitzero"`
	// Delay before the first check. Default 0.
	Delay time.Duration `json:"delay,omitzero"`
	// Interval between checks. Default 1 s.
	Interval time.Duration `json:"interval,omitzero"`
	// Timeout of one check. Default 1 s.
	Timeout time.Duration `json:"timeout,omitzero"`
	// GracePeriod after the start in which failures do not count, until a first success.
	// Default 25 s.
	GracePeriod time.Duration `json:"gracePeriod,omitzero"`
	// ConsecutiveFailures after which the task is killed. Default 3.
	ConsecutiveFailures int `json:"consecutiveFailures,omitzero"`
}

func (h *HealthCheck) clone() *HealthCheck {
	if h = clone(h); h != nil {
		h.HTTP, h.Command = clone(h.HTTP), h.Command.clone()
	}
	return h
}

// Check looks at a task and reports what it saw: whether it could connect, the HTTP status, or the
// exit status of a command. Its fields mean the same as those of [HealthCheck].
type Check struct {
	Port     int           `json:"port,omitzero"`
	HTTP     *HTTPGet      `json:"http,omitzero"` // without Scheme: Mesos knows only http here
	Command  *CheckCommand `json:"command,omitzero"`
	Delay    time.Duration `json:"delay,omitzero"`
	Interval time.Duration `json:"interval,omitzero"`
	Timeout  time.Duration `json:"timeout,omitzero"`
}

func (c *Check) clone() *Check {
	if c = clone(c); c != nil {
		c.HTTP, c.Command = clone(c.HTTP), c.Command.clone()
	}
	return c
}

// HTTPGet is a GET request.
type HTTPGet struct {
	// Scheme is "http" or "https"; certificates are not verified. Default "http".
	Scheme string `json:"scheme,omitzero"`
	// Path starts with a slash and may have a query. Default "/".
	Path string `json:"path,omitzero"`
}

// CheckCommand is a command that looks at a task. Shell and Argv exclude each other.
type CheckCommand struct {
	Shell string            `json:"shell,omitzero"` // run by /bin/sh -c
	Argv  []string          `json:"argv,omitzero"`  // executed without a shell
	Env   map[string]string `json:"env,omitzero"`   // added to the environment; not for [Docker], where it would not arrive
}

func (c *CheckCommand) clone() *CheckCommand {
	if c = clone(c); c != nil {
		c.Argv, c.Env = slices.Clone(c.Argv), maps.Clone(c.Env)
	}
	return c
}
