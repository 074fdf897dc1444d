package invoker

import "time"

// remove has a container destroyed. Its memory counts until that is certain.
func (m *machine) remove(now time.Time, c *container, reason string) {
	m.revokeAll(now, c, reason)
	c.state, c.reason, c.failures, c.resumeWanted = StateRemoving, reason, 0, false
	if c.agent != nil {
		c.agent.removing += c.shape.Memory
	}
	m.room.removing += c.shape.Memory
	m.reindex(c)
	m.guardAbandoned(now, c)
	m.notify(now, EventRemoving, c, reason)
	m.destroy(c)
}

func (m *machine) destroy(c *container) {
	c.until = time.Time{} // until the answer is there
	m.emit(destroy{id: c.id})
}

// destroyed takes that a container is gone, or that this is not certain: it is then tried again, for ever.
func (m *machine) destroyed(now time.Time, in destroyed) {
	c := m.containers[in.id]
	switch {
	case c == nil || c.state == StateCreating:
		return
	case in.err == nil: // perhaps an earlier run has wanted it
		m.gone(now, c, c.reason)
		return
	case c.state != StateRemoving:
		return
	}
	c.until = now.Add(retryDelay(c.failures))
	c.failures++
	m.arm(c)
}

// gone forgets a container that certainly does not run any more.
func (m *machine) gone(now time.Time, c *container, reason string) {
	m.revokeAll(now, c, reason)
	a, k := c.agent, c.key
	m.room.removing -= c.removing()
	if a != nil {
		a.removing -= c.removing()
		a.remove(c)
		m.room.forget()
	}
	c.state = StateGone
	m.reindex(c)
	m.guardAbandoned(now, c)
	m.timers.remove(c)
	m.unplan(c)
	m.used -= c.shape.Memory
	c.shape.containers--
	delete(m.containers, c.id)
	if m.addresses[c.instance.Address] == c {
		delete(m.addresses, c.instance.Address)
	}
	m.notify(now, EventGone, c, reason)
	if c.recorded {
		m.emit(forget{id: c.id})
	}
	if k != nil {
		k.bound--
		m.tidyKey(k)
	}
	m.tidyShape(c.shape)
	if c.sweeping {
		m.sweepNext(now, a)
	}
	if a != nil {
		m.tidyAgent(a)
	}
	m.unsettled = true
}

// removing returns how many MiB the removal of the container sets free soon.
func (c *container) removing() int {
	if c.state == StateRemoving {
		return c.shape.Memory
	}
	return 0
}

// revokeAll tells those who hold a container that they do not any more.
func (m *machine) revokeAll(now time.Time, c *container, reason string) {
	for _, s := range c.slots {
		m.emit(revoke{session: s.session, grant: GrantID{Container: c.id, Number: s.number}, address: c.instance.Address})
	}
	remote := c.remote()
	c.slots = c.slots[:0]
	if remote {
		m.notify(now, EventRevoked, c, reason)
	}
}
