package invoker

import (
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker/internal/breaker"
)

// shortLife: a stem cell that ends within a minute counts as a start that failed. One that lives longer, or is taken, has succeeded.
const shortLife = time.Minute

// guardBegun notes that what is guarded is begun with a container.
func (m *machine) guardBegun(now time.Time, g *guard, c *container) {
	if g.breaker.Begin() {
		c.trial = g
		m.guardChanged(now, g)
	}
}

// guardChanged takes into account that what a guard allows has changed, or that its pause is over.
func (m *machine) guardChanged(now time.Time, g *guard) {
	ok, at := g.breaker.Allow(now)
	g.blocked, g.until = !ok, at
	switch {
	case ok || at.IsZero():
		m.guards.remove(g)
	default:
		if g.number == 0 {
			m.blocked++
			g.number = m.blocked
		}
		m.guards.put(g)
	}
	if g.key != nil {
		m.updateNeed(g.key)
		m.resupply = append(m.resupply, g.key)
	} else {
		m.updateLack(g.shape)
	}
	m.unsettled = true
}

// guardSucceeded notes that what is guarded has succeeded.
func (m *machine) guardSucceeded(now time.Time, g *guard, c *container) {
	if c.trial == g {
		c.trial = nil
	}
	if !g.breaker.Healthy() {
		g.breaker.Succeeded()
		m.guardChanged(now, g)
	}
}

// guardFailed notes that what is guarded has failed in a container.
func (m *machine) guardFailed(now time.Time, g *guard, c *container) {
	policy := breaker.ForAction()
	if g.key == nil {
		policy = breaker.ForImage()
	}
	g.breaker.Failed(now, c.trial == g, policy)
	if c.trial == g {
		c.trial = nil
	}
	if g.breaker.Open() {
		m.guardChanged(now, g)
	}
}

// guardAbandoned notes that a container will not show whether what is guarded succeeds.
func (m *machine) guardAbandoned(now time.Time, c *container) {
	if g := c.trial; g != nil {
		c.trial = nil
		g.breaker.Abandoned()
		m.guardChanged(now, g)
	}
}

// startsFail notes that starts of a shape fail, for reasons of its own. While that goes on, callers of keys that have no container are
// refused, since they would wait for nothing.
func (m *machine) startsFail(now time.Time, c *container, err error) {
	s := c.shape
	s.guard.reason = err
	m.guardFailed(now, &s.guard, c)
	if !s.guard.breaker.Open() {
		return
	}
	for _, k := range s.unmetKeys() {
		for w := k.waiters.head; w != nil && k.bound == 0; w = k.waiters.head {
			m.refuseWaiter(w, s.startError(err))
		}
	}
}

// broken returns why a caller of a key cannot get a container, if the starts of its shape fail; else nil.
func (k *keyState) broken() error {
	s := k.shape
	if !s.guard.blocked || s.guard.until.IsZero() || k.bound > 0 || s.stems.head != nil || s.marked.head != nil {
		return nil
	}
	return s.startError(s.guard.reason)
}

func (s *shapeState) startError(err error) error { return startError(s.Tenant != "", s.Image, err) }
