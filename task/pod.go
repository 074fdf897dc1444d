package task

import (
	"errors"
	"fmt"
)

// ValidatePod checks the members of a pod against each other. It returns nil, or all violations joined, each a
// [*FieldError]. Each member must have passed [Spec.Validate].
//
// All members have the same Pod, RequestID, Role, Group, Revocable and network. The network is that of the pod: the members
// share its address, reach each other at 127.0.0.1, and must not listen on the same port.
func ValidatePod(members []Spec) error {
	var v violations
	if len(members) == 0 {
		// A master would allocate the executor's resources, run nothing, and never free them.
		v.add("Pod", 0, "must have members")
		return errors.Join(v...)
	}
	type listener struct {
		port uint16
		udp  bool
	}
	first, ids, listeners := members[0], map[string]bool{}, map[listener]bool{}
	for i, s := range members {
		at := fmt.Sprintf("Pod[%d].", i)
		if s.Pod == "" || s.Pod != first.Pod {
			v.add(at+"Pod", s.Pod, "must be the name of the pod, the same for all members")
		}
		if s.RequestID != first.RequestID {
			v.add(at+"RequestID", s.RequestID, "must be the same for all members: they are submitted together")
		}
		if s.Role != first.Role {
			v.add(at+"Role", s.Role, "must be the same for all members")
		}
		if s.Group != first.Group {
			v.add(at+"Group", s.Group, "must be the same for all members: a pod counts as one")
		}
		if s.Revocable != first.Revocable {
			v.add(at+"Revocable", s.Revocable, "must be the same for all members")
		}
		if network := s.Container.Attached(); network != first.Container.Attached() {
			v.add(at+"Container.Network", string(network), "must be the same for all members: they share it")
		}
		if ids[s.ID] || s.ID == s.Pod {
			v.add(at+"ID", s.ID, "must be unique among the members, and not the name of the pod")
		}
		ids[s.ID] = true
		for j, p := range s.Ports {
			l := listener{port: p.Container, udp: p.Protocol == "udp"}
			if p.Container != 0 && listeners[l] {
				v.add(fmt.Sprintf("%sPorts[%d].Container", at, j), p.Container, "must be unique among the members: they share the network")
			}
			listeners[l] = true
		}
	}
	return errors.Join(v...)
}
