package mesosengine

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// Mode is how containers run on Mesos.
type Mode string

// The modes.
const (
	Docker  Mode = "docker"  // images, by the Docker daemon of the agent
	UCR     Mode = "mesos"   // images, by Mesos' own containerizer
	Command Mode = "command" // the command of the kind, without a container
)

// containerPort is where OpenWhisk's runtimes listen.
const containerPort = 8080

// Config configures an [Engine]. Every zero value stands for the documented default.
type Config struct {
	// Mode is how containers run. Default Docker.
	Mode Mode
	// Commands are what runs for each kind, in mode Command, which must listen at $PORT0. In the other modes a kind without a
	// command runs the default command of its image.
	Commands map[string]task.Command
	// Role is the role of the framework whose resources are used. Default: any.
	Role string

	// Network is that of the containers: "bridge", on which port 8080 is mapped to a port of the host; "host", for runtimes that
	// listen at $PORT0; or the name of a user network, where containers are reached at their own IP address, port 8080. Upper and
	// lower case are alike in "bridge" and "host". Default "bridge"; not for mode Command.
	Network string
	// DNSServers, DNSSearch and DNSOptions are those of the containers. Only for mode Docker.
	DNSServers, DNSSearch, DNSOptions []string
	// Parameters are further options of docker run; leading dashes are left out. Only for mode Docker. Default: what
	// OpenWhisk's invokers use, see DefaultParameters. An empty slice that is not nil: none.
	Parameters []task.Parameter

	// Registry is put in front of managed images, and UserRegistry in front of those of users, unless an image names its own
	// registry. Default: none.
	Registry, UserRegistry string
	// Constraints limit the agents for managed images, and UserConstraints those for images of users: OpenWhisk's
	// constraints and blackbox-constraints. One list or the other applies, never both.
	Constraints, UserConstraints []task.Constraint
	// HealthCheck is run by Mesos while a container runs, and ends it when it fails. The invoker does not wait for it: it finds
	// out by itself when the runtime answers. Default: none.
	HealthCheck *task.HealthCheck
	// MasterURL is the address of the Mesos master for humans, which a notice in the logs of an activation names when its output could not
	// be read. Default: none.
	MasterURL string
}

// DefaultParameters returns the options of docker run that OpenWhisk's invokers use: without the capabilities NET_RAW and
// NET_ADMIN, 1024 files and 1024 processes.
func DefaultParameters() []task.Parameter {
	return []task.Parameter{
		{Key: "cap-drop", Value: "NET_RAW"}, {Key: "cap-drop", Value: "NET_ADMIN"},
		{Key: "ulimit", Value: "nofile=1024:1024"}, {Key: "pids-limit", Value: "1024"},
	}
}

// ConfigError is a field of a [Config] that cannot be used.
type ConfigError struct {
	Field  string
	Value  string
	Reason string
}

// Error names the field, its value and the reason.
func (e *ConfigError) Error() string {
	return fmt.Sprintf("mesosengine: %s is %q: %s", e.Field, e.Value, e.Reason)
}

// complete returns the config with its defaults, and all that is wrong with it.
func (c Config) complete() (Config, error) {
	var wrong []error
	fault := func(field, value, reason string) {
		wrong = append(wrong, &ConfigError{Field: field, Value: value, Reason: reason})
	}
	if c.Mode == "" {
		c.Mode = Docker
	}
	switch c.Mode {
	case Docker, UCR, Command:
	default:
		fault("Mode", string(c.Mode), `it is one of "docker", "mesos" and "command"`)
	}
	if c.Mode == Command && c.Network != "" {
		fault("Network", c.Network, "commands use the network of the agent")
	}
	c.Network = network(c.Network)
	c.Parameters = c.parameters()
	if c.Mode != Docker && len(c.Parameters) > 0 {
		fault("Parameters", c.Parameters[0].Key, "options of docker run are for mode docker")
	}
	if c.Mode == Command && len(c.Commands) == 0 {
		fault("Commands", "", "mode command needs the command of each kind")
	}
	for _, kind := range slices.Sorted(maps.Keys(c.Commands)) {
		if command := c.Commands[kind]; command.Shell == "" && len(command.Argv) == 0 {
			fault(fmt.Sprintf("Commands[%q]", kind), "", "it has neither Shell nor Argv")
		}
	}
	for _, list := range []struct {
		field       string
		constraints []task.Constraint
	}{{"Constraints", c.Constraints}, {"UserConstraints", c.UserConstraints}} {
		for i, constraint := range list.constraints {
			if err := constraint.Validate(); err != nil {
				fault(fmt.Sprintf("%s[%d]", list.field, i), constraint.String(), err.Error())
			}
		}
	}
	return c, errors.Join(wrong...)
}

// parameters returns all options of docker run, those of DNS first.
func (c Config) parameters() []task.Parameter {
	var all []task.Parameter
	for _, dns := range []struct {
		key    string
		values []string
	}{{"dns", c.DNSServers}, {"dns-search", c.DNSSearch}, {"dns-option", c.DNSOptions}} {
		for _, value := range dns.values {
			all = append(all, task.Parameter{Key: dns.key, Value: value})
		}
	}
	own := c.Parameters
	if own == nil && c.Mode == Docker {
		own = DefaultParameters()
	}
	for _, p := range own {
		all = append(all, task.Parameter{Key: strings.TrimLeft(p.Key, "-"), Value: p.Value})
	}
	return all
}

// network returns the name of a network as package task writes it.
func network(name string) string {
	if lower := strings.ToLower(name); lower == string(task.NetworkBridge) || lower == string(task.NetworkHost) {
		return lower
	}
	return name
}
