package record

import (
	"maps"
	"reflect"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// Share makes a spec use those parts of another spec of its class that are equal, since they are most of the memory
// that a task takes. Neither may be changed afterwards.
func Share(s, like *task.Spec) {
	s.Role, s.Group = like.Role, like.Group
	s.Ports, s.Scalars, s.Constraints, s.Preferences = like.Ports, like.Scalars, like.Constraints, like.Preferences
	sharePart(&s.Container, like.Container)
	sharePart(&s.HealthCheck, like.HealthCheck)
	sharePart(&s.Check, like.Check)
	s.Executor = like.Executor
	sharePart(&s.Limits, like.Limits)
	sharePart(&s.KillPolicy, like.KillPolicy)
	sharePart(&s.Discovery, like.Discovery)
	shareMap(&s.Command.Env, like.Command.Env)
	shareMap(&s.Labels, like.Labels)
}

func sharePart[T any](part **T, like *T) {
	if *part != nil && like != nil && reflect.DeepEqual(*part, like) {
		*part = like
	}
}

func shareMap(part *map[string]string, like map[string]string) {
	if len(*part) > 0 && maps.Equal(*part, like) {
		*part = like
	}
}
