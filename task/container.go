package task

import "slices"

// Containerizer is the part of an agent that runs containers.
type Containerizer string

// The containerizers. An agent has those that its flag --containerizers names.
const (
	Docker Containerizer = "docker" // by means of a Docker daemon
	Mesos  Containerizer = "mesos"  // by Mesos itself, also known as UCR; it needs no daemon
)

// Container is what a task runs in.
type Container struct {
	// Containerizer that runs it. Default [Docker].
	Containerizer Containerizer `json:"containerizer,omitzero"`
	// Image as docker knows it, with an optional tag or digest. Required by [Docker]. Without one
	// [Mesos] runs the command in the agent's file system, with the container's network and volumes.
	Image string `json:"image,omitzero"`
	// ForcePull pulls the image even if the agent has it.
	ForcePull bool `json:"forcePull,omitzero"`
	// Network the container is attached to. Default: [Bridge] for Docker, [Host] for Mesos.
	Network Network `json:"network,omitzero"`
	// Volumes are mounted in this order.
	Volumes []Volume `json:"volumes,omitzero"`
	// Parameters are further options of docker run, in this order, without the leading dashes.
	// Refused: name (Mesos names the container) and network (that is what Network is for), and all
	// of them for Mesos, which knows none.
	Parameters []Parameter `json:"parameters,omitzero"`
}

// RunBy gives the containerizer of the container: Containerizer or its default. Plain commands, which
// is what nil stands for, are run by Mesos.
func (c *Container) RunBy() Containerizer {
	switch {
	case c == nil:
		return Mesos
	case c.Containerizer != "":
		return c.Containerizer
	default:
		return Docker
	}
}

// Attached gives the network of the container: Network or its default. A plain command, which is
// what nil stands for, is on the agent's.
func (c *Container) Attached() Network {
	switch {
	case c == nil:
		return Host
	case c.Network != "":
		return c.Network
	case c.RunBy() == Mesos:
		return Host
	default:
		return Bridge
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

// Network is [Bridge], [Host], or the name of another network: for Docker one that docker network
// ls shows, for Mesos one that the agent's CNI configuration defines. The name "none" gives a Docker
// container without network; it cannot have ports, and Mesos has nothing like it.
type Network string

// The networks that every agent has; Mesos' bridge only if its operator defined it.
const (
	// Bridge maps host ports to container ports. For Mesos it is the CNI network "mesos-bridge", as
	// for Marathon.
	Bridge Network = "bridge"
	// Host shows the container the agent's network; nothing is mapped.
	Host Network = "host"
)

// Volume is a directory or a file that the task sees at Path. Exactly one of HostPath, SandboxPath,
// Tmpfs and Secret says what it is.
type Volume struct {
	// Path of the volume as the task sees it, in the sandbox if it is relative. Required, and no two
	// volumes of a task have the same. Without an image an absolute one must exist on the agent.
	// It must be absolute for a tmpfs and, except in a pod, for SandboxPath.
	Path string `json:"path,omitzero"`
	// ReadOnly keeps the task from writing. It does not go with Tmpfs.
	ReadOnly bool `json:"readOnly,omitzero"`

	// HostPath is the absolute path of a directory or file on the agent.
	HostPath string `json:"hostPath,omitzero"`
	// SandboxPath is a directory in the task's sandbox, which is made if it is missing; in a pod in
	// that of the pod, so that all members that name it share it. It must be relative, without "..".
	SandboxPath string `json:"sandboxPath,omitzero"`
	// Tmpfs is the size, in MiB, of a file system in memory. [Docker] only.
	Tmpfs int `json:"tmpfs,omitzero"`
	// Secret is what a file has in it. [Mesos] only, with the isolator volume/secret.
	Secret *Secret `json:"secret,omitzero"`
}
