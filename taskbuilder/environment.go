package taskbuilder

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gogo/protobuf/proto"
	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// environment returns the variables of a task, sorted by name. Variables of the user override those of the placement.
func environment(s task.Spec, p task.Placement) *mesos.Environment {
	values := placementVariables(s, p)
	maps.Copy(values, s.Command.Env)
	all := plainVariables(values)
	for _, name := range slices.Sorted(maps.Keys(s.Command.Secrets)) {
		all = slices.DeleteFunc(all, func(v mesos.Environment_Variable) bool { return v.Name == name })
		all = append(all, mesos.Environment_Variable{
			Name: name, Type: mesos.Environment_Variable_SECRET.Enum(), Secret: secret(s.Command.Secrets[name]),
		})
	}
	if len(all) == 0 {
		return nil
	}
	slices.SortFunc(all, func(a, b mesos.Environment_Variable) int { return strings.Compare(a.Name, b.Name) })
	return &mesos.Environment{Variables: all}
}

func plainVariables(values map[string]string) []mesos.Environment_Variable {
	all := make([]mesos.Environment_Variable, 0, len(values))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		all = append(all, mesos.Environment_Variable{Name: name, Value: proto.String(values[name])})
	}
	return all
}

// placementVariables returns the hostname and the ports as variables, with the names and values that Marathon uses. They are
// host ports even where these are mapped: a task knows its container ports, but not the ports at which others reach it.
func placementVariables(s task.Spec, p task.Placement) map[string]string {
	values := map[string]string{}
	if p.Hostname != "" {
		values["HOST"] = p.Hostname
	}
	ports := make([]string, len(s.Ports))
	for i, port := range s.Ports {
		ports[i] = strconv.Itoa(int(outerPort(s, p, i)))
		values["PORT"+strconv.Itoa(i)] = ports[i]
		values["PORT_"+strconv.Itoa(int(innerPort(s, p, i)))] = ports[i]
		if port.Name != "" {
			// Marathon keeps the dash, but shells cannot read a variable with a dash in its name.
			values["PORT_"+strings.ReplaceAll(strings.ToUpper(port.Name), "-", "_")] = ports[i]
		}
	}
	if len(ports) > 0 {
		values["PORT"], values["PORTS"] = ports[0], strings.Join(ports, ",")
	}
	return values
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
