package scheduler

import (
	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

// usable reports whether a matcher may give a resource to a task. What it may not, such as what is reserved for another
// framework, does not count where offers are compared.
// Nil: it may give all.
type usable func(*mesos.Resource) bool

func (u usable) counts(r *mesos.Resource) bool { return u == nil || u(r) }

// usableBy returns what a matcher says, or what those of package taskmatcher say by default.
func usableBy(m TaskMatcher) usable {
	if m, says := m.(interface{ Usable(*mesos.Resource) bool }); says {
		return m.Usable
	}
	return taskmatcher.Options{}.Usable
}
