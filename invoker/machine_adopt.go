package invoker

import (
	"strconv"
	"time"
)

// listing is what the machine knows of its listings.
type listing struct {
	again    time.Time           // when one is asked for, since the last one failed; zero: not
	failures int                 // in a row
	under    bool                // one is under way
	stale    bool                // changes were missed after it began
	up       map[string]struct{} // the containers that ran when it began
}

// start begins a run.
func (m *machine) start(now time.Time, in start) {
	m.term, m.grants = in.term, in.term<<32
	if stems := in.orders.Stems; stems != nil {
		m.setStemCells(*stems)
	} else {
		m.setStemCells(m.settings.Stems)
	}
	for _, agent := range in.orders.Drained {
		m.drainAgent(now, agent, true)
	}
	m.nextCheck = now.Add(checkEvery)
	m.list(now)
}

// list asks for a listing, unless one is under way: another one follows then.
func (m *machine) list(now time.Time) {
	l := &m.listing
	l.again = time.Time{}
	if l.under {
		l.stale = true
		return
	}
	l.under, l.up = true, map[string]struct{}{}
	for id, c := range m.containers {
		if c.agent != nil {
			l.up[id] = struct{}{}
		}
	}
	m.emit(list{})
}

// takeListing takes all containers that may run. The first listing of a run also has what is on record. Nothing is decided on the
// strength of a listing that failed.
func (m *machine) takeListing(now time.Time, in listed) {
	l := &m.listing
	l.under = false
	if in.err != nil {
		l.again = now.Add(retryDelay(l.failures))
		l.failures++
		return
	}
	l.failures = 0
	if m.listed {
		m.reconcile(now, in.instances)
	} else {
		m.adopt(now, in)
	}
	if l.stale {
		l.stale = false
		m.list(now)
	}
}

// adopt begins with what an earlier run has left.
func (m *machine) adopt(now time.Time, in listed) {
	m.listed, m.unsettled = true, true
	records := map[string]record{}
	for _, r := range in.records {
		records[r.ID] = r
	}
	for _, i := range in.instances {
		if i.Labels[labelOwner] == m.settings.owner && m.containers[i.ID] == nil {
			r, bound := records[i.ID]
			m.adoptOne(now, i, r, bound)
		}
	}
	for _, r := range in.records {
		if m.containers[r.ID] == nil {
			m.emit(forget{id: r.ID})
		}
	}
	for _, d := range m.early {
		m.serveSession(now, d)
	}
	m.early = nil
}

// adoptOne adopts a container. One without record was never initialised: it is a stem cell as soon as it answers, and is destroyed if
// its address is not known yet: nobody tells when it is. One that is bound
// and initialised may be running something. All others are destroyed, since it is not known what was sent to them: after an election
// unless the process that holds it says so.
func (m *machine) adoptOne(now time.Time, i Instance, r record, bound bool) {
	shape, ok := shapeOfLabels(i.Labels)
	c := m.addListed(now, i, shape)
	c.recorded = bound
	switch {
	case !ok:
		m.remove(now, c, "its labels do not say what it is")
	case !bound && i.Address == "":
		m.remove(now, c, "its start was under way")
	case !bound:
		c.state = StateProbing
		m.reindex(c)
		m.emit(probe{instance: c.instance})
	case !r.Initialised && (!m.settings.elected || r.Key == Key{}):
		m.remove(now, c, "it may have been initialised")
	case r.Incarnation != i.Incarnation:
		m.remove(now, c, "it is not the one on record")
	case r.Key.Shape != shape:
		m.remove(now, c, "its labels are not those of its record")
	default:
		c.key, c.initialised = m.keyOf(r.Key), r.Initialised
		c.key.bound++
		c.limit, c.key.timeout = r.Timeout, max(c.key.timeout, r.Timeout)
		m.tidyKey(c.key)
		c.undeclared = true
		m.quarantine(c, now.Add(SessionTTL+sessionMargin))
	}
}

// addListed adds a container that was listed, and that this machine has not started.
func (m *machine) addListed(now time.Time, i Instance, shape Shape) *container {
	m.serial++
	c := &container{id: i.ID, serial: m.serial, shape: m.shapeOf(shape), state: StateBusy, adopted: true, created: now, used: now}
	m.add(c)
	m.setInstance(c, i)
	m.noteAddress(c)
	return c
}

// shapeOfLabels returns the shape of a container with these labels.
func shapeOfLabels(l map[string]string) (Shape, bool) {
	memory, err := strconv.Atoi(l[labelMemory])
	return Shape{Kind: l[labelKind], Image: l[labelImage], Memory: memory, Tenant: l[labelTenant]}, err == nil && memory > 0
}

// reconcile takes a listing that was asked for because changes were missed. A container that was up when the listing was asked for,
// and is not in it, has gone. One that is in it and not known is destroyed.
func (m *machine) reconcile(now time.Time, instances []Instance) {
	in := map[string]bool{}
	for _, i := range instances {
		in[i.ID] = true
		if i.Labels[labelOwner] != m.settings.owner || m.containers[i.ID] != nil || m.ofLaterTerm(i.Labels[labelTerm]) {
			continue
		}
		shape, _ := shapeOfLabels(i.Labels)
		m.remove(now, m.addListed(now, i, shape), "nobody knows it")
	}
	for _, c := range m.inOrder() {
		if _, up := m.listing.up[c.id]; up && !in[c.id] && c.state != StateRemoving {
			m.gone(now, c, "it is not there any more")
		}
	}
}

// ofLaterTerm reports whether a label is that of a term after this one.
func (m *machine) ofLaterTerm(label string) bool {
	term, err := strconv.ParseUint(label, 36, 64)
	return err == nil && term > m.term
}
