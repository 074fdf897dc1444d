package scheduler

import (
	"errors"
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// inverseOffers answers inverse offers, as the policy decides, and notifies the watchers.
func (m *machine) inverseOffers(now time.Time, offers []mesos.InverseOffer) {
	var accept, decline []mesos.OfferID
	for _, o := range offers {
		planned := maintenanceOf(o.Unavailability)
		inverse := InverseOffer{AgentID: o.AgentID.GetValue(), Start: planned.start, Duration: planned.duration}
		inverse.Tasks = m.census.onAgents.ids(&m.tasks, inverse.AgentID)
		agreed, err := m.inversePolicy(inverse)
		if agreed && !m.vacated.hasRoom(m.settings.limits.vacated, inverse.AgentID) {
			agreed, err = false, errTooManyVacated
		}
		if agreed {
			accept = append(accept, o.OfferID)
			m.vacate(now, inverse.AgentID, planned)
		} else {
			decline = append(decline, o.OfferID)
		}
		m.emit(notify{InverseOfferEvent{Offer: inverse, Accepted: agreed, Err: err}})
	}
	if len(accept) > 0 {
		m.call(&scheduler.Call{Type: scheduler.Call_ACCEPT_INVERSE_OFFERS, AcceptInverseOffers: &scheduler.Call_AcceptInverseOffers{InverseOfferIDs: accept}})
	}
	if len(decline) > 0 {
		m.call(&scheduler.Call{Type: scheduler.Call_DECLINE_INVERSE_OFFERS, DeclineInverseOffers: &scheduler.Call_DeclineInverseOffers{
			InverseOfferIDs: decline, Filters: filters(m.settings.refuse),
		}})
	}
}

// errTooManyVacated is why an inverse offer is declined that the policy would accept.
var errTooManyVacated = errors.New("scheduler: too many agents are kept free for maintenance")

// inversePolicy calls the policy. It is user code: if it panics, the inverse offer is declined.
func (m *machine) inversePolicy(o InverseOffer) (agreed bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			agreed, err = false, panicked("the policy for inverse offers", p)
		}
	}()
	if m.settings.inverse == nil {
		return len(o.Tasks) == 0, nil
	}
	o.Tasks = slices.Clone(o.Tasks)
	return m.settings.inverse(o), nil
}

// vacate launches nothing on an agent from now on. Offers of the agent that are at hand are declined, and launches there
// that wait for the store are cancelled, since both may be older than the plan for the maintenance.
func (m *machine) vacate(now time.Time, agentID string, planned maintenance) {
	if agentID == "" {
		return // the inverse offer is for no agent in particular
	}
	if !m.vacated.add(agentID, planned) {
		return
	}
	m.refuse(now, m.pool.takeFrom(agentID))
	there := func(t *mesos.TaskInfo) bool { return t.AgentID.Value == agentID }
	for _, c := range m.cancelLaunches(now, "an inverse offer was accepted for the agent", func(c *scheduler.Call) bool { return slices.ContainsFunc(launchedBy(c), there) }) {
		m.returnOffers(c.Accept.OfferIDs)
	}
}
