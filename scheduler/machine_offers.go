package scheduler

import (
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// held is an offer at hand. All are kept for a moment, for tasks to come that need not wait for the master
// then; while nothing is pending the oldest, within the caps of the policy, are kept for longer. They
// belong to their subscription: when that ends, at the end of Run too, the master takes them back at
// once and without refusal, whatever the failover timeout, so they need not be declined then.
type held struct {
	mesos.Offer
	until time.Time // it goes back then
	kept  bool      // for longer than a moment
}

func (h *held) role() string { return h.AllocationInfo.GetRole() }

// takeOffers takes new offers.
func (m *machine) takeOffers(now time.Time, offers []mesos.Offer) {
	until := now.Add(min(m.settings.hold, DefaultHold))
	if len(m.offered) == 0 || until.Before(m.holdUntil) {
		m.holdUntil = until
	}
	m.offered = slices.Grow(m.offered, len(offers))
	for _, o := range offers {
		h := held{Offer: o, until: until}
		m.offered = append(m.offered, h)
		m.demand.Offered(now, h.role())
		if o.AgentID.Value == m.preferred.agentID {
			m.preferred = preferred{}
		}
	}
	m.news = true
}

// standby tells whether offers are to be kept while nothing is pending.
func (m *machine) standby() bool { return m.settings.hold > DefaultHold }

// wantsStandby tells whether more of them are wanted.
func (m *machine) wantsStandby() bool {
	return m.standby() && len(m.offered) < m.settings.holdMax
}

// declineHeld declines those offers whose time is over and that may not be kept for longer. Those that are
// kept already have come before the others, so that it is the oldest that stay.
func (m *machine) declineHeld(now time.Time) {
	if len(m.offered) == 0 || m.wantsCycle() || now.Before(m.holdUntil) {
		return
	}
	var back []held
	stay, kept, onAgent := m.offered[:0], 0, map[string]int{}
	for _, h := range m.offered {
		over := !now.Before(h.until)
		if over && m.standby() && len(m.pending) == 0 && !h.kept && kept < m.settings.holdMax && onAgent[h.AgentID.Value] < m.settings.holdPerAgent {
			h.kept, h.until = true, h.until.Add(m.settings.hold-DefaultHold)
			over = !now.Before(h.until)
		}
		if over {
			back = append(back, h)
			continue
		}
		if h.kept {
			kept++
			onAgent[h.AgentID.Value]++
		}
		if len(stay) == 0 || h.until.Before(m.holdUntil) {
			m.holdUntil = h.until
		}
		stay = append(stay, h)
	}
	clear(m.offered[len(stay):])
	m.offered = stay
	m.refuse(now, back)
}

// letGo shortens the time of the offers at hand, since they do not fit what is pending: with what else
// their agents have, in another role, or later on, they might.
func (m *machine) letGo(now time.Time) {
	if !m.standby() || len(m.pending) == 0 {
		return
	}
	until := now.Add(DefaultHold)
	for i := range m.offered {
		if h := &m.offered[i]; h.until.After(until) {
			h.until = until
		}
	}
	if m.holdUntil.After(until) {
		m.holdUntil = until
	}
}

// declineAll declines the offers at hand.
func (m *machine) declineAll(now time.Time) {
	m.refuse(now, m.offered)
	m.offered = nil
}

// refuse declines offers, each for as long as the demand for its role has it. Those of a framework that is
// torn down need no answers.
func (m *machine) refuse(now time.Time, offers []held) {
	if m.tearing {
		return
	}
	var roles []string
	ids := map[string][]mesos.OfferID{}
	for i := range offers {
		role := offers[i].role()
		if ids[role] == nil {
			roles = append(roles, role)
		}
		ids[role] = append(ids[role], offers[i].ID)
	}
	for _, role := range roles {
		m.decline(ids[role], m.demand.Refuse(now, role))
	}
}

// accept launches tasks on offers.
func (m *machine) accept(now time.Time, u *use) {
	offers := make([]mesos.OfferID, len(u.offers))
	for i, id := range u.offers {
		offers[i].Value = id
	}
	s := m.ready(&scheduler.Call{Type: scheduler.Call_ACCEPT, Accept: &scheduler.Call_Accept{
		OfferIDs:   offers,
		Operations: u.operations,
	}})
	s.role, s.arrivals = u.role, m.demand.Arrivals(u.role)
	if m.settings.durable {
		m.after(now, s)
		return
	}
	m.sendAccept(now, s)
}

// sendAccept sends an ACCEPT. For how long it refuses what is left over is decided only now: a task that came
// while it waited for the store has not been tried on that, and its REVIVE has gone out before. Nor is
// refused what the next tasks will wait for.
func (m *machine) sendAccept(now time.Time, s send) {
	s.call.Accept.Filters = filters(m.demand.RefuseRest(s.role, s.arrivals))
	m.do(s)
	m.launched(now, s.call)
}

// launched follows the tasks of an ACCEPT that is on its way.
func (m *machine) launched(now time.Time, c *scheduler.Call) {
	for _, t := range launchedBy(c) {
		r := m.tasks[t.TaskID.Value]
		if r == nil || r.launch != launchHeld {
			continue
		}
		m.launchMoves(r, eventSent)
		m.expectWord(r, now.Add(m.settings.launchTimeout))
		if r.killing {
			m.sendKill(now, r)
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
		r := m.tasks[t.TaskID.Value]
		if r == nil || r.offer != offers[0].Value || r.launch != launchSent {
			continue // something was heard of it already
		}
		switch {
		case r.info.State.Terminal():
		case in.outcome == accepted && m.current(in.stream):
			m.launchMoves(r, eventAnswered)
		case in.outcome == accepted || in.outcome == unclear:
			m.launchMoves(r, eventAnswered)
			// Without a subscription there is nobody to ask; the next one begins with that.
			if m.phase == connected {
				m.expectWord(r, now.Add(callRetry))
			}
		default:
			m.requeue(now, r)
		}
	}
	if in.outcome != accepted && m.current(in.stream) {
		m.declineAgain(now, offers)
	}
}

// declineAgain gives offers back whose answer may not have arrived, without a filter: they may well fit,
// and the tasks that came meanwhile have had their REVIVE. If the answer was not lost but late, there is
// a refusal in force of which nobody knows.
func (m *machine) declineAgain(now time.Time, offers []mesos.OfferID) {
	m.demand.MayBeRefused()
	m.alarm(alarm{at: now.Add(callRetry), call: m.ready(&scheduler.Call{Type: scheduler.Call_DECLINE, Decline: &scheduler.Call_Decline{
		OfferIDs: offers,
		Filters:  filters(0),
	}}).call})
}

// quarantines lists the ports that are in quarantine by agent, ascending.
func (m *machine) quarantines() map[string][]uint16 {
	ports := make(map[string][]uint16, len(m.quarantine))
	for _, q := range m.quarantine {
		ports[q.agentID] = append(ports[q.agentID], q.ports...)
	}
	for id, all := range ports {
		slices.Sort(all)
		ports[id] = slices.Compact(all)
	}
	return ports
}

func (m *machine) endQuarantines(now time.Time) {
	m.quarantine = slices.DeleteFunc(m.quarantine, func(q quarantined) bool { return !now.Before(q.until) })
}
