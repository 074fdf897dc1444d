package invoker

import "time"

// idleDue returns when a container that is idle or suspended has to be looked at.
func (m *machine) idleDue(c *container) time.Time {
	if c.unreachable || c.resumeWanted {
		return time.Time{}
	}
	var at time.Time
	if !c.reserved {
		at = c.used.Add(m.keepFor(c))
	}
	if c.state == StateIdle && m.pauses() {
		at = earlier(at, c.used.Add(m.settings.PauseGrace))
	}
	return at
}

// keepFor returns how long an idle container is kept: half as long on an agent that is to become empty.
func (m *machine) keepFor(c *container) time.Duration {
	k := c.key
	if k.keepFor == 0 {
		keep := m.settings.KeepAlive
		if keep == nil {
			keep = KeepByHistogram(m.settings.IdleTimeout)
		}
		k.keepFor = max(keep(IdleTimes{&k.idle}), 1)
	}
	if c.agent.emptying {
		return k.keepFor / 2
	}
	return k.keepFor
}

// pauses reports whether idle containers are suspended.
func (m *machine) pauses() bool { return m.settings.canSuspend && m.settings.PauseGrace >= 0 }

// markIfDraining marks a container that nobody needs at the moment, if its agent is drained.
func (m *machine) markIfDraining(now time.Time, c *container) {
	if c.state != StateIdle && c.state != StateStem {
		return
	}
	if c.draining() {
		m.mark(now, c, "its agent is drained", now)
	}
}

// idleTimedOut marks a container that has been idle for as long as it is kept, and suspends one that has been for PauseGrace.
func (m *machine) idleTimedOut(now time.Time, c *container) {
	if !c.reserved && !now.Before(c.used.Add(m.keepFor(c))) {
		m.mark(now, c, "nobody has used it", now.Add(m.grace()))
		return
	}
	c.state, c.suspending = StateSuspended, true
	m.reindex(c)
	m.emit(suspend{id: c.id})
}

// suspended takes that a container is frozen, or that it is not known whether it is.
func (m *machine) suspended(now time.Time, in suspended) {
	c := m.containers[in.id]
	if c == nil || c.state == StateRemoving {
		return
	}
	c.suspending = false
	if in.err != nil {
		m.remove(now, c, "it could not be suspended: "+in.err.Error())
		return
	}
	m.notify(now, EventSuspended, c, "")
	if c.resumeWanted {
		c.resumeWanted = false
		m.beginResume(c)
		return
	}
	m.arm(c)
}

// resume has a container that is suspended, or about to be, be usable again.
func (m *machine) resume(c *container) {
	if c.suspending {
		c.resumeWanted = true // the engine has not answered suspend yet
		m.reindex(c)
		return
	}
	m.beginResume(c)
}

func (m *machine) beginResume(c *container) {
	c.state = StateResuming
	m.reindex(c)
	m.emit(resume{id: c.id})
}

// resumed takes that a container runs again, or that it is not known whether it does.
func (m *machine) resumed(now time.Time, in resumed) {
	c := m.containers[in.id]
	if c == nil || c.state != StateResuming {
		return
	}
	if in.err != nil {
		m.remove(now, c, "it could not be resumed: "+in.err.Error())
		return
	}
	m.becomeIdle(now, c, EventResumed)
}
