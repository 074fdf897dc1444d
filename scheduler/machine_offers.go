package scheduler

import (
	"fmt"
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// takeOffers adds new offers to the pool. It declines those of agents that are to be vacated, and those that
// are too large or too many.
func (m *machine) takeOffers(now time.Time, offers []mesos.Offer) {
	// No more than that are at hand in any case. Of the others no copy is made: they may be a million.
	if most := m.settings.limits.offers; len(offers) > most {
		m.refuseUnseen(now, offers[most:])
		offers = offers[:most]
	}
	arrived := make([]task.Offer, 0, len(offers))
	var unusable []task.Offer
	for i := range offers {
		if o := offerFromMesos(offers[i]); m.settings.limits.fit(&o) {
			arrived = append(arrived, o)
		} else {
			unusable = append(unusable, o)
		}
	}
	m.census.noteOffers(now, arrived)
	if len(m.unknown.questions) > 0 {
		m.askAbout(now, m.unknown.on(now, arrived))
	}
	usable := arrived[:0]
	for i := range arrived {
		if m.vacated.covers(now, &arrived[i]) {
			unusable = append(unusable, arrived[i])
			continue
		}
		usable = append(usable, arrived[i])
		m.demand.Offered(now, arrived[i].Role)
	}
	m.refuse(now, append(unusable, m.pool.add(now, usable)...))
}

// rescind drops an offer that the master has taken back. A launch on it that waits for the store is cancelled, and the
// other offers that it would have used are returned.
func (m *machine) rescind(now time.Time, gone mesos.OfferID) {
	m.census.forgetOffer(m.pool.rescind(gone.Value))
	s, held := m.storage.takeLaunch(gone.Value)
	if !held {
		return
	}
	m.requeueHeld(now, launchedBy(s.call), "the offer was rescinded")
	isGone := func(id mesos.OfferID) bool { return id == gone }
	if others := slices.DeleteFunc(s.call.Accept.OfferIDs, isGone); len(others) > 0 {
		m.returnOffers(others)
	}
}

// refuse declines offers, for a time that depends on the demand for the role of each. The offers of a framework
// that is being torn down need no answer.
func (m *machine) refuse(now time.Time, offers []task.Offer) {
	m.refuseEach(now, len(offers), func(i int) (id, role string) { return offers[i].ID, offers[i].Role })
}

// refuseUnseen does the same with offers as they came.
func (m *machine) refuseUnseen(now time.Time, offers []mesos.Offer) {
	m.refuseEach(now, len(offers), func(i int) (id, role string) { return offers[i].ID.Value, offerRole(&offers[i]) })
}

func (m *machine) refuseEach(now time.Time, n int, offer func(i int) (id, role string)) {
	if m.teardown.wanted {
		return
	}
	var roles []string
	ids := map[string][]mesos.OfferID{}
	for i := range n {
		id, role := offer(i)
		if !m.demand.Has(role) {
			role = "" // no difference is made between those
		}
		if ids[role] == nil {
			roles = append(roles, role)
		}
		ids[role] = append(ids[role], mesos.OfferID{Value: id})
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
	s := m.newSend(&scheduler.Call{Type: scheduler.Call_ACCEPT, Accept: &scheduler.Call_Accept{
		OfferIDs:   offers,
		Operations: u.operations,
	}})
	s.role, s.arrivals = u.role, m.demand.Arrivals(u.role)
	if m.settings.durable && m.storage.postpone(now, s) { // without a store, s need not become an action to find that out
		return
	}
	m.sendAccept(now, s)
}

// sendAccept sends an ACCEPT. For how long it refuses what it leaves over is decided only now. A task that
// arrived while the ACCEPT waited for the store may fit that, and the REVIVE for it was sent before, so that it would
// not lift a refusal of this ACCEPT. Nothing is refused either if tasks wait for the preferred agent.
func (m *machine) sendAccept(now time.Time, s send) {
	s.call.Accept.Filters = filters(m.demand.RefuseRest(s.role, s.arrivals))
	m.send(s)
	m.launched(now, s.call)
}

// launched notes that the ACCEPT for these tasks was sent.
func (m *machine) launched(now time.Time, c *scheduler.Call) {
	for _, t := range launchedBy(c) {
		e := m.tasks.byID[t.TaskID.Value]
		if e == nil || e.launch != launchHeld {
			continue
		}
		m.tasks.advanceLaunch(e, eventSent)
		e.times.stored(now)
		m.startLaunchTimer(e, now.Add(m.settings.launchTimeout))
		if e.Killing {
			m.sendKill(now, e)
		}
	}
}

func (m *machine) decline(offers []mesos.OfferID, refuse time.Duration) {
	m.backoff.decline(len(offers))
	m.call(m.declineCall(offers, refuse))
}

func (m *machine) declineCall(offers []mesos.OfferID, refuse time.Duration) *scheduler.Call {
	return &scheduler.Call{Type: scheduler.Call_DECLINE, Decline: &scheduler.Call_Decline{OfferIDs: offers, Filters: filters(refuse)}}
}

// acceptDone takes the outcome of an ACCEPT. If it certainly had no effect its tasks are pending again. If the
// outcome is unclear they stay as they are, since launching them again could run them twice, and the master is
// asked about them. In both cases the master may still hold the offers for us, so they are declined. The DECLINE
// has no effect if the ACCEPT has arrived; if the ACCEPT arrives after it, its tasks are reported as dropped.
func (m *machine) acceptDone(now time.Time, in callDone) {
	offers := in.call.Accept.OfferIDs
	possible := in.outcome == accepted || in.outcome == unclear // that it has, or will have, an effect
	for _, t := range launchedBy(in.call) {
		e := m.tasks.byID[t.TaskID.Value]
		if e == nil || !e.usesOffer(offers[0]) || e.Info.State.Terminal() {
			continue
		}
		switch {
		case !possible && (e.launch == launchSent || e.launch == launchVoid):
			m.requeue(now, e, unlaunched(in))
		case possible && e.launch == launchSent: // otherwise an update arrived first
			m.tasks.advanceLaunch(e, eventAnswered)
			if in.outcome == accepted {
				e.times.accepted(now)
			}
			// Without a subscription the master cannot be asked; the next one begins with a reconciliation.
			if m.conn.connected() && !(in.outcome == accepted && m.conn.current(in.stream)) {
				m.startLaunchTimer(e, now.Add(callRetry))
			}
		}
	}
	if in.outcome != accepted && m.conn.current(in.stream) {
		m.backoff.decline(len(offers))
		m.retryDecline(now, offers)
	}
}

// unlaunched returns why an ACCEPT had no effect.
func unlaunched(in callDone) string {
	if in.err == nil {
		return "ACCEPT " + in.outcome.String()
	}
	return fmt.Sprintf("ACCEPT %v: %v", in.outcome, in.err)
}

// retryDecline declines, after a pause, offers whose ACCEPT or DECLINE may not have arrived. It refuses them for no
// time: they may fit a pending task, and the REVIVE for tasks that arrived meanwhile has been sent already. If the
// first answer did arrive, or arrives late, its refusal is in force.
func (m *machine) retryDecline(now time.Time, offers []mesos.OfferID) {
	m.demand.AssumeRefused()
	m.backoff.retry(now, m.declineCall(offers, 0))
}

// cancelLaunches cancels those ACCEPT calls that wait for the store and that pick selects, and returns them. Their
// tasks are pending again, and their histories say why.
func (m *machine) cancelLaunches(now time.Time, why string, pick func(*scheduler.Call) bool) []*scheduler.Call {
	var taken []*scheduler.Call
	for _, s := range m.storage.takeLaunches(func(h heldLaunch) bool { return pick(h.send.call) }) {
		taken = append(taken, s.call)
		m.requeueHeld(now, launchedBy(s.call), why)
	}
	return taken
}

func all(*scheduler.Call) bool { return true }

// requeueHeld makes those of these tasks pending again whose launch was not sent.
func (m *machine) requeueHeld(now time.Time, tasks []*mesos.TaskInfo, why string) {
	for _, t := range tasks {
		if e := m.tasks.byID[t.TaskID.Value]; e != nil && e.launch == launchHeld {
			m.requeue(now, e, why)
		}
	}
}

// returnOffers declines offers that were not used, and refuses them for no time: they may fit a pending task.
func (m *machine) returnOffers(offers []mesos.OfferID) {
	if m.conn.connected() {
		m.decline(offers, 0)
	}
}

// dropCalls drops the calls that wait for the store: their stream has ended. Updates that were to be acknowledged
// will be repeated.
func (m *machine) dropCalls() { m.storage.takeCalls() }
