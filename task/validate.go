package task

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Validate says what is wrong with the spec: nil, or all violations joined, each a [*FieldError].
//
// It refuses what Mesos would refuse, and also what Mesos would silently ignore. That matters
// beyond the task itself: one malformed resource makes a master refuse all tasks that were
// launched in the same operation.
func (s Spec) Validate() error {
	var v violations
	v.id(s.ID)
	v.resources(s)
	v.ports(s)
	v.container(s.Container)
	v.command(s.Command, s.Container != nil)
	for i, c := range s.Constraints {
		v.constraint(fmt.Sprintf("Constraints[%d]", i), c)
	}
	if s.HealthCheck != nil {
		v.healthCheck(*s.HealthCheck, s.Ports)
	}
	v.keys("Labels", s.Labels)
	return errors.Join(v...)
}

// violations collects what the checks find.
type violations []error

func (v *violations) add(field string, value any, reason string) {
	*v = append(*v, &FieldError{Field: field, Value: value, Reason: reason})
}

// id follows validateID in Mesos' src/common/validation.cpp, byte for byte. Mesos does not look at
// the encoding, but text that is not UTF-8 comes back altered when the calls are JSON.
func (v *violations) id(id string) {
	const longest = 255 // NAME_MAX: an ID becomes a directory on the agent
	switch {
	case id == "":
		v.add("ID", id, "must not be empty")
	case len(id) > longest:
		v.add("ID", id, fmt.Sprintf("must not be longer than %d bytes, has %d", longest, len(id)))
	case id == "." || id == "..":
		v.add("ID", id, "must not be a special directory")
	case strings.ContainsFunc(id, func(r rune) bool { return r < ' ' || r == 0x7f || r == '/' || r == '\\' }):
		v.add("ID", id, "must not contain slashes, backslashes or control characters")
	case !utf8.ValidString(id):
		v.add("ID", id, "must be valid UTF-8")
	}
}

func (v *violations) resources(s Spec) {
	v.amount("CPUs", s.CPUs)
	v.amount("Mem", s.Mem)
	v.amount("Disk", s.Disk)
	v.amount("GPUs", s.GPUs)
	if s.GPUs != math.Trunc(s.GPUs) && !math.IsNaN(s.GPUs) {
		v.add("GPUs", s.GPUs, "must be a whole number")
	}
	if s.CPUs == 0 && s.Mem == 0 && s.Disk == 0 && s.GPUs == 0 && len(s.Ports) == 0 {
		v.add("CPUs", s.CPUs, "must be positive, or one of Mem, Disk, GPUs and Ports asked for: Mesos refuses a task without resources")
	}
}

func (v *violations) amount(field string, x float64) {
	const most = 1e12 // exact to three decimal digits in a float64, with room for sums
	switch {
	case math.IsNaN(x) || math.IsInf(x, 0):
		v.add(field, x, "must be a finite number")
	case x < 0:
		v.add(field, x, "must not be negative")
	case x > 0 && math.Round(x*1000) == 0:
		v.add(field, x, "must be 0 or at least 0.001: Mesos keeps three decimal digits")
	case x > most:
		v.add(field, x, "must not be greater than 1e12")
	}
}

func (v *violations) ports(s Spec) {
	mapped := s.Container != nil && s.Container.Network != Host
	for i, p := range s.Ports {
		field := fmt.Sprintf("Ports[%d]", i)
		if p.Protocol != "" && p.Protocol != "tcp" && p.Protocol != "udp" {
			v.add(field+".Protocol", p.Protocol, `must be "tcp" or "udp"`)
		}
		if p.Container != 0 && !mapped {
			v.add(field+".Container", p.Container, "must be 0 without a container on a bridge or user network: nothing is mapped")
		}
	}
	if s.Container != nil && s.Container.Network == "none" && len(s.Ports) > 0 {
		v.add("Ports", len(s.Ports), `must be empty on network "none"`)
	}
}

func (v *violations) container(c *Container) {
	if c == nil {
		return
	}
	switch {
	case c.Image == "":
		v.add("Container.Image", c.Image, "must not be empty")
	case strings.ContainsAny(c.Image, whiteSpace):
		v.add("Container.Image", c.Image, "must not contain white space")
	}
	if strings.ContainsAny(string(c.Network), whiteSpace) {
		v.add("Container.Network", string(c.Network), "must be the name of a network, without white space")
	}
	for i, p := range c.Parameters {
		v.parameter(fmt.Sprintf("Container.Parameters[%d].Key", i), p.Key)
	}
}

