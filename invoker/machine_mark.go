package invoker

import "time"

// maxSweeps is how many containers of an agent are swept at once.
const maxSweeps = 10

// grace returns how long containers are marked: with holders in other processes long enough that their callers may need them.
func (m *machine) grace() time.Duration {
	if len(m.sessions) == 0 {
		return 0
	}
	return m.settings.MarkGrace
}

// mark announces that a container which nobody holds will be removed. Until it is, it can be revived.
func (m *machine) mark(now time.Time, c *container, reason string, sweepAt time.Time) {
	c.was, c.state, c.until, c.reason = c.state, StateMarked, sweepAt, reason
	m.reindex(c)
	m.notify(now, EventMarked, c, reason)
	if at := m.due(c); due(at, now) {
		m.sweep(now, c)
		return
	}
	m.arm(c)
}

// unmark takes a mark back.
func (m *machine) unmark(now time.Time, c *container) {
	c.state, c.until, c.reason, c.used = c.was, time.Time{}, "", now
	if c.state == StateStem {
		c.until = now.Add(pingInterval)
	}
	m.reindex(c)
	m.notify(now, EventRevived, c, "")
	m.arm(c)
}

// revive takes the mark of a container back for those who wait for its key.
func (m *machine) revive(now time.Time, c *container) {
	m.unmark(now, c)
	if c.state == StateSuspended {
		m.resume(c)
		return
	}
	m.serve(now, c)
}

// sweep removes a marked container whose time has come.
func (m *machine) sweep(now time.Time, c *container) {
	c.sweeping = true
	c.agent.sweeps++
	m.remove(now, c, c.reason)
}

// sweepNext takes that a sweep of an agent has ended, and sweeps the next containers there.
func (m *machine) sweepNext(now time.Time, a *agentState) {
	a.sweeps--
	for _, c := range a.containers {
		switch {
		case c.state != StateMarked:
		case due(m.due(c), now):
			m.sweep(now, c)
		default:
			m.arm(c)
		}
	}
}
