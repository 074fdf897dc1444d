package record

import (
	"github.com/mesos-actor/mesos-actor-go/internal/taskclass"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// classesKnown is of how many classes specs are remembered for others to share.
const classesKnown = 1 << 13

// sharedSpecs makes specs that were decoded share what they can. Its zero value has none.
type sharedSpecs struct {
	classes map[string]*Bases
	key     []byte // scratch space
}

// share returns the spec in the form in which it is kept, without its ID. It does not keep s itself.
func (all *sharedSpecs) share(s *task.Spec) Spec {
	all.key = taskclass.AppendKey(all.key[:0], s)
	bases := all.classes[string(all.key)]
	if bases == nil {
		if all.classes == nil || len(all.classes) >= classesKnown { // begin anew: what is forgotten is only shared no longer
			all.classes = map[string]*Bases{}
		}
		bases = &Bases{}
		all.classes[string(all.key)] = bases
	}
	if shared, found := bases.find(s); found {
		return shared
	}
	return bases.Share(NewSpec(*s))
}

// shareParts makes a spec use those parts of another spec of its class that are equal, since they are most of the memory that it
// takes.
func shareParts(s, like *task.Spec) {
	shareList(&s.Ports, like.Ports)
	shareList(&s.Constraints, like.Constraints)
	shareList(&s.Preferences, like.Preferences)
	sharePart(&s.Executor, like.Executor)
	sharePart(&s.Container, like.Container)
	sharePart(&s.HealthCheck, like.HealthCheck)
	sharePart(&s.Check, like.Check)
	sharePart(&s.Limits, like.Limits)
	sharePart(&s.KillPolicy, like.KillPolicy)
	sharePart(&s.Discovery, like.Discovery)
	shareMap(&s.Scalars, like.Scalars)
	shareMap(&s.Command.Env, like.Command.Env)
	shareMap(&s.Labels, like.Labels)
}

func sharePart[T any](part **T, like *T) {
	if samePart(*part, like) {
		*part = like
	}
}

func shareList[T comparable](part *[]T, like []T) {
	if sameList(*part, like) {
		*part = like
	}
}

func shareMap[T comparable](part *map[string]T, like map[string]T) {
	if sameMap(*part, like) {
		*part = like
	}
}
