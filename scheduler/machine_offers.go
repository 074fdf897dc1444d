package scheduler

import (
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// takeOffers takes new offers.
func (m *machine) takeOffers(now time.Time, offers []mesos.Offer) {
	arrived := make([]task.Offer, len(offers))
	for i := range offers {
		arrived[i] = task.OfferFromMesos(offers[i])
	}
	m.census.note(now, arrived)
	var vacated []task.Offer
	usable := arrived[:0]
	for i := range arrived {
		if m.vacated.keeps(now, &arrived[i]) {
			vacated = append(vacated, arrived[i])
		} else {
			usable = append(usable, arrived[i])
		}
	}
	m.refuse(now, vacated)
	m.pool.add(now, usable)
	for i := range usable {
		m.demand.Offered(now, usable[i].Role)
	}
}

// declineHeld declines those offers whose time is over.
func (m *machine) declineHeld(now time.Time) {
	if !m.wantsCycle() {
		m.refuse(now, m.pool.takeExpired(now, len(m.backlog.pending) == 0))
	}
}

// refuse declines offers, each for as long as the demand for its role has it. Those of a framework that is
// torn down need no answers.
func (m *machine) refuse(now time.Time, offers []task.Offer) {
	if m.teardown.wanted {
		return
	}
	var roles []string
	ids := map[string][]mesos.OfferID{}
	for i := range offers {
		role := offers[i].Role
		if ids[role] == nil {
			roles = append(roles, role)
		}
		ids[role] = append(ids[role], mesos.OfferID{Value: offers[i].ID})
	}
	for _, role := range roles {
		m.decline(ids[role], m.demand.Refuse(now, role))
	}
}

// accept launches tasks on offers.
func (m *machine) accept(now time.Time, u *offerUse) {
	offers := make([]mesos.OfferID, len(u.offers))
	for i, id := range u.offers {
		offers[i].Value = id
	}
	s := m.callNow(&scheduler.Call{Type: scheduler.Call_ACCEPT, Accept: &scheduler.Call_Accept{
		OfferIDs:   offers,
		Operations: u.operations,
	}})
	s.role, s.arrivals = u.role, m.demand.Arrivals(u.role)
	if m.settings.durable {
		m.whenStored(now, s)
		return
	}
	m.sendAccept(now, s)
}

// sendAccept sends an ACCEPT. For how long it refuses what is left over is decided only now: a task that came
// while it waited for the store has not been tried on that, and its REVIVE has gone out before. Nor is
// refused what the next tasks will wait for.
func (m *machine) sendAccept(now time.Time, s send) {
	s.call.Accept.Filters = filters(m.demand.RefuseRest(s.role, s.arrivals))
	m.emit(s)
	m.launched(now, s.call)
}

// launched follows the tasks of an ACCEPT that is on its way.
func (m *machine) launched(now time.Time, c *scheduler.Call) {
	for _, t := range launchedBy(c) {
		e := m.tasks.byID[t.TaskID.Value]
		if e == nil || e.launch != launchHeld {
			continue
		}
		m.tasks.moves(e, eventSent)
		m.startLaunchTimer(e, now.Add(m.settings.launchTimeout))
		if e.Killing {
			m.sendKill(now, e)
		}
	}
}

func (m *machine) decline(offers []mesos.OfferID, refuse time.Duration) {
	m.call(&scheduler.Call{Type: scheduler.Call_DECLINE, Decline: &scheduler.Call_Decline{
		OfferIDs: offers,
		Filters:  filters(refuse),
	}})
}

func filters(refuse time.Duration) *mesos.Filters {
	seconds := refuse.Seconds()
	return &mesos.Filters{RefuseSeconds: &seconds}
}

// acceptDone takes the outcome of an ACCEPT. When it surely had no effect its tasks are pending
// again. When that is unclear they stay as they are, since launching them again could run them
// twice, and the master is asked. In both cases it may still hold the offer for us, so that is
// given back: that does nothing if the ACCEPT arrived, and if it arrives later its tasks come back as
// dropped.
func (m *machine) acceptDone(now time.Time, in callDone) {
	offers := in.call.Accept.OfferIDs
	for _, t := range launchedBy(in.call) {
		e := m.tasks.byID[t.TaskID.Value]
		if e == nil || e.offer != offers[0].Value || e.launch != launchSent {
			continue // something was heard of it already
		}
		switch {
		case e.Info.State.Terminal():
		case in.outcome == accepted && m.conn.current(in.stream):
			m.tasks.moves(e, eventAnswered)
		case in.outcome == accepted || in.outcome == unclear:
			m.tasks.moves(e, eventAnswered)
			// Without a subscription there is nobody to ask; the next one begins with that.
			if m.conn.phase == connected {
				m.startLaunchTimer(e, now.Add(callRetry))
			}
		default:
			m.requeue(now, e)
		}
	}
	if in.outcome != accepted && m.conn.current(in.stream) {
		m.retryDecline(now, offers)
	}
}

// declineAgain gives offers back whose answer may not have arrived, without a filter: they may well fit,
// and the tasks that came meanwhile have had their REVIVE. If the answer was not lost but late, there is
// a refusal in force of which nobody knows.
func (m *machine) retryDecline(now time.Time, offers []mesos.OfferID) {
	m.demand.MayBeRefused()
	m.timers.start(timer{at: now.Add(callRetry), call: m.callNow(&scheduler.Call{Type: scheduler.Call_DECLINE, Decline: &scheduler.Call_Decline{
		OfferIDs: offers,
		Filters:  filters(0),
	}}).call})
}
