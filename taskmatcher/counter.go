package taskmatcher

import "github.com/mesos-actor/mesos-actor-go/task"

// counter counts the tasks of a group by the values of an attribute.
type counter struct {
	attribute *attribute
	tasks     []int64 // by value
	total     int64
	// What GROUP_BY asks: how many values are known, the fewest tasks that one of them has,
	// how many have that few, and how often the fewest became more.
	known  int
	least  int64
	lowest int
	rises  int
}

// newCounter counts the running tasks of a group.
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
	c.settle()
	return c
}

func (c *counter) grow() {
	if missing := len(c.attribute.values) - len(c.tasks); missing > 0 {
		c.tasks = append(c.tasks, make([]int64, missing)...)
	}
}

// settle finds the values with the fewest tasks. Values of agents that offer nothing and where no task of
// the group runs are not known.
func (c *counter) settle() {
	c.known, c.lowest = 0, 0
	for v, tasks := range c.tasks {
		if int32(v) >= c.attribute.offered && tasks == 0 {
			continue
		}
		c.known++
		if c.lowest == 0 || tasks < c.least {
			c.least, c.lowest = tasks, 0
		}
		if tasks == c.least {
			c.lowest++
		}
	}
}

// add counts one more task in a room.
func (c *counter) add(at int32) {
	v := c.attribute.rooms[at]
	if v < 0 {
		return
	}
	c.tasks[v]++
	c.total++
	if c.tasks[v] != c.least+1 {
		return
	}
	if c.lowest--; c.lowest == 0 {
		c.rises++
		c.settle()
	}
}
