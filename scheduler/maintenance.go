package scheduler

import (
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// vacated holds, by ID, the agents that are kept free for maintenance: an inverse offer was accepted, so that
// nothing is launched there. An agent is removed when the maintenance is over, or when an offer says that it was
// called off or changed; a changed one has another inverse offer.
type vacated map[string]maintenance

// maintenance is when an agent will be unavailable.
type maintenance struct {
	start    time.Time
	duration time.Duration // 0: unknown
}

// add keeps an agent free, and reports whether it was not kept free for this maintenance before.
func (v vacated) add(agentID string, planned maintenance) (isNew bool) {
	before, found := v[agentID]
	v[agentID] = planned
	return !found || before != planned
}

// hasRoom reports whether an agent can be kept free, if only so many may be.
func (v vacated) hasRoom(limit int, agentID string) bool {
	_, found := v[agentID]
	return found || len(v) < limit
}

// remove removes an agent that is lost.
func (v vacated) remove(agentID string) { delete(v, agentID) }

// keeps reports whether an agent is kept free.
func (v vacated) keeps(now time.Time, agentID string) bool {
	m, found := v[agentID]
	return found && !m.over(now)
}

// covers reports whether a new offer must not be used since its agent is kept free.
func (v vacated) covers(now time.Time, o *task.Offer) bool {
	m, found := v[o.Agent.ID]
	switch {
	case !found:
		return false
	case m.over(now) || !m.matches(&o.Agent):
		delete(v, o.Agent.ID)
		return false
	}
	return true
}

func (m maintenance) over(now time.Time) bool {
	return m.duration > 0 && !now.Before(m.start.Add(m.duration))
}

// matches reports whether an agent's offer says the same.
func (m maintenance) matches(a *task.Agent) bool {
	return !a.Unavailable.IsZero() && a.Unavailable.Equal(m.start) && a.UnavailableFor == m.duration
}

func maintenanceOf(u mesos.Unavailability) maintenance {
	m := maintenance{start: time.Unix(0, u.Start.Nanoseconds).UTC()}
	if u.Duration != nil {
		m.duration = time.Duration(u.Duration.Nanoseconds)
	}
	return m
}
