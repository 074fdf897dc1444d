package invoker

import "time"

// bind makes a stem cell the container of a key, for good: the record is durable before anything is sent to it. The caller for
// whom it is bound goes on waiting for whatever is free first.
func (m *machine) bind(now time.Time, c *container, k *keyState, kind StartKind) {
	if kind == Cold && k.evicted > 0 {
		kind = Recreated
		k.evicted--
	}
	c.key, c.start, c.state = k, kind, StateBinding
	k.bound++
	m.firstUse(now, c.shape, kind)
	m.guardSucceeded(now, &c.shape.guard, c)
	m.guardBegun(now, &k.guard, c)
	c.recorded = true
	m.tidyKey(k)
	m.reindex(c)
	m.reserveContainer(c)
	m.emit(bind{record: c.record(m.term), instance: c.instance})
}

// stored takes that a record is durable, or may not be.
func (m *machine) stored(now time.Time, in stored) {
	c := m.containers[in.id]
	if in.err != nil {
		m.store.failed(now)
	} else {
		m.store.worked()
	}
	if c == nil || c.state != StateBinding {
		return // gone meanwhile
	}
	if in.err != nil { // nobody knows what is on record, and nothing was sent to it
		m.remove(now, c, "its record could not be stored: "+in.err.Error())
		return
	}
	m.becomeIdle(now, c, EventBound)
}

// becomeIdle has a container serve those who wait for its key, from now on.
func (m *machine) becomeIdle(now time.Time, c *container, event EventKind) {
	c.state, c.used = StateIdle, now
	m.reindex(c)
	m.notify(now, event, c, "")
	m.serve(now, c)
	m.markIfDraining(now, c)
	m.arm(c)
}

// initialised takes that /init has succeeded: from now on the container is warm, also for those who come after a crash.
func (m *machine) initialised(now time.Time, l GrantID) {
	c := m.containers[l.Container]
	if c == nil || c.initialised || !c.holds(l.Number) {
		return
	}
	c.initialised = true
	m.reindex(c)
	m.emit(note{record: c.record(m.term)})
	m.serve(now, c)
}

// record returns what is to be stored for a container that is bound.
func (c *container) record(term uint64) record {
	c.limit = c.key.timeout
	return record{
		ID: c.id, Incarnation: c.instance.Incarnation, Key: c.key.Key, Timeout: c.key.timeout, Term: term, Initialised: c.initialised,
	}
}

// holds reports whether there is a grant with this number.
func (c *container) holds(number uint64) bool {
	for _, s := range c.slots {
		if s.number == number {
			return true
		}
	}
	return false
}
