package mesosengine

import (
	"fmt"
	"maps"
	"strings"

	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// minCPUs is the least that Mesos gives to a task.
const minCPUs = 0.01

// runs returns an error if it is not known what is to run in a container.
func (c Config) runs(s invoker.Spec) error {
	if _, known := c.Commands[s.Kind]; c.Mode == Command && !known {
		return fmt.Errorf("%w: no command is configured for kind %q", invoker.ErrImage, s.Kind)
	}
	if c.Mode != Command && s.Image == "" {
		return fmt.Errorf("%w: kind %q has none", invoker.ErrImage, s.Kind)
	}
	return nil
}

// taskSpec returns the task that runs a container. c is complete.
func (c Config) taskSpec(id string, s invoker.Spec) task.Spec {
	spec := task.Spec{
		ID: id, Name: s.Name, Role: c.Role,
		CPUs: max(s.CPUs, minCPUs), Mem: float64(s.Memory),
		Command:     c.command(s),
		Constraints: c.Constraints,
		HealthCheck: c.HealthCheck,
		KillPolicy:  &task.KillPolicy{}, // an idle container has nothing to lose, and nobody waits for it
		Labels:      maps.Clone(s.Labels),
	}
	if s.UserImage {
		spec.Constraints = c.UserConstraints
	}
	port := task.Port{Name: "action"}
	if c.Mode != Command {
		spec.Container = c.container(s)
		switch network := spec.Container.Attached(); network {
		case task.NetworkHost:
		case task.NetworkBridge:
			port.Container = containerPort
		default: // the container has an address of its own
			port.Container, port.NoHost = containerPort, true
		}
	}
	spec.Ports = []task.Port{port}
	return spec
}

func (c Config) container(s invoker.Spec) *task.Container {
	registry := c.Registry
	if s.UserImage {
		registry = c.UserRegistry
	}
	container := &task.Container{
		Containerizer: task.ContainerizerDocker,
		Image:         inRegistry(registry, s.Image),
		ForcePull:     s.UserImage && movable(s.Image),
		Network:       task.Network(c.Network),
		Parameters:    c.Parameters,
	}
	if container.Network == "" {
		container.Network = task.NetworkBridge
	}
	if c.Mode == UCR {
		container.Containerizer = task.ContainerizerMesos
	}
	return container
}

// command returns what runs in the container, with the environment that all containers have.
func (c Config) command(s invoker.Spec) task.Command {
	command := c.Commands[s.Kind]
	command.Env = maps.Clone(command.Env)
	if len(s.Env) > 0 {
		if command.Env == nil {
			command.Env = map[string]string{}
		}
		maps.Copy(command.Env, s.Env)
	}
	return command
}

// inRegistry returns an image with a registry in front, unless it names its own: by Docker's rule the part before the first
// slash is one if it has a dot or a colon, or is "localhost".
func inRegistry(registry, image string) string {
	if first, _, found := strings.Cut(image, "/"); registry == "" || found && (strings.ContainsAny(first, ".:") || first == "localhost") {
		return image
	}
	return strings.TrimSuffix(registry, "/") + "/" + image
}

// movable reports whether a name may stand for another image tomorrow: it has no digest, and no tag or "latest".
func movable(image string) bool {
	if strings.Contains(image, "@") {
		return false
	}
	_, tag, tagged := strings.Cut(image[strings.LastIndex(image, "/")+1:], ":")
	return !tagged || tag == "latest"
}
