package invoker

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// agentOf returns the state of an agent.
func (m *machine) agentOf(id string) *agentState {
	a := m.agents[id]
	if a == nil {
		a = &agentState{id: id, idle: m.idle.Add()}
		m.agents[id] = a
		m.agentOrder = append(m.agentOrder, a)
	}
	return a
}

// changed takes what the engine tells without being asked.
func (m *machine) changed(now time.Time, in Change) {
	if in.State == Lagged {
		m.lagged(now)
		return
	}
	if in.ID != "" {
		if c := m.containers[in.ID]; c != nil {
			m.containerChanged(now, c, in)
		}
		return
	}
	a := m.agents[in.Agent]
	if a == nil {
		if in.State == Gone || in.State == Reachable {
			return
		}
		a = m.agentOf(in.Agent)
	}
	switch in.State {
	case Unreachable:
		a.unreachable = true
	case Reachable:
		a.unreachable = false
	case Draining:
		a.draining = true
	case Gone:
		a.draining, a.unreachable, a.known = false, false, false
	}
	for _, c := range a.inOrder() {
		m.containerChanged(now, c, in)
	}
	m.tidyAgent(a)
	m.unsettled = true
}

// lagged takes that changes were missed. What runs is listed, and the engine tells again what cannot be reached: until it
// does, everything can.
func (m *machine) lagged(now time.Time) {
	m.list(now)
	for _, a := range m.agentOrder {
		a.unreachable = false
	}
	for _, c := range m.inOrder() {
		if c.unreachable {
			m.containerChanged(now, c, Change{State: Reachable})
		}
	}
}

// containerChanged takes what has happened to a container, or to its agent.
func (m *machine) containerChanged(now time.Time, c *container, in Change) {
	switch in.State {
	case Gone:
		m.ended(now, c, in)
	case Unreachable:
		c.unreachable = true
		m.reindex(c)
	case Reachable:
		c.unreachable = false
		m.reindex(c)
		m.usableAgain(now, c)
	case Draining:
		m.drain(now, c)
	}
}

// ended takes that a container does not run any more.
func (m *machine) ended(now time.Time, c *container, in Change) {
	if c.state == StateCreating {
		c.ended = true // its creation is still to be answered
		return
	}
	if in.ID != "" && !errors.Is(in.Err, ErrUnavailable) { // else it could not help it
		m.blameEnd(now, c, in.Reason)
	}
	m.gone(now, c, in.Reason)
}

// blameEnd decides what it means that a container ended by itself.
func (m *machine) blameEnd(now time.Time, c *container, reason string) {
	switch {
	case c.state == StateProbing:
		m.blame(now, c, fmt.Errorf("%w: it ended before it answered: %s", ErrStart, reason))
	case c.state == StateStem && now.Sub(c.created) < shortLife:
		m.startsFail(now, c, fmt.Errorf("%w: it ended soon: %s", ErrStart, reason))
	case c.state == StateBusy && c.held():
		m.guardFailed(now, &c.key.guard, c)
	}
}

// usableAgain has a container serve those who wait, after a time in which it could not be reached.
func (m *machine) usableAgain(now time.Time, c *container) {
	switch c.state {
	case StateStem:
		m.offerStem(now, c)
	case StateIdle, StateBusy:
		m.serve(now, c)
	case StateSuspended, StateMarked:
		if k, ok := m.keyInNeedOf(c); ok {
			m.supply(now, k)
		}
	}
	m.markIfDraining(now, c)
	m.arm(c)
}

// keyInNeedOf returns the key whose callers need a container like this one: of several that whose caller has waited longest.
func (m *machine) keyInNeedOf(c *container) (*keyState, bool) {
	if c.key != nil {
		return c.key, c.key.need > 0
	}
	return c.shape.unmet.first()
}

// drain has a container go as soon as nobody uses it, if its agent is drained, and stay if it is not any more.
func (m *machine) drain(now time.Time, c *container) {
	m.reindex(c)
	if !c.draining() {
		m.usableAgain(now, c)
		return
	}
	switch c.state {
	case StateStem, StateIdle, StateSuspended:
		if !c.resumeWanted {
			m.mark(now, c, "its agent is drained", now)
		}
	case StateBusy:
		if c.remote() && !c.recalled {
			m.recall(c)
		}
	}
}

// agentsSeen takes what is free where.
func (m *machine) agentsSeen(now time.Time, agents []Agent) {
	for _, a := range m.agentOrder {
		a.known, a.memory = false, 0
	}
	m.agentsKnown = len(agents) > 0 // an engine may not know any before it has started something
	for _, in := range agents {
		a := m.agentOf(in.ID)
		a.known, a.memory = true, in.Memory
		if a.unreachable || slices.ContainsFunc(a.containers, func(c *container) bool { return c.unreachable }) {
			// That it can be reached again was missed.
			m.changed(now, Change{Agent: a.id, State: Reachable})
		}
		if in.Draining != a.draining {
			a.draining = in.Draining
			for _, c := range a.inOrder() {
				m.drain(now, c)
			}
		}
	}
	for _, a := range slices.Clone(m.agentOrder) {
		if !a.known {
			a.draining = a.draining && len(a.containers) > 0 // else it is known no longer
			m.tidyAgent(a)
		}
	}
	m.unsettled = true
}

// tidyAgent forgets an agent about which nothing is known.
func (m *machine) tidyAgent(a *agentState) {
	if a.known || a.drains() || a.unreachable || len(a.containers) > 0 || a.planned > 0 {
		return
	}
	delete(m.agents, a.id)
	m.idle.Remove(a.idle)
	m.agentOrder = slices.DeleteFunc(m.agentOrder, func(o *agentState) bool { return o == a })
}

// inOrder returns the containers of an agent in the order in which they became known.
func (a *agentState) inOrder() []*container {
	all := slices.Clone(a.containers)
	slices.SortFunc(all, func(a, b *container) int { return cmp.Compare(a.serial, b.serial) })
	return all
}
