package scheduler

import (
	"maps"
	"reflect"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// class is what tasks have in common that are alike to a matcher, see [task.Spec.Class]. It is kept as
// long as one of them is on record.
type class struct {
	key     string
	spec    *task.Spec // of the first of them
	group   *group
	tasks   int // on record
	pending int
	// findings are what the last cycles said of them, the oldest first, while one of them is pending.
	findings []Finding
}

// count counts n more pending tasks, or fewer, and reports whether the first one came or the last one went.
func (c *class) count(n int) bool {
	before := c.pending
	if c.pending += n; c.pending == 0 {
		c.findings = nil
	}
	return before == 0 || c.pending == 0
}

// find adds what a cycle said of a task of the class, the first one counts. There are up to limit findings.
func (c *class) addFinding(f Finding, limit int) {
	if n := len(c.findings); n > 0 && c.findings[n-1].cycle == f.cycle {
		return
	}
	if extra := len(c.findings) + 1 - limit; extra > 0 {
		c.findings = append(c.findings[:0], c.findings[extra:]...)
	}
	c.findings = append(c.findings, f)
}

// share lets a spec use the parts of another one of its class that are equal: they are most of what a task keeps
// in memory. Nobody changes the spec of a task that is on record.
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
