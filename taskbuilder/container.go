package taskbuilder

import (
	"cmp"

	"github.com/gogo/protobuf/proto"
	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// container gives nil for a plain command.
func container(s task.Spec, p task.Placement) *mesos.ContainerInfo {
	if s.Container == nil {
		return nil
	}
	docker := &mesos.ContainerInfo_DockerInfo{
		Image:          s.Container.Image,
		ForcePullImage: proto.Bool(s.Container.ForcePull),
		PortMappings:   portMappings(s, p),
	}
	for _, each := range s.Container.Parameters {
		docker.Parameters = append(docker.Parameters, mesos.Parameter{Key: each.Key, Value: each.Value})
	}
	info := &mesos.ContainerInfo{Type: mesos.ContainerInfo_DOCKER.Enum(), Docker: docker}
	switch network := s.Container.Network; network {
	case "", task.Bridge:
		docker.Network = mesos.ContainerInfo_DockerInfo_BRIDGE.Enum()
	case task.Host:
		docker.Network = mesos.ContainerInfo_DockerInfo_HOST.Enum()
	default: // the agent passes the name to docker run
		docker.Network = mesos.ContainerInfo_DockerInfo_USER.Enum()
		info.NetworkInfos = []mesos.NetworkInfo{{Name: proto.String(string(network))}}
	}
	return info
}

// mapped tells whether the task has ports of its own, apart from those of the host. Mesos fails
// containers that have mappings on the host's network.
func mapped(s task.Spec) bool { return s.Container != nil && s.Container.Network != task.Host }

func portMappings(s task.Spec, p task.Placement) []mesos.ContainerInfo_DockerInfo_PortMapping {
	if !mapped(s) {
		return nil
	}
	var mappings []mesos.ContainerInfo_DockerInfo_PortMapping
	for i, port := range s.Ports {
		mappings = append(mappings, mesos.ContainerInfo_DockerInfo_PortMapping{
			HostPort:      uint32(p.HostPorts[i]),
			ContainerPort: innerPort(s, p, i),
			Protocol:      proto.String(cmp.Or(port.Protocol, "tcp")),
		})
	}
	return mappings
}

// innerPort is the port with this index as the task itself sees it.
func innerPort(s task.Spec, p task.Placement, i int) uint32 {
	if mapped(s) && s.Ports[i].Container != 0 {
		return uint32(s.Ports[i].Container)
	}
	return uint32(p.HostPorts[i])
}
