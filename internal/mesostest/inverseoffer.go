package mesostest

import (
	"fmt"
	"slices"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/allocator"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// inverseOffer asks a framework to leave an agent before it becomes unavailable. Whatever
// the answer, the question comes again when the answer's filter is over.
type inverseOffer struct {
	id        string
	framework *framework
	agent     *agent
	timeout   *timer
}

// askInverse sends inverse offers to the frameworks that hold something on the agents. It is the
// last part of an allocation.
func (m *Master) askInverse(agents []*agent) {
	if len(m.schedule.Windows) == 0 {
		return
	}
	for _, f := range m.order {
		var batch []mesos.InverseOffer
		for _, a := range agents {
			if f.stream == nil || m.unavailability(a) == nil || a.asked[f] || time.Now().Before(f.inverseFilters[a]) || !f.holds(a) {
				continue
			}
			// A real master counts a question about an agent that is deactivated or away as asked
			// without asking it, and so never asks again.
			a.asked[f] = true
			if a.offerable() {
				batch = append(batch, m.makeInverse(f, a))
			}
		}
		if len(batch) > 0 {
			f.send(m, &scheduler.Event{
				Type:          scheduler.Event_INVERSE_OFFERS,
				InverseOffers: &scheduler.Event_InverseOffers{InverseOffers: batch},
			})
		}
	}
}

// holds reports whether something of the agent is offered to the framework or used by it.
func (f *framework) holds(a *agent) bool {
	if slices.ContainsFunc(a.offers, func(o *offer) bool { return o.framework == f }) ||
		slices.ContainsFunc(a.running, func(e *executor) bool { return e.framework == f && !e.resources.Empty() }) {
		return true
	}
	for _, t := range f.tasks {
		if t.agent == a && !t.resources.Empty() {
			return true
		}
	}
	return false
}

func (m *Master) makeInverse(f *framework, a *agent) mesos.InverseOffer {
	i := &inverseOffer{id: fmt.Sprintf("%s-O%d", m.info.ID, m.offered), framework: f, agent: a}
	m.offered++
	m.inverseOffers = append(m.inverseOffers, i)
	if m.config.OfferTimeout > 0 {
		i.timeout = m.after(m.config.OfferTimeout, func() {
			m.rescindInverse(i)
			m.allocateAt(time.Now())
		})
	}
	return mesos.InverseOffer{
		OfferID:        mesos.OfferID{Value: i.id},
		URL:            a.url(),
		FrameworkID:    mesos.FrameworkID{Value: f.id},
		AgentID:        &mesos.AgentID{Value: a.id},
		Unavailability: *m.unavailability(a),
	}
}

// removeInverse ends an inverse offer; another may follow.
func (m *Master) removeInverse(i *inverseOffer) {
	i.timeout.stop()
	delete(i.agent.asked, i.framework)
	m.inverseOffers = slices.DeleteFunc(m.inverseOffers, func(other *inverseOffer) bool { return other == i })
	m.allocateLater()
}

func (m *Master) rescindInverse(i *inverseOffer) {
	m.removeInverse(i)
	i.framework.send(m, &scheduler.Event{
		Type:                scheduler.Event_RESCIND_INVERSE_OFFER,
		RescindInverseOffer: &scheduler.Event_RescindInverseOffer{InverseOfferID: mesos.OfferID{Value: i.id}},
	})
}

// answerInverse performs ACCEPT_INVERSE_OFFERS and DECLINE_INVERSE_OFFERS; unknown IDs are ignored. As
// with DECLINE it does not matter whose they are. The filter is the same for both answers: default,
// also for a negative time, 5 s; 0: none; at most a year.
func (m *Master) answerInverse(ids []mesos.OfferID, status allocator.InverseOfferStatus_Status, filters *mesos.Filters) {
	for _, id := range ids {
		n := slices.IndexFunc(m.inverseOffers, func(i *inverseOffer) bool { return i.id == id.Value })
		if n < 0 {
			continue
		}
		i := m.inverseOffers[n]
		m.removeInverse(i)
		a, f := i.agent, i.framework
		a.answers = slices.DeleteFunc(a.answers, func(s allocator.InverseOfferStatus) bool { return s.FrameworkID.Value == f.id })
		a.answers = append(a.answers, allocator.InverseOfferStatus{
			Status: &status, FrameworkID: mesos.FrameworkID{Value: f.id}, Timestamp: mesos.TimeInfo{Nanoseconds: time.Now().UnixNano()},
		})
		if d := refuseTime(filters); d > 0 {
			f.inverseFilters[a] = time.Now().Add(d)
			m.allocateAt(f.inverseFilters[a])
		}
	}
}

// newToAllocator forgets what was asked about the agent before it was removed.
func (a *agent) newToAllocator() {
	clear(a.asked)
	a.answers = nil
}

// forgetAnswers makes the agent's unavailability a new one, about which everybody is asked.
func (a *agent) forgetAnswers(m *Master) {
	a.newToAllocator()
	for _, f := range m.order {
		delete(f.inverseFilters, a)
	}
}
