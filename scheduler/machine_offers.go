package scheduler

import (
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// holdOffers is how long an offer that nothing fits is kept for tasks to come, which need not
// wait for the master then.
const holdOffers = 100 * time.Millisecond

// declineHeld declines what nothing came for.
func (m *machine) declineHeld(now time.Time) {
	if len(m.offered) > 0 && !m.wantsCycle() && !now.Before(m.holdUntil) {
		m.declineAll()
	}
}

// declineAll declines the offers at hand, except those of a framework that is torn down, which need
// no answers.
func (m *machine) declineAll() {
	if !m.tearing {
		m.decline(idsOf(m.offered), m.settings.refuse)
	}
	m.offered = nil
}

func idsOf(offers []mesos.Offer) []mesos.OfferID {
	ids := make([]mesos.OfferID, len(offers))
	for i := range offers {
		ids[i] = offers[i].ID
	}
	return ids
}

// accept launches tasks on offers.
func (m *machine) accept(now time.Time, u *use) {
	offers := make([]mesos.OfferID, len(u.offers))
	for i, id := range u.offers {
		offers[i].Value = id
	}
	m.filtered = true
	s := m.ready(&scheduler.Call{Type: scheduler.Call_ACCEPT, Accept: &scheduler.Call_Accept{
		OfferIDs:   offers,
		Operations: u.operations,
		Filters:    filters(m.settings.refuse),
	}})
	if m.settings.durable {
		m.after(now, s)
		return
	}
	m.do(s)
	m.launched(now, s.call)
}

// launched follows the tasks of an ACCEPT that is on its way.
func (m *machine) launched(now time.Time, c *scheduler.Call) {
	for _, t := range launchedBy(c) {
		r := m.tasks[t.TaskID.Value]
		if r == nil || r.info.State != task.Staging {
			continue
		}
		r.withheld = false
		m.expectWord(r, now.Add(m.settings.launchTimeout))
		if r.killing {
			m.sendKill(now, r)
		}
	}
}

func (m *machine) decline(offers []mesos.OfferID, refuse time.Duration) {
	m.filtered = m.filtered || refuse > 0
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
		if r == nil || r.offer != offers[0].Value || !r.accepting {
			continue
		}
		r.accepting = false
		if in.outcome == accepted || in.outcome == unclear {
			r.launches++
		}
		switch {
		case r.info.State != task.Staging || in.outcome == accepted && m.current(in.stream):
		case in.outcome == accepted || in.outcome == unclear:
			// Without a subscription there is nobody to ask; the next one begins with that.
			if m.phase == connected {
				m.expectWord(r, now.Add(callRetry))
			}
		default:
			m.requeue(now, r)
		}
	}
	if in.outcome != accepted && m.current(in.stream) {
		m.alarm(alarm{at: now.Add(callRetry), call: &scheduler.Call{FrameworkID: in.call.FrameworkID, Type: scheduler.Call_DECLINE, Decline: &scheduler.Call_Decline{
			OfferIDs: offers,
			Filters:  filters(0), // it may well fit
		}}})
	}
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
