package task

import (
	"fmt"
	"math"
	"strings"
)

func (v *violations) healthCheck(s Spec) {
	h := s.HealthCheck
	if h == nil {
		return
	}
	v.probe("HealthCheck", s, h.Port, h.HTTP, h.Command)
	v.duration("HealthCheck.Delay", h.Delay)
	v.duration("HealthCheck.Interval", h.Interval)
	v.duration("HealthCheck.Timeout", h.Timeout)
	v.duration("HealthCheck.GracePeriod", h.GracePeriod)
	switch {
	case h.ConsecutiveFailures < 0:
		v.add("HealthCheck.ConsecutiveFailures", h.ConsecutiveFailures, "must not be negative")
	case int64(h.ConsecutiveFailures) > math.MaxUint32:
		v.add("HealthCheck.ConsecutiveFailures", h.ConsecutiveFailures, "must fit into 32 bits")
	}
}

func (v *violations) check(s Spec) {
	c := s.Check
	if c == nil {
		return
	}
	if by := s.Container.RunBy(); by != ContainerizerMesos {
		v.add("Check", string(by), "must not be set: the docker containerizer's executor aborts on it; use HealthCheck")
	}
	v.probe("Check", s, c.Port, c.HTTP, c.Command)
	if c.HTTP != nil && c.HTTP.Scheme == "https" {
		v.add("Check.HTTP.Scheme", c.HTTP.Scheme, `must be "http": Mesos has https for health checks only`)
	}
	v.duration("Check.Delay", c.Delay)
	v.duration("Check.Interval", c.Interval)
	v.duration("Check.Timeout", c.Timeout)
}

// probe checks what HealthCheck and Check have in common: the port, the request and the command.
func (v *violations) probe(field string, s Spec, port int, get *HTTPGet, command *CheckCommand) {
	if command != nil {
		v.checkCommand(field+".Command", s, *command)
		if get != nil {
			v.add(field+".HTTP", get.Path, "must not be set together with Command")
		}
		if port != 0 {
			v.add(field+".Port", port, "must not be set together with Command")
		}
		return
	}
	switch {
	case port < 0 || port >= len(s.Ports):
		v.add(field+".Port", port, fmt.Sprintf("must be an index into Ports, which has %d", len(s.Ports)))
	case s.Ports[port].Protocol == "udp":
		v.add(field+".Port", port, "must not be a udp port: the check is over TCP")
	}
	if get == nil {
		return
	}
	if get.Scheme != "" && get.Scheme != "http" && get.Scheme != "https" {
		v.add(field+".HTTP.Scheme", get.Scheme, `must be "http" or "https"`)
	}
	if get.Path != "" && !strings.HasPrefix(get.Path, "/") {
		v.add(field+".HTTP.Path", get.Path, "must start with a slash")
	}
	v.text(field+".HTTP.Path", get.Path)
}

func (v *violations) checkCommand(field string, s Spec, c CheckCommand) {
	if c.Shell == "" && len(c.Argv) == 0 {
		v.add(field, "", "must have Shell or Argv")
		return
	}
	v.run(field, c.Shell, c.Argv, false)
	v.env(field+".Env", c.Env)
	if len(c.Env) > 0 && s.Container.RunBy() != ContainerizerMesos {
		v.add(field+".Env", len(c.Env), "must be empty: the docker containerizer would not pass it to the container")
	}
}
