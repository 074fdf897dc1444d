package task

import (
	"maps"
	"slices"
	"time"
)

// HealthCheck checks whether a task is healthy. It connects to a port over TCP unless HTTP or Command
// is set, which exclude each other. It is run by the task's executor: in the network of the container
// if there is one, and a command also inside the container.
type HealthCheck struct {
	// Port is an index into Spec.Ports, for TCP and HTTP. The port's protocol must not be "udp".
	Port int `json:"port,omitzero"`
	// HTTP sends a GET request to the port; a status from 200 to 399 is healthy. The agent needs curl.
	HTTP *HTTPGet `json:"http,omitzero"`
	// Command is run; exit status 0 is healthy.
	Command *CheckCommand `json:"command,omitzero"`
	// Delay before the first check. Default 0.
	Delay time.Duration `json:"delay,omitzero"`
	// Interval between checks. Default 1 s.
	Interval time.Duration `json:"interval,omitzero"`
	// Timeout of one check. Default 1 s.
	Timeout time.Duration `json:"timeout,omitzero"`
	// GracePeriod is the time after the start during which failures are ignored; it ends with the first success.
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

// Check observes a task without acting on the result, which is in the status of the task: whether a
// connection succeeded, the HTTP status, or the exit status of a command. Its fields mean the same as those of [HealthCheck].
type Check struct {
	Port     int           `json:"port,omitzero"`
	HTTP     *HTTPGet      `json:"http,omitzero"` // Scheme must not be "https": Mesos supports only http here
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

// HTTPGet is a GET request of a check.
type HTTPGet struct {
	// Scheme is "http" or "https"; certificates are not verified. Default "http".
	Scheme string `json:"scheme,omitzero"`
	// Path starts with a slash and may have a query. Default "/".
	Path string `json:"path,omitzero"`
}

// CheckCommand is the command of a check. Shell and Argv exclude each other.
type CheckCommand struct {
	Shell string            `json:"shell,omitzero"` // run by /bin/sh -c
	Argv  []string          `json:"argv,omitzero"`  // executed without a shell
	Env   map[string]string `json:"env,omitzero"`   // added to the environment; not for [ContainerizerDocker], which would not pass it on
}

func (c *CheckCommand) clone() *CheckCommand {
	if c = clone(c); c != nil {
		c.Argv, c.Env = slices.Clone(c.Argv), maps.Clone(c.Env)
	}
	return c
}
