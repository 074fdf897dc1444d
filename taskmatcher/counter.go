package taskmatcher

import "github.com/mesos-actor/mesos-actor-go/task"

// counter counts the tasks of a group by the values of an attribute: those that run and those placed in the cycle.
type counter struct {
	attribute *attribute
	tasks     []int64 // by value
	total     int64
	known     int // for GROUP_BY: how many values candidates or tasks of the group have
}

// newCounter returns a counter of the running tasks of a group.
func newCounter(a *attribute, running []task.Presence) *counter {
	c := &counter{attribute: a}
	for i := range running {
		if v := a.number(&running[i].Agent); v >= 0 {
			c.grow()
			n := atMost31Bits(running[i].Tasks)
			c.tasks[v] += n
			c.total += n
		}
	}
	c.grow()
	for v, tasks := range c.tasks {
		if int32(v) < a.candidateValues || tasks > 0 { // other values come from running tasks of other groups
			c.known++
		}
	}
	return c
}

// grow extends tasks to all values that the attribute has.
func (c *counter) grow() {
	if missing := len(c.attribute.values) - len(c.tasks); missing > 0 {
		c.tasks = append(c.tasks, make([]int64, missing)...)
	}
}

// count counts one more task, placed on a candidate.
func (c *counter) count(at int32) {
	v := c.attribute.byCandidate[at]
	if v < 0 {
		return
	}
	c.tasks[v]++
	c.total++
}
