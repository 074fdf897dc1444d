package invoker

import "time"

// reindex moves a container to the list where it is looked for, and corrects the counts that it is part of. It has to be called
// after each change of a container.
func (m *machine) reindex(c *container) {
	if l := c.list(); l != c.inList {
		if c.inList != nil {
			m.countRemote(c, -1)
			c.inList.remove(c)
		}
		if l != nil {
			l.pushFront(c)
			m.countRemote(c, 1)
		}
	}
	m.indexVictim(c)
	s := c.shape
	if cell := c.state == StateStem && c.inList != nil; cell != c.countedStem {
		c.countedStem = cell
		s.ready += change(cell)
		m.unsettled = true
	}
	if starting := c.starting(); starting != c.countedStarting {
		c.countedStarting = starting
		s.starting += change(starting)
		m.starting += change(starting)
		m.updateLack(s)
		m.unsettled = true
	}
	if coming := c.slotsComing(); coming != c.coming {
		if coming < c.coming && c.state != StateIdle {
			m.resupply = append(m.resupply, c.key)
		}
		c.key.coming += coming - c.coming
		c.coming = coming
		m.updateNeed(c.key)
		m.unsettled = true
	}
	if c.reserved && (c.state == StateMarked || c.state == StateRemoving || c.state == StateGone) {
		m.unreserve(c)
		m.keepReserved(c.key)
	}
}

// countRemote counts the memory of containers that other processes hold.
func (m *machine) countRemote(c *container, n int) {
	switch {
	case c.key == nil:
	case c.inList == &c.key.remote:
		m.room.remote += n * c.shape.Memory
	case c.inList == &c.key.recalled:
		m.room.recalled += n * c.shape.Memory
	}
}

// change returns by how much a count changes.
func change(up bool) int {
	if up {
		return 1
	}
	return -1
}

// arm has the machine look at a container when something about it comes due. What comes due later than it did is noticed then.
func (m *machine) arm(c *container) {
	if at := m.due(c); !at.IsZero() && (c.timerPosition == 0 || at.Before(c.timer)) {
		c.timer = at
		m.timers.put(c)
	}
}

// due returns when something about a container comes due; the zero time: nothing does before it changes.
func (m *machine) due(c *container) time.Time {
	switch c.state {
	case StateStem:
		return c.until
	case StateIdle, StateSuspended:
		return m.idleDue(c)
	case StateMarked:
		if c.agent.sweeps < maxSweeps {
			return c.until
		}
	case StateRemoving:
		return c.until
	case StateBusy:
		if c.quarantined {
			return c.until
		}
	}
	return time.Time{}
}

// fire does what has come due about a container.
func (m *machine) fire(now time.Time, c *container) {
	switch c.state {
	case StateStem:
		m.ping(c)
	case StateIdle, StateSuspended:
		m.idleTimedOut(now, c)
	case StateMarked:
		m.sweep(now, c)
	case StateRemoving:
		m.destroy(c)
	case StateBusy:
		m.endQuarantine(now, c)
	}
	m.arm(c)
}
