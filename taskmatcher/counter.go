package taskmatcher

import "github.com/mesos-actor/mesos-actor-go/task"

// counter counts the tasks of a group by the values of an attribute: those that run and those placed in the cycle.
type counter struct {
	attribute *attribute
	tasks     []int64 // by value
	total     int64
	// For GROUP_BY.
	known     int   // how many values are known, see recount
	least     int64 // the fewest tasks that a known value has
	withLeast int   // how many known values have that few
	recounts  int   // how often least rose
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
	c.recount()
	return c
}

// grow extends tasks to all values that the attribute has.
func (c *counter) grow() {
	if missing := len(c.attribute.values) - len(c.tasks); missing > 0 {
		c.tasks = append(c.tasks, make([]int64, missing)...)
	}
}

// recount determines known, least and withLeast. A value is known if a candidate has it or a task of the group runs on
// an agent with it. Other values come from running tasks of other groups.
func (c *counter) recount() {
	c.known, c.withLeast = 0, 0
	for v, tasks := range c.tasks {
		if int32(v) >= c.attribute.offeredValues && tasks == 0 {
			continue
		}
		c.known++
		if c.withLeast == 0 || tasks < c.least {
			c.least, c.withLeast = tasks, 0
		}
		if tasks == c.least {
			c.withLeast++
		}
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
	if c.tasks[v] != c.least+1 {
		return
	}
	if c.withLeast--; c.withLeast == 0 {
		c.recounts++
		c.recount()
	}
}
