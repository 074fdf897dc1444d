package invoker

import (
	"cmp"
	"slices"
	"time"
)

// sessionState is another process that holds containers.
type sessionState struct {
	session session
	name    string
	until   time.Time // when it ends, as far as this process can tell, unless it is renewed
}

// session returns the state of a session that is open, or nil.
func (m *machine) session(now time.Time, s session) *sessionState {
	for _, o := range m.sessions {
		if o.session == s && !due(o.until, now) {
			return o
		}
	}
	return nil
}

// epoch identifies the run for others: it is in the upper half of the numbers of grants.
func (m *machine) epoch() uint64 { return uint64(uint32(m.term)) }

// heldBy reports whether a session holds a container by a grant.
func (m *machine) heldBy(s session, l GrantID) bool {
	c := m.containers[l.Container]
	return c != nil && slices.Contains(c.slots, slot{number: l.Number, session: s})
}

// serveSession takes what another process says about its session.
func (m *machine) serveSession(now time.Time, in input) {
	m.expireSessions(now)
	switch in := in.(type) {
	case opened:
		s := m.session(now, in.session)
		if s == nil {
			s = &sessionState{session: in.session}
			m.sessions = append(m.sessions, s)
		}
		s.name, s.until = in.name, now.Add(in.ttl+sessionMargin)
	case declared:
		if !m.listed {
			m.declareLater(in)
			return
		}
		for _, l := range in.grants {
			if !m.declare(now, in, l) {
				m.emit(revoke{session: in.session, grant: l})
			} else if slices.Contains(in.initialised, l) {
				m.initialised(now, l)
			}
		}
	case closed:
		m.endSession(now, in.session, false)
	}
}

// declareLater keeps what a process holds until it is known which containers there are: what it has said last.
func (m *machine) declareLater(in declared) {
	if len(in.grants) > 0 {
		m.forgetEarly(in.session)
		m.early = append(m.early, in)
	}
}

func (m *machine) forgetEarly(s session) {
	m.early = slices.DeleteFunc(m.early, func(d declared) bool { return d.session == s })
}

// declare lets a process that held a container before this run go on, and reports whether it may.
func (m *machine) declare(now time.Time, in declared, l GrantID) bool {
	c, s := m.containers[l.Container], in.session
	if m.heldBy(s, l) {
		return true
	}
	if c == nil || s != 0 && m.session(now, s) == nil || l.Epoch() >= m.epoch() {
		return false
	}
	more := s == 0 && c.adopted && c.held() && !c.remote() && len(c.slots) < c.key.Concurrency
	if !c.undeclared && !more || c.key.private() && c.key.Namespace != in.namespace {
		return false
	}
	c.quarantined, c.undeclared, c.until = false, false, time.Time{}
	c.slots = append(c.slots, slot{number: l.Number, session: s})
	m.reindex(c)
	if s != 0 {
		m.notify(now, EventGranted, c, "declared by its holder")
	}
	return true
}

// expireSessions ends the sessions that were not renewed in time.
func (m *machine) expireSessions(now time.Time) {
	for i := 0; i < len(m.sessions); {
		if s := m.sessions[i]; due(s.until, now) {
			m.endSession(now, s.session, true)
		} else {
			i++
		}
	}
}

// endSession takes all containers from a process. One that is lost may have left them running what it sent before its session ended.
func (m *machine) endSession(now time.Time, s session, lost bool) {
	m.sessions = slices.DeleteFunc(m.sessions, func(o *sessionState) bool { return o.session == s })
	m.forgetEarly(s)
	for w := m.queue.head; w != nil; {
		next := m.queue.next(w)
		if w.session == s {
			m.refuseWaiter(w, ErrSession)
		}
		w = next
	}
	for _, c := range m.inOrder() {
		if len(c.slots) == 0 || c.slots[0].session != s {
			continue
		}
		const reason = "the session of its holder has ended"
		m.revokeAll(now, c, reason)
		switch {
		case !c.initialised:
			m.remove(now, c, "it may have been initialised")
		case lost && !c.retired:
			m.quarantine(c, now.Add(c.key.timeout))
		default:
			c.used = now
			m.vacated(now, c)
		}
	}
	m.unsettled = true
}

// quarantine keeps a container from being used until whatever it may be running is over.
func (m *machine) quarantine(c *container, until time.Time) {
	c.state, c.quarantined, c.until, c.recalled = StateBusy, true, until, false
	m.reindex(c)
	m.arm(c)
}

// endQuarantine has a container be used again. One that nobody has declared is quarantined once more, for the time limit of its
// action: its holder is dead, and may have left an activation running.
func (m *machine) endQuarantine(now time.Time, c *container) {
	if !c.initialised {
		m.remove(now, c, "it may have been initialised")
		return
	}
	if c.undeclared {
		c.undeclared = false
		m.quarantine(c, now.Add(c.key.timeout))
		return
	}
	c.quarantined, c.adopted, c.until, c.used = false, false, time.Time{}, now
	m.vacated(now, c)
}

// inOrder returns all containers in the order in which they became known.
func (m *machine) inOrder() []*container {
	all := make([]*container, 0, len(m.containers))
	for _, c := range m.containers {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *container) int { return cmp.Compare(a.serial, b.serial) })
	return all
}
