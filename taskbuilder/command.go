package taskbuilder

import (
	"slices"

	"github.com/gogo/protobuf/proto"
	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// command never returns nil, since a master demands a command or an executor for each task. Shell is always set, since
// its default is true.
func command(s task.Spec, p task.Placement) *mesos.CommandInfo {
	c := &mesos.CommandInfo{
		URIs:        uris(s.Command.URIs),
		Environment: environment(s, p),
		Shell:       proto.Bool(s.Command.Shell != ""),
	}
	if s.Command.User != "" {
		c.User = proto.String(s.Command.User)
	}
	switch argv := slices.Clone(s.Command.Argv); {
	case s.Command.Shell != "":
		c.Value = proto.String(s.Command.Shell)
	case s.Container != nil && s.Container.Image != "":
		c.Arguments = argv // all are arguments of the image's entry point
	case len(argv) > 0:
		c.Value = proto.String(argv[0])
		c.Arguments = argv // as for execlp, the first argument is the name of the program
	}
	return c
}

// uris sets all flags, since the default of extract is true.
func uris(all []task.URI) []mesos.CommandInfo_URI {
	var infos []mesos.CommandInfo_URI
	for _, u := range all {
		info := mesos.CommandInfo_URI{
			Value:      u.Value,
			Extract:    proto.Bool(u.Extract),
			Executable: proto.Bool(u.Executable),
			Cache:      proto.Bool(u.Cache),
		}
		if u.OutputFile != "" {
			info.OutputFile = proto.String(u.OutputFile)
		}
		infos = append(infos, info)
	}
	return infos
}
