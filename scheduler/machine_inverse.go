package scheduler

import (
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// answerInverse answers requests to leave agents, as the policy says, and tells of them.
func (m *machine) answerInverse(now time.Time, offers []mesos.InverseOffer) {
	var accept, decline []mesos.OfferID
	running := map[string][]string{}
	for _, r := range m.inOrder() {
		if s := r.info.State; s != task.Pending && !s.Terminal() {
			running[r.info.AgentID] = append(running[r.info.AgentID], r.info.Spec.ID)
			running[""] = append(running[""], r.info.Spec.ID)
		}
	}
	for _, o := range offers {
		asked := promiseOf(o.Unavailability)
		inverse := InverseOffer{AgentID: o.AgentID.GetValue(), Start: asked.start, Duration: asked.duration}
		inverse.Tasks = running[inverse.AgentID]
		agreed, err := m.agrees(inverse)
		if agreed {
			accept = append(accept, o.OfferID)
			m.promise(now, inverse)
		} else {
			decline = append(decline, o.OfferID)
		}
		m.do(notify{InverseOfferEvent{Offer: inverse, Accepted: agreed, Err: err}})
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

// agrees asks the policy. It is user code: a panic declines.
func (m *machine) agrees(o InverseOffer) (agreed bool, err error) {
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

// promise is that nothing of ours will be on an agent during its maintenance, which was made by accepting an
// inverse offer: nothing is launched there any more.
type promise struct {
	start    time.Time
	duration time.Duration // 0: nobody knows
}

// promise makes a promise, also for the offers at hand and the launches that wait for the store: they may be from
// before the maintenance was planned.
func (m *machine) promise(now time.Time, o InverseOffer) {
	if o.AgentID == "" {
		return // it names nothing that could be kept free
	}
	m.promises[o.AgentID] = promise{o.Start, o.Duration}
	var rest, gone []held
	for _, offer := range m.offered {
		if offer.AgentID.Value == o.AgentID {
			gone = append(gone, offer)
		} else {
			rest = append(rest, offer)
		}
	}
	m.offered = rest
	m.refuse(now, gone)
	there := func(t *mesos.TaskInfo) bool { return t.AgentID.Value == o.AgentID }
	for _, c := range m.takeBackAccepts(now, func(c *scheduler.Call) bool { return slices.ContainsFunc(launchedBy(c), there) }) {
		m.giveBack(c.Accept.OfferIDs)
	}
}

// keepPromises declines the offers that may not be used because of a promise, and returns the others. A
// promise ends with its maintenance, and when an offer says that there will be none, or another one, for
// which there is another inverse offer.
func (m *machine) keepPromises(now time.Time, offers []mesos.Offer) []mesos.Offer {
	if len(m.promises) == 0 {
		return offers
	}
	var rest []mesos.Offer
	var promised []held
	for _, o := range offers {
		p, found := m.promises[o.AgentID.Value]
		switch {
		case !found:
			rest = append(rest, o)
		case p.over(now) || !p.isAbout(o.Unavailability):
			delete(m.promises, o.AgentID.Value)
			rest = append(rest, o)
		default:
			promised = append(promised, held{Offer: o})
		}
	}
	m.refuse(now, promised)
	return rest
}

func (p promise) over(now time.Time) bool {
	return p.duration > 0 && !now.Before(p.start.Add(p.duration))
}

func (p promise) isAbout(u *mesos.Unavailability) bool {
	return u != nil && p == promiseOf(*u)
}

func promiseOf(u mesos.Unavailability) promise {
	p := promise{start: time.Unix(0, u.Start.Nanoseconds).UTC()}
	if u.Duration != nil {
		p.duration = time.Duration(u.Duration.Nanoseconds)
	}
	return p
}
