package task

import "slices"

// Containerizer names a containerizer of Mesos, the part of an agent that runs containers.
type Containerizer string

// The containerizers. An agent offers those that its flag --containerizers lists.
const (
	ContainerizerDocker Containerizer = "docker" // runs containers through the Docker daemon
	ContainerizerMesos  Containerizer = "mesos"  // the universal container runtime (UCR), which needs no daemon
)

// Container describes the container that a task runs in.
type Container struct {
	// Containerizer runs the container. Default [ContainerizerDocker].
	Containerizer Containerizer `json:"containerizer,omitzero"`
	// Image is the name of a Docker image, with an optional tag or digest. Required by [ContainerizerDocker]. Without an
	// image [ContainerizerMesos] runs the command in the agent's file system, with the container's network and volumes.
	Image string `json:"image,omitzero"`
	// ForcePull pulls the image even if the agent has it already.
	ForcePull bool `json:"forcePull,omitzero"`
	// Network is the network to attach the container to. Default: [NetworkBridge] for Docker, [NetworkHost] for Mesos.
	Network Network `json:"network,omitzero"`
	// Volumes are mounted in this order.
	Volumes []Volume `json:"volumes,omitzero"`
	// Parameters are further options of docker run, in this order, without the leading dashes. Not for
	// [ContainerizerMesos]. The options name (Mesos names the container) and network (use Network) are refused.
	Parameters []Parameter `json:"parameters,omitzero"`
}

// RunBy returns the containerizer that runs the container: Containerizer or its default. It returns [ContainerizerMesos] for a
// nil container, which stands for a plain command.
func (c *Container) RunBy() Containerizer {
	switch {
	case c == nil:
		return ContainerizerMesos
	case c.Containerizer != "":
		return c.Containerizer
	default:
		return ContainerizerDocker
	}
}

// Attached returns the network that the container is attached to: Network or its default. It returns [NetworkHost] for a
// nil container, which stands for a plain command.
func (c *Container) Attached() Network {
	switch {
	case c == nil:
		return NetworkHost
	case c.Network != "":
		return c.Network
	case c.RunBy() == ContainerizerMesos:
		return NetworkHost
	default:
		return NetworkBridge
	}
}

func (c *Container) clone() *Container {
	if c = clone(c); c == nil {
		return nil
	}
	c.Parameters = slices.Clone(c.Parameters)
	c.Volumes = slices.Clone(c.Volumes)
	for i := range c.Volumes {
		c.Volumes[i].Secret = c.Volumes[i].Secret.clone()
	}
	return c
}

// Parameter is one option of docker run: {"label", "team=blue"} is --label team=blue.
type Parameter struct {
	Key   string `json:"key,omitzero"`
	Value string `json:"value,omitzero"`
}

// Network is [NetworkBridge], [NetworkHost], or the name of another network: for Docker one that docker network
// ls lists, for Mesos one that the agent's CNI configuration defines. With the name "none" a Docker
// container has no network and cannot have ports; the Mesos containerizer has no equivalent.
type Network string

// The predefined networks. For the Mesos containerizer, NetworkBridge works only if the agent's operator defined it.
const (
	// NetworkBridge maps host ports to container ports. For the Mesos containerizer it is the CNI network
	// "mesos-bridge", the name that Marathon uses as well.
	NetworkBridge Network = "bridge"
	// NetworkHost is the network of the agent; ports are not mapped.
	NetworkHost Network = "host"
)

// Volume is a directory or a file that is mounted at Path. Exactly one of HostPath, SandboxPath,
// Tmpfs and Secret must be set; it is the source of the volume.
type Volume struct {
	// Path is where the task sees the volume; a relative path is below the sandbox. Required, and unique
	// among the volumes of a task. For a container without an image an absolute path must exist on the
	// agent. It must be absolute for a tmpfs and, except in a pod, for SandboxPath.
	Path string `json:"path,omitzero"`
	// ReadOnly mounts the volume read-only. It must not be set together with Tmpfs.
	ReadOnly bool `json:"readOnly,omitzero"`

	// HostPath is the absolute path of a directory or file on the agent.
	HostPath string `json:"hostPath,omitzero"`
	// SandboxPath is a directory in the sandbox of the task, which is created if it does not exist. For a
	// member of a pod it is in the sandbox of the pod, so that members with the same SandboxPath share the
	// directory. It must be relative, without "..".
	SandboxPath string `json:"sandboxPath,omitzero"`
	// Tmpfs is the size, in MiB, of a file system in memory. [ContainerizerDocker] only.
	Tmpfs int `json:"tmpfs,omitzero"`
	// Secret is the content of a file. [ContainerizerMesos] only, with the isolator volume/secret.
	Secret *Secret `json:"secret,omitzero"`
}
