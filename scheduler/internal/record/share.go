package record

import (
	"sync"

	"github.com/mesos-actor/mesos-actor-go/internal/taskclass"
	"github.com/mesos-actor/mesos-actor-go/task"
)

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

// classesKnown is of how many classes specs are remembered, for others to share their parts.
const classesKnown = 4096

// classes has the bases of each class. It is safe for concurrent use.
type classes struct {
	mu    sync.Mutex
	known map[string]*Bases
}

// share returns a spec that shares what it can with others of its class.
func (c *classes) share(s task.Spec) Spec {
	key := taskclass.AppendKey(make([]byte, 0, 256), &s)
	c.mu.Lock()
	defer c.mu.Unlock()
	bases := c.known[string(key)]
	if bases == nil {
		if c.known == nil || len(c.known) >= classesKnown { // begin anew: what is forgotten is only shared no longer
			c.known = map[string]*Bases{}
		}
		bases = &Bases{}
		c.known[string(key)] = bases
	}
	return bases.Share(NewSpec(s))
}
