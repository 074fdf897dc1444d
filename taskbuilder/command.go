package taskbuilder

import (
	"slices"

	"github.com/gogo/protobuf/proto"
	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// command is never nil: a master wants a command or an executor for every task. Shell is always
// set, since leaving it out means true.
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
		c.Arguments = argv // the entry point of the image takes them all
	case len(argv) > 0:
		c.Value = proto.String(argv[0])
		c.Arguments = argv // as for execlp, the first one is the program's name once more
	}
	return c
}

// uris sets every flag, since leaving out extract means true.
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
