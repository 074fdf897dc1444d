package scheduler

import (
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// class is a set of tasks that are alike to a matcher, see [task.Demand]. It is kept as long as one of them is on
// record.
type class struct {
	key      string
	spec     *task.Spec // like that of the first task, without ID
	bases    record.Bases
	group    *group
	tasks    int // on record
	pending  int
	groupsBy bool // GROUP_BY is among its constraints or preferences
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
