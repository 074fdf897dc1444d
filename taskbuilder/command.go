package taskbuilder

import (
	"maps"
	"slices"

	"github.com/gogo/protobuf/proto"
	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// command is never nil: a master wants a command or an executor for every task. Shell is always
// set, since leaving it out means true.
func command(s task.Spec) *mesos.CommandInfo {
	c := &mesos.CommandInfo{
		URIs:        uris(s.Command.URIs),
		Environment: environment(s.Command.Env),
		Shell:       proto.Bool(s.Command.Shell != ""),
	}
	if s.Command.User != "" {
		c.User = proto.String(s.Command.User)
	}
	switch argv := slices.Clone(s.Command.Argv); {
	case s.Command.Shell != "":
		c.Value = proto.String(s.Command.Shell)
	case s.Container != nil:
		c.Arguments = argv // the entry point of the image takes them all
	case len(argv) > 0:
		c.Value = proto.String(argv[0])
		c.Arguments = argv // as for execlp, the first one is the program's name once more
	}
	return c
}

func environment(env map[string]string) *mesos.Environment {
	if len(env) == 0 {
		return nil
	}
	all := make([]mesos.Environment_Variable, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		all = append(all, mesos.Environment_Variable{Name: name, Value: proto.String(env[name])})
	}
	return &mesos.Environment{Variables: all}
}

// uris sets every flag, since leaving out extract means true.
func uris(all []task.URI) []mesos.CommandInfo_URI {
	var infos []mesos.CommandInfo_URI
	for _, u := range all {
		infos = append(infos, mesos.CommandInfo_URI{
			Value:      u.Value,
			Extract:    proto.Bool(u.Extract),
			Executable: proto.Bool(u.Executable),
			Cache:      proto.Bool(u.Cache),
		})
	}
	return infos
}
