package taskbuilder

import (
	"cmp"
	"fmt"

	"github.com/gogo/protobuf/proto"
	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// container returns nil for a plain command.
func container(s task.Spec, p task.Placement) *mesos.ContainerInfo {
	switch {
	case s.Container == nil:
		return nil
	case s.Container.RunBy() == task.ContainerizerMesos:
		return mesosContainer(s, p)
	default:
		return dockerContainer(s, p)
	}
}

func dockerContainer(s task.Spec, p task.Placement) *mesos.ContainerInfo {
	docker := &mesos.ContainerInfo_DockerInfo{
		Image:          s.Container.Image,
		ForcePullImage: proto.Bool(s.Container.ForcePull),
	}
	for _, m := range portMappings(s, p) {
		docker.PortMappings = append(docker.PortMappings, mesos.ContainerInfo_DockerInfo_PortMapping(m))
	}
	for _, each := range s.Container.Parameters {
		docker.Parameters = append(docker.Parameters, mesos.Parameter{Key: each.Key, Value: each.Value})
	}
	for _, v := range s.Container.Volumes {
		if v.Tmpfs != 0 {
			docker.Parameters = append(docker.Parameters, mesos.Parameter{Key: "tmpfs", Value: fmt.Sprintf("%s:size=%dm", v.Path, v.Tmpfs)})
		}
	}
	info := &mesos.ContainerInfo{Type: mesos.ContainerInfo_DOCKER.Enum(), Docker: docker, Volumes: volumes(s)}
	switch network := s.Container.Attached(); network {
	case task.NetworkBridge:
		docker.Network = mesos.ContainerInfo_DockerInfo_BRIDGE.Enum()
	case task.NetworkHost:
		docker.Network = mesos.ContainerInfo_DockerInfo_HOST.Enum()
	default: // the agent passes the name to docker run
		docker.Network = mesos.ContainerInfo_DockerInfo_USER.Enum()
		info.NetworkInfos = []mesos.NetworkInfo{{Name: proto.String(string(network))}}
	}
	return info
}

func mesosContainer(s task.Spec, p task.Placement) *mesos.ContainerInfo {
	info := &mesos.ContainerInfo{Type: mesos.ContainerInfo_MESOS.Enum(), Volumes: volumes(s)}
	if s.Container.Image != "" {
		info.Mesos = &mesos.ContainerInfo_MesosInfo{Image: &mesos.Image{
			Type:   mesos.Image_DOCKER.Enum(),
			Docker: &mesos.Image_Docker{Name: s.Container.Image},
			Cached: proto.Bool(!s.Container.ForcePull),
		}}
	}
	if s.Pod == "" {
		info.NetworkInfos = networks(s.Container.Attached(), portMappings(s, p))
	}
	return info
}

// networks returns the networks for a container of the Mesos containerizer: none for the network of the agent.
func networks(network task.Network, mappings []mesos.NetworkInfo_PortMapping) []mesos.NetworkInfo {
	switch network {
	case task.NetworkHost:
		return nil
	case task.NetworkBridge:
		network = "mesos-bridge" // the conventional name, which Marathon uses as well
	}
	return []mesos.NetworkInfo{{Name: proto.String(string(network)), PortMappings: mappings}}
}

// portMappings returns none on the network of the agent, where Mesos fails containers with port mappings.
func portMappings(s task.Spec, p task.Placement) []mesos.NetworkInfo_PortMapping {
	if !s.Mapped() {
		return nil
	}
	var mappings []mesos.NetworkInfo_PortMapping
	for i, port := range s.Ports {
		if port.NoHost {
			continue
		}
		mappings = append(mappings, mesos.NetworkInfo_PortMapping{
			HostPort:      uint32(p.HostPorts[i]),
			ContainerPort: innerPort(s, p, i),
			Protocol:      proto.String(cmp.Or(port.Protocol, "tcp")),
		})
	}
	return mappings
}

// innerPort returns the number of the i-th port inside the network of the task: the container port where ports are
// mapped, and the host port elsewhere.
func innerPort(s task.Spec, p task.Placement, i int) uint32 {
	if s.Mapped() && s.Ports[i].Container != 0 {
		return uint32(s.Ports[i].Container)
	}
	return uint32(p.HostPorts[i])
}

// outerPort returns the number at which others reach the i-th port: the host port, or without one the container port, at the
// address of the container.
func outerPort(s task.Spec, p task.Placement, i int) uint32 {
	if s.Ports[i].NoHost {
		return innerPort(s, p, i)
	}
	return uint32(p.HostPorts[i])
}

// volumes returns all volumes but tmpfs, which are mounted by a parameter of docker run. Paths below the sandbox are in
// host_path, too, except in pods: both containerizers support this, while Docker's ignores the newer SANDBOX_PATH.
func volumes(s task.Spec) []mesos.Volume {
	var all []mesos.Volume
	for _, v := range s.Container.Volumes {
		info := mesos.Volume{ContainerPath: v.Path, Mode: mesos.RW.Enum()}
		if v.ReadOnly {
			info.Mode = mesos.RO.Enum()
		}
		switch {
		case v.Tmpfs != 0:
			continue
		case v.HostPath != "":
			info.HostPath = proto.String(v.HostPath)
		case v.SandboxPath != "" && s.Pod != "":
			info.Source = &mesos.Volume_Source{
				Type:        mesos.Volume_Source_SANDBOX_PATH,
				SandboxPath: &mesos.Volume_Source_SandboxPath{Type: mesos.Volume_Source_SandboxPath_PARENT, Path: v.SandboxPath},
			}
		case v.SandboxPath != "":
			info.HostPath = proto.String(v.SandboxPath)
		case v.Secret != nil:
			info.Source = &mesos.Volume_Source{Type: mesos.Volume_Source_SECRET, Secret: secret(*v.Secret)}
		}
		all = append(all, info)
	}
	return all
}
