package invoker

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"
)

// maxAttempts is how many starts may fail for a caller, while it waits longest, before it is refused.
const maxAttempts = 2

// create starts a container of a shape. Whoever waits longest once it answers gets it.
func (m *machine) create(now time.Time, s *shapeState, planned *agentState) {
	m.serial++
	id := m.settings.owner + "-" + strconv.FormatUint(m.term, 36) + "-" + strconv.FormatUint(m.serial, 10)
	c := &container{id: id, serial: m.serial, instance: Instance{ID: id}, shape: s, state: StateCreating, planned: planned, created: now}
	m.add(c)
	m.guardBegun(now, &s.guard, c)
	if s.labels == nil {
		s.labels = m.labels(s.Shape)
	}
	if planned != nil {
		planned.planned += s.Memory
	}
	m.reindex(c)
	m.notify(now, EventCreated, c, "")
	m.emit(create{id: id, spec: Spec{
		Name: m.name(s, c.serial), Shape: s.Shape, UserImage: s.Tenant != "", CPUs: float64(s.Memory) / float64(m.settings.MemoryPerCPU),
		Env: m.settings.env, Labels: s.labels, Avoid: m.drained,
	}})
}

// add counts a container from now on.
func (m *machine) add(c *container) {
	m.containers[c.id] = c
	m.used += c.shape.Memory
	if m.nextReview.IsZero() {
		m.nextReview = c.created.Add(reviewEvery)
	}
	c.shape.containers++
}

// name returns what humans see of a container.
func (m *machine) name(s *shapeState, serial uint64) string {
	plain := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, s.Kind)
	return fmt.Sprintf("wsk%d_%s", serial, plain)
}

// created takes that a container runs, or does not.
func (m *machine) created(now time.Time, in created) {
	c := m.containers[in.id]
	if c == nil || c.state != StateCreating {
		return
	}
	m.unplan(c)
	switch {
	case in.err != nil:
		m.startFailed(now, c, in.err)
	case c.ended:
		m.setInstance(c, in.instance)
		m.startFailed(now, c, fmt.Errorf("%w: it ended at once", ErrStart))
	default:
		m.setInstance(c, in.instance)
		m.claimAddress(now, c)
		c.state = StateProbing
		m.reindex(c)
		m.emit(probe{instance: c.instance})
	}
}

// setInstance notes where a container runs.
func (m *machine) setInstance(c *container, in Instance) {
	c.instance = in
	c.instance.ID = c.id
	if s := c.shape; !c.adopted {
		c.instance.Labels = s.labels // as it was started with
	} else if maps.Equal(in.Labels, s.adopted) {
		c.instance.Labels = s.adopted
	} else {
		s.adopted = in.Labels
	}
	a := m.agentOf(in.Agent)
	a.add(c)
	c.unreachable = a.unreachable
}

// claimAddress takes that a container that has just started listens at its address. Another one that was known there has ended,
// since a platform gives an address again only then, but the news of that is late: whatever is sent to it would reach this one.
func (m *machine) claimAddress(now time.Time, c *container) {
	address := c.instance.Address
	if other := m.addresses[address]; other != nil && other != c && other.state != StateRemoving {
		m.remove(now, other, "another container has its address")
	}
	m.noteAddress(c)
}

// noteAddress notes which container is known at an address.
func (m *machine) noteAddress(c *container) {
	if c.instance.Address != "" {
		m.addresses[c.instance.Address] = c
	}
}

// unplan ends the plan of a start: it is somewhere now, or nowhere.
func (m *machine) unplan(c *container) {
	if c.planned != nil {
		c.planned.planned -= c.shape.Memory
		c.planned = nil
	}
}

// probed takes that a runtime answers, or does not.
func (m *machine) probed(now time.Time, in probed) {
	c := m.containers[in.id]
	switch {
	case c == nil:
	case c.state == StateStem:
		m.pinged(now, c, in.err)
	case c.state != StateProbing:
	case in.err != nil:
		m.startFailed(now, c, in.err)
	default:
		if !c.adopted {
			c.shape.demand.Started(now.Sub(c.created))
		}
		c.state, c.until, c.used, c.adopted = StateStem, now.Add(pingInterval), now, false
		m.engine.worked()
		m.reindex(c)
		m.notify(now, EventReady, c, "")
		m.offerStem(now, c)
	}
}

// offerStem binds a stem cell to the key whose caller waits longest for one, if there is one.
func (m *machine) offerStem(now time.Time, c *container) {
	if k, ok := c.shape.unmet.first(); ok && !m.store.paused() && !c.unreachable {
		m.bind(now, c, k, Cold)
		return
	}
	m.markIfDraining(now, c)
	m.arm(c)
}

// startFailed removes a container whose start failed, after the guard of its shape was told.
func (m *machine) startFailed(now time.Time, c *container, err error) {
	m.blame(now, c, err)
	m.remove(now, c, err.Error())
}

// blame decides what a start that failed means: starts pause, or the caller who waits longest for one is refused if this was not the
// first that failed meanwhile.
func (m *machine) blame(now time.Time, c *container, err error) {
	s := c.shape
	switch {
	case c.adopted, errors.Is(err, errAddress): // nobody has asked for it, or nobody is to blame
	case errors.Is(err, ErrNoCapacity):
		m.room.refused(now, s.Memory)
	case errors.Is(err, ErrUnavailable):
		m.engine.failed(now)
	default:
		if w := s.oldest(); w != nil {
			if w.failures++; w.failures >= maxAttempts || errors.Is(err, ErrImage) {
				m.refuseWaiter(w, s.startError(err))
			}
		}
		m.startsFail(now, c, err)
	}
	m.unsettled = true
}

// labels returns what identifies containers of a shape, also after a restart.
func (m *machine) labels(s Shape) map[string]string {
	l := map[string]string{
		labelOwner: m.settings.owner, labelKind: s.Kind, labelImage: s.Image, labelMemory: strconv.Itoa(s.Memory),
		labelTerm: strconv.FormatUint(m.term, 36),
	}
	if s.Tenant != "" {
		l[labelTenant] = s.Tenant
	}
	return l
}

// Labels of containers.
const (
	labelOwner  = "invoker.owner"
	labelKind   = "invoker.kind"
	labelImage  = "invoker.image"
	labelMemory = "invoker.memory"
	labelTenant = "invoker.tenant" // of users' images only
	labelTerm   = "invoker.term"
)
