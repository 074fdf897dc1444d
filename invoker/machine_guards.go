package invoker

import (
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker/internal/breaker"
)

// shortLife: a stem cell that ends within a minute counts as a start that failed. One that lives longer, or is taken, has succeeded.
const shortLife = time.Minute

// begin counts that what is guarded is begun with a container.
func (m *machine) begin(now time.Time, g *guard, c *container) {
	if g.breaker.Begin() {
		c.trial = g
		m.look(now, g)
	}
}

// look takes into account that what a guard allows has changed, or that its pause is over.
func (m *machine) look(now time.Time, g *guard) {
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
		m.demand(g.key)
		m.short = append(m.short, g.key)
	} else {
		m.hunger(g.shape)
	}
	m.unsettled = true
}

// works notes that what is guarded has succeeded.
func (m *machine) works(now time.Time, g *guard, c *container) {
	if c.trial == g {
		c.trial = nil
	}
	if !g.breaker.Healthy() {
		g.breaker.Succeeded()
		m.look(now, g)
	}
}

// fails notes that what is guarded has failed in a container.
func (m *machine) fails(now time.Time, g *guard, c *container) {
	policy := breaker.ForAction()
	if g.key == nil {
		policy = breaker.ForImage()
	}
	g.breaker.Failed(now, c.trial == g, policy)
	if c.trial == g {
		c.trial = nil
	}
	if g.breaker.Open() {
		m.look(now, g)
	}
}

// abandon notes that a container will not show whether what is guarded succeeds.
func (m *machine) abandon(now time.Time, c *container) {
	if g := c.trial; g != nil {
		c.trial = nil
		g.breaker.Abandoned()
		m.look(now, g)
	}
}

// startsFail notes that starts of a shape fail, for reasons of its own. While that goes on, callers of keys that have no container are
// refused, since they would wait for nothing.
func (m *machine) startsFail(now time.Time, c *container, err error) {
	s := c.shape
	s.guard.reason = err
	m.fails(now, &s.guard, c)
	if !s.guard.breaker.Open() {
		return
	}
	for _, k := range s.hungryKeys() {
		for w := k.waiters.head; w != nil && k.bound == 0; w = k.waiters.head {
			m.turnAway(w, s.startError(err))
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
