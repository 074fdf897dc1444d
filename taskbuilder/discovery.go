package taskbuilder

import (
	"cmp"

	"github.com/gogo/protobuf/proto"
	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

func discovery(s task.Spec, p task.Placement) *mesos.DiscoveryInfo {
	d := s.Discovery
	if d == nil {
		return nil
	}
	optional := func(text string) *string {
		if text == "" {
			return nil
		}
		return proto.String(text)
	}
	info := &mesos.DiscoveryInfo{
		Name:        proto.String(cmp.Or(d.Name, s.Name, s.ID)),
		Environment: optional(d.Environment),
		Location:    optional(d.Location),
		Version:     optional(d.Version),
		Labels:      labels(d.Labels),
	}
	switch d.Visibility {
	case task.VisibilityCluster:
		info.Visibility = mesos.CLUSTER
	case task.VisibilityExternal:
		info.Visibility = mesos.EXTERNAL
	default:
		info.Visibility = mesos.FRAMEWORK
	}
	for i, port := range s.Ports {
		if info.Ports == nil {
			info.Ports = &mesos.Ports{}
		}
		info.Ports.Ports = append(info.Ports.Ports, mesos.Port{
			Number:   outerPort(s, p, i),
			Name:     optional(port.Name),
			Protocol: proto.String(cmp.Or(port.Protocol, "tcp")),
		})
	}
	return info
}