const whiteSpace = " \t\r\n\v\f"

// parameter refuses what breaks the task elsewhere: Mesos finds its containers by their names,
// and takes a network parameter in place of Container.Network without a word.
func (v *violations) parameter(field, key string) {
	switch {
	case key == "":
		v.add(field, key, "must not be empty")
	case strings.HasPrefix(key, "-"):
		v.add(field, key, "must be written without leading dashes")
	case key == "name":
		v.add(field, key, "must not be set: Mesos names the container")
	case key == "net" || key == "network":
		v.add(field, key, "must not be set: use Container.Network")
	}
}

func (v *violations) command(c Command, inContainer bool) {
	switch {
	case c.Shell != "" && len(c.Argv) > 0:
		v.add("Command.Shell", c.Shell, "must not be set together with Argv")
	case c.Shell == "" && len(c.Argv) == 0 && !inContainer:
		v.add("Command", "", "must have Shell or Argv, since there is no container")
	case len(c.Argv) > 0 && c.Argv[0] == "" && !inContainer:
		v.add("Command.Argv[0]", c.Argv[0], "must name a program")
	}
	v.text("Command.Shell", c.Shell)
	for i, arg := range c.Argv {
		v.text(fmt.Sprintf("Command.Argv[%d]", i), arg)
	}
	v.text("Command.User", c.User)
	v.keys("Command.Env", c.Env)
	for _, name := range slices.Sorted(maps.Keys(c.Env)) {
		if strings.ContainsAny(name, "=\x00") {
			v.add("Command.Env", name, "must not contain '=' or a zero byte in a name")
		}
		if strings.ContainsRune(c.Env[name], 0) {
			v.add("Command.Env", name, "must not have a zero byte in its value")
		}
	}
	for i, u := range c.URIs {
		field := fmt.Sprintf("Command.URIs[%d]", i)
		v.uri(field+".Value", u.Value)
		if u.Extract && u.Executable {
			v.add(field+".Extract", u.Value, "must not be set together with Executable: Mesos would not extract it")
		}
	}
}

// text refuses a zero byte, at which the agent would cut the text off.
func (v *violations) text(field, s string) {
	if strings.ContainsRune(s, 0) {
		v.add(field, s, "must not contain a zero byte")
	}
}

// uri refuses what every agent's fetcher does.
func (v *violations) uri(field, uri string) {
	_, address, remote := strings.Cut(uri, "://")
	_, path, _ := strings.Cut(address, "/")
	switch {
	case uri == "":
		v.add(field, uri, "must not be empty")
	case strings.ContainsAny(uri, "\\'\x00"):
		v.add(field, uri, "must not contain backslashes, single quotes or zero bytes")
	case remote && path == "":
		v.add(field, uri, "must have a path after the host")
	}
}

func (v *violations) constraint(field string, c Constraint) {
	if c.Attribute == "" {
		v.add(field+".Attribute", c.Attribute, "must not be empty")
	}
	if c.Operator != Like && c.Operator != Unlike {
		v.add(field+".Operator", string(c.Operator), "must be LIKE or UNLIKE")
	}
	if _, err := regexp.Compile(c.Value); err != nil {
		v.add(field+".Value", c.Value, "must be a regular expression: "+err.Error())
	}
}

func (v *violations) healthCheck(h HealthCheck, ports []Port) {
	switch {
	case h.Port < 0 || h.Port >= len(ports):
		v.add("HealthCheck.Port", h.Port, fmt.Sprintf("must be an index into Ports, which has %d", len(ports)))
	case ports[h.Port].Protocol == "udp":
		v.add("HealthCheck.Port", h.Port, "must not be a udp port: the check is over TCP")
	}
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

func (v *violations) duration(field string, d time.Duration) {
	switch {
	case d < 0:
		v.add(field, d, "must not be negative")
	case d > 100*365*24*time.Hour:
		v.add(field, d, "must not be longer than 100 years: Mesos' clock would overflow")
	}
}

func (v *violations) keys(field string, m map[string]string) {
	if _, found := m[""]; found {
		v.add(field, "", "must not have an empty key")
	}
}
