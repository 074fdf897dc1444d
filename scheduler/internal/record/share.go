package record

import (
	"maps"
	"reflect"
	"sync"

	"github.com/mesos-actor/mesos-actor-go/internal/taskclass"
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

// classesKnown is of how many classes a spec is remembered, for others to share its parts.
const classesKnown = 4096

// classes has a spec of each class. It is safe for concurrent use.
type classes struct {
	mu    sync.Mutex
	known map[string]*task.Spec
}

// share makes a spec use the parts of another one of its class.
func (c *classes) share(s *task.Spec) {
	key := taskclass.AppendKey(make([]byte, 0, 256), s)
	if like := c.like(key, s); like != s {
		Share(s, like)
	}
}

// like returns the spec of a class, which is s if there was none.
func (c *classes) like(key []byte, s *task.Spec) *task.Spec {
	c.mu.Lock()
	defer c.mu.Unlock()
	if like := c.known[string(key)]; like != nil {
		return like
	}
	if c.known == nil || len(c.known) >= classesKnown { // begin anew: what is forgotten is only shared no longer
		c.known = map[string]*task.Spec{}
	}
	c.known[string(key)] = s
	return s
}
