package invoker

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker/internal/stemsize"
)

// A stem cell is pinged each 3 s, and replaced after three pings without answer.
const (
	pingInterval = 3 * time.Second
	maxPings     = 3
)

// checkEvery is how often stem cells that are sized by OpenWhisk's formula are counted.
const checkEvery = 10 * time.Minute

// maxEnds is how many stem cells end at once.
const maxEnds = 100

// firstUse counts that a container of a shape is used for the first time.
func (m *machine) firstUse(now time.Time, s *shapeState, kind StartKind) {
	if kind != Prewarmed {
		s.coldStarts++
	}
	s.demand.Used(now)
	m.resize(now, s)
}

// resize decides how many stem cells of a shape are wanted, if that follows the demand.
func (m *machine) resize(now time.Time, s *shapeState) {
	if s.cells.Max == 0 || s.cells.Threshold > 0 && s.cells.Increment > 0 {
		return
	}
	m.want(s, s.demand.Want(now, s.cells.Min, s.cells.Max))
}

func (m *machine) want(s *shapeState, n int) {
	if n != s.want {
		s.want, m.unsettled = n, true
	}
}

// reviewStems decides how many stem cells are wanted.
func (m *machine) reviewStems(now time.Time) {
	check := due(m.nextCheck, now)
	if check {
		m.nextCheck = now.Add(checkEvery)
	}
	for _, s := range m.stemmed {
		c := s.cells
		if check && c.Threshold > 0 && c.Increment > 0 {
			m.want(s, stemsize.Whisk(s.coldStarts, c.Threshold, c.Increment, c.Min, c.Max))
			s.coldStarts = 0
		}
		m.resize(now, s)
	}
	m.endStems(now)
}

// endStems has stem cells go that are too old, and those that are not wanted and were not used for a while: the oldest first, and not
// too many at once, so that there are others when they end.
func (m *machine) endStems(now time.Time) {
	var old []*container
	for s := range m.allShapes {
		surplus := s.ready - s.want
		for c := s.stems.tail; c != nil; c = c.previous {
			c.surplus = surplus > 0
			surplus--
			switch ttl := s.cells.TTL; {
			case ttl > 0 && now.Sub(c.created) >= stemsize.Lifetime(c.id, ttl):
				c.reason = "it is old"
			case c.surplus && now.Sub(c.used) >= m.settings.IdleTimeout:
				c.reason = "so many are not needed"
			default:
				continue
			}
			old = append(old, c)
		}
	}
	slices.SortFunc(old, func(a, b *container) int {
		return cmp.Or(a.created.Compare(b.created), cmp.Compare(a.serial, b.serial))
	})
	for _, c := range old[:min(len(old), maxEnds)] {
		m.mark(now, c, c.reason, now.Add(m.grace()))
	}
}

// startStems starts stem cells, while nobody who waits lacks room, by at most a quarter of the starts.
func (m *machine) startStems(now time.Time) {
	if m.room.scarce || m.engine.paused() || m.store.paused() {
		return
	}
	limit := max(1, m.settings.MaxStarts/4)
	for _, s := range m.stemmed {
		for m.ahead < limit && m.starting < m.settings.MaxStarts && !s.guard.blocked && s.ready+s.ahead < s.want {
			a, ok := m.place(s.Memory, nil)
			if !ok {
				break
			}
			m.create(now, s, a)
		}
	}
}

// earlier returns the earlier of two times, the zero time being never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// ping asks a stem cell whether it lives.
func (m *machine) ping(c *container) {
	c.until = time.Time{} // until the answer is there
	m.emit(probe{instance: c.instance, ping: true})
}

// pinged takes the answer of a stem cell. One that has lived for a while shows that its shape can be started.
func (m *machine) pinged(now time.Time, c *container, err error) {
	c.until = now.Add(pingInterval)
	young := now.Sub(c.created) < shortLife
	if err == nil {
		c.failures = 0
		if !young {
			m.guardSucceeded(now, &c.shape.guard, c)
		}
		m.arm(c)
		return
	}
	if c.unreachable {
		m.arm(c) // it may live
		return
	}
	if c.failures++; c.failures < maxPings {
		m.arm(c)
		return
	}
	if young {
		m.startsFail(now, c, fmt.Errorf("%w: it ended soon: %w", ErrStart, err))
	}
	m.remove(now, c, "it does not answer: "+err.Error())
}
