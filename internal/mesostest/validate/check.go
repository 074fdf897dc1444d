package validate

import (
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

func healthCheckFault(h *mesos.HealthCheck) string {
	if h == nil {
		return ""
	}
	switch h.Type {
	case mesos.HealthCheck_UNKNOWN:
		return "HealthCheck must specify 'type'"
	case mesos.HealthCheck_COMMAND:
		if h.Command == nil {
			return "Expecting 'command' to be set for COMMAND health check"
		}
		if fault := probeFault(h.Command, "Command health check", "Health check's"); fault != "" {
			return fault
		}
	case mesos.HealthCheck_HTTP:
		if h.HTTP == nil {
			return "Expecting 'http' to be set for HTTP health check"
		}
		if s := h.HTTP.Scheme; s != nil && *s != "http" && *s != "https" {
			return "Unsupported HTTP health check scheme: '" + *s + "'"
		}
		if p := h.HTTP.Path; p != nil && !strings.HasPrefix(*p, "/") {
			return "The path '" + *p + "' of HTTP health check must start with '/'"
		}
	case mesos.HealthCheck_TCP:
		if h.TCP == nil {
			return "Expecting 'tcp' to be set for TCP health check"
		}
	}
	return negativeFault(
		seconds{"delay_seconds", h.DelaySeconds}, seconds{"grace_period_seconds", h.GracePeriodSeconds},
		seconds{"interval_seconds", h.IntervalSeconds}, seconds{"timeout_seconds", h.TimeoutSeconds})
}

func checkFault(c *mesos.CheckInfo) string {
	if c == nil {
		return ""
	}
	switch c.Type {
	case mesos.CheckInfo_UNKNOWN:
		return "CheckInfo must specify 'type'"
	case mesos.CheckInfo_COMMAND:
		if c.Command == nil {
			return "Expecting 'command' to be set for COMMAND check"
		}
		if fault := probeFault(&c.Command.Command, "Command check", "Check's"); fault != "" {
			return fault
		}
	case mesos.CheckInfo_HTTP:
		if c.HTTP == nil {
			return "Expecting 'http' to be set for HTTP check"
		}
		if p := c.HTTP.Path; p != nil && !strings.HasPrefix(*p, "/") {
			return "The path '" + *p + "' of HTTP check must start with '/'"
		}
	case mesos.CheckInfo_TCP:
		if c.TCP == nil {
			return "Expecting 'tcp' to be set for TCP check"
		}
	}
	return negativeFault(
		seconds{"delay_seconds", c.DelaySeconds},
		seconds{"interval_seconds", c.IntervalSeconds}, seconds{"timeout_seconds", c.TimeoutSeconds})
}

// probeFault checks the command of a check.
func probeFault(c *mesos.CommandInfo, what, whose string) string {
	if c.Value == nil {
		if c.GetShell() {
			return what + " must contain 'shell command'"
		}
		return what + " must contain 'executable path'"
	}
	if fault := commandFault(c); fault != "" {
		return whose + " `CommandInfo` is invalid: " + fault
	}
	return ""
}

type seconds struct {
	name  string
	value *float64
}

func negativeFault(list ...seconds) string {
	for _, s := range list {
		if s.value != nil && *s.value < 0 {
			return "Expecting '" + s.name + "' to be non-negative"
		}
	}
	return ""
}
