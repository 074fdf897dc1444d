package invoker

import "time"

// A stem cell is pinged each 3 s, and replaced after three pings without answer.
const (
	pingInterval = 3 * time.Second
	maxPings     = 3
)

// startStems starts stem cells, while nobody who waits lacks room, by at most a quarter of the starts.
func (m *machine) startStems(now time.Time) {
	if m.room.scarce || m.engine.paused() || m.store.paused() {
		return
	}
	budget := max(1, m.settings.MaxStarts/4)
	for _, s := range m.shapeOrder {
		budget -= max(0, s.starting-s.need)
	}
	for _, s := range m.shapeOrder {
		if due(s.pause.until, now) {
			s.pause.over(now)
		}
		for budget > 0 && m.starting < m.settings.MaxStarts && !s.pause.paused() && s.ready+max(0, s.starting-s.need) < s.want {
			a, ok := m.place(s.Memory, nil)
			if !ok {
				break
			}
			m.create(now, s, a)
			budget--
		}
	}
}

// stemDue returns when a stem cell has to be looked at: for a ping, or since it is old or not needed.
func (m *machine) stemDue(c *container) time.Time {
	at := c.until
	if ttl := c.shape.cells.TTL; ttl > 0 {
		at = earlier(at, c.created.Add(ttl))
	}
	if c.shape.ready > c.shape.want {
		at = earlier(at, c.used.Add(m.settings.IdleTimeout))
	}
	return at
}

// earlier returns the earlier of two times, the zero time being never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// checkStem replaces a stem cell that is too old, removes one that is not needed, and pings others.
func (m *machine) checkStem(now time.Time, c *container) {
	s := c.shape
	switch {
	case s.cells.TTL > 0 && !now.Before(c.created.Add(s.cells.TTL)):
		m.mark(now, c, "it is old", now.Add(m.grace()))
	case s.ready > s.want && !now.Before(c.used.Add(m.settings.IdleTimeout)):
		m.mark(now, c, "nobody has used it", now.Add(m.grace()))
	case due(c.until, now):
		c.until = time.Time{} // until the answer is there
		m.emit(probe{instance: c.instance, ping: true})
	}
}

// pinged takes the answer of a stem cell.
func (m *machine) pinged(now time.Time, c *container, err error) {
	c.until = now.Add(pingInterval)
	if err == nil {
		c.failures = 0
	} else if c.failures++; c.failures >= maxPings {
		m.remove(now, c, "it does not answer: "+err.Error())
		return
	}
	m.arm(c)
}
