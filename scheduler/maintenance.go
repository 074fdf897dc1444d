package scheduler

import (
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// vacated are the agents that are kept free for maintenance, by ID: their inverse offers were accepted, so that
// nothing is launched there any more. That ends with the maintenance, and when an offer says that there
// will be none, or another one, for which there is another inverse offer.
type vacated map[string]maintenance

// maintenance is when an agent will be away.
type maintenance struct {
	start    time.Time
	duration time.Duration // 0: nobody knows
}

// agree keeps an agent free.
func (v vacated) add(agentID string, planned maintenance) { v[agentID] = planned }

// forget ends that for an agent that is gone.
func (v vacated) remove(agentID string) { delete(v, agentID) }

// keeps reports whether an offer must not be used.
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

// isOf reports whether it is what an agent's offer says.
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
