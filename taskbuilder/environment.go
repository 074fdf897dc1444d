package taskbuilder

import (
	"slices"
	"strconv"
	"strings"

	"github.com/gogo/protobuf/proto"
	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// environment returns the variables of a task, sorted by name. Variables of the user override those of the placement, and secrets
// override both.
func environment(s task.Spec, p task.Placement) *mesos.Environment {
	all := appendPlain(placementVariables(s, p), s.Command.Env)
	for name, each := range s.Command.Secrets {
		all = append(all, mesos.Environment_Variable{Name: name, Type: mesos.Environment_Variable_SECRET.Enum(), Secret: secret(each)})
	}
	if len(all) == 0 {
		return nil
	}
	return &mesos.Environment{Variables: sorted(all)}
}

// appendPlain appends variables in any order.
func appendPlain(all []mesos.Environment_Variable, values map[string]string) []mesos.Environment_Variable {
	all = slices.Grow(all, len(values))
	for name, value := range values {
		all = append(all, plain(name, value))
	}
	return all
}

func plain(name, value string) mesos.Environment_Variable {
	return mesos.Environment_Variable{Name: name, Value: proto.String(value)}
}

// sorted returns variables sorted by name, and the last one of each name.
func sorted(all []mesos.Environment_Variable) []mesos.Environment_Variable {
	if len(all) < 2 {
		return all
	}
	slices.SortStableFunc(all, func(a, b mesos.Environment_Variable) int { return strings.Compare(a.Name, b.Name) })
	last := all[:0]
	for i, v := range all {
		if i+1 == len(all) || all[i+1].Name != v.Name {
			last = append(last, v)
		}
	}
	return last
}

// placementVariables returns the hostname and the ports as variables, with the names and values that Marathon uses; of a name that comes
// twice the last one counts. They are host ports even where these are mapped: a task knows its container ports, but not the ports at which
// others reach it.
func placementVariables(s task.Spec, p task.Placement) []mesos.Environment_Variable {
	var all []mesos.Environment_Variable
	if p.Hostname != "" {
		all = append(all, plain("HOST", p.Hostname))
	}
	if len(s.Ports) == 0 {
		return all
	}
	ports := make([]string, len(s.Ports))
	for i, port := range s.Ports {
		ports[i] = strconv.Itoa(int(outerPort(s, p, i)))
		all = append(all, plain("PORT"+strconv.Itoa(i), ports[i]), plain("PORT_"+strconv.Itoa(int(innerPort(s, p, i))), ports[i]))
		if port.Name != "" {
			// Marathon keeps the dash, but shells cannot read a variable with a dash in its name.
			all = append(all, plain("PORT_"+strings.ReplaceAll(strings.ToUpper(port.Name), "-", "_"), ports[i]))
		}
	}
	return append(all, plain("PORT", ports[0]), plain("PORTS", strings.Join(ports, ",")))
}

func secret(s task.Secret) *mesos.Secret {
	if s.Value != nil {
		return &mesos.Secret{Type: mesos.Secret_VALUE, Value: &mesos.Secret_Value{Data: s.Value}}
	}
	reference := &mesos.Secret_Reference{Name: s.Name}
	if s.Key != "" {
		reference.Key = proto.String(s.Key)
	}
	return &mesos.Secret{Type: mesos.Secret_REFERENCE, Reference: reference}
}
