package scheduler

import (
	"maps"
	"reflect"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// class is a set of tasks that are alike to a matcher, see [task.Spec.Class]. It is kept as long as one of them is on
// record.
type class struct {
	key     string
	spec    *task.Spec // of the first task
	group   *group
	tasks   int // on record
	pending int
	// findings are those of the last cycles, the oldest first. There are none while no task is pending.
	findings []Finding
}

// join sets the group of the class.
func (c *class) join(g *group) { c.group = g }

// enter counts a task that is put on record.
func (c *class) enter() { c.tasks++ }

// leave uncounts a task that is no longer on record, and reports whether it was the last one.
func (c *class) leave() (last bool) {
	c.tasks--
	return c.tasks == 0
}

// count adds n to the number of pending tasks, and reports whether there were none before or are none now.
func (c *class) count(n int) bool {
	before := c.pending
	if c.pending += n; c.pending == 0 {
		c.findings = nil
	}
	return before == 0 || c.pending == 0
}

// addFinding adds the finding of a cycle. Only the first one of each cycle is kept, and at most limit findings.
func (c *class) addFinding(f Finding, limit int) {
	if n := len(c.findings); n > 0 && c.findings[n-1].cycle == f.cycle {
		return
	}
	if extra := len(c.findings) + 1 - limit; extra > 0 {
		c.findings = append(c.findings[:0], c.findings[extra:]...)
	}
	c.findings = append(c.findings, f)
}

// share makes a spec use those parts of another spec of its class that are equal, since they are most of the memory
// that a task takes. The spec of a task on record is never changed.
func share(s, like *task.Spec) {
	s.Role, s.Group = like.Role, like.Group
	s.Ports, s.Scalars, s.Constraints, s.Preferences = like.Ports, like.Scalars, like.Constraints, like.Preferences
	sharePart(&s.Container, like.Container)
	sharePart(&s.HealthCheck, like.HealthCheck)
	sharePart(&s.Check, like.Check)
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
