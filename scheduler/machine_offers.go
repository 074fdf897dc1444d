package scheduler

import (
	"fmt"
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// cycle matches what is pending with the offers at hand and answers each offer: tasks are
// launched on it, or it is declined.
func (m *machine) cycle(now time.Time) {
	offers := m.offers
	m.offers = nil
	if len(offers) == 0 {
		return
	}
	event := OfferEvent{Offers: len(offers)}
	launches := map[string][]mesos.TaskInfo{} // by offer
	if len(m.pending) > 0 {
		var placements []task.Placement
		placements, event.Rejections, event.Err = m.match(offers)
		for _, p := range placements {
			info, err := m.prepare(now, p, offers)
			if err != nil {
				event.Err = err
			} else if info != nil {
				launches[p.OfferID] = append(launches[p.OfferID], *info)
				event.Placed++
			}
		}
		m.pending = slices.DeleteFunc(m.pending, func(r *record) bool { return r.info.State != task.Pending })
	}
	var unused []mesos.OfferID
	for _, o := range offers {
		if tasks := launches[o.ID]; tasks != nil {
			m.accept(o.ID, tasks)
		} else {
			unused = append(unused, mesos.OfferID{Value: o.ID})
		}
	}
	m.decline(unused, m.settings.refuse)
	m.do(notify{event})
}

// match asks the matcher. It is user code: a panic costs this cycle only.
func (m *machine) match(offers []task.Offer) (placed []task.Placement, rejected []task.Rejection, err error) {
	defer func() {
		if p := recover(); p != nil {
			placed, rejected, err = nil, nil, fmt.Errorf("scheduler: panic in the matcher: %v", p)
		}
	}()
	specs := make([]task.Spec, len(m.pending))
	for i, r := range m.pending {
		specs[i] = r.info.Spec
	}
	placed, rejected = m.settings.matcher.Match(specs, offers)
	return placed, rejected, nil
}

// prepare turns a placement into a launch and records it. It returns nil for a task that cannot
// be built, which thereby has failed, and an error when the placement itself makes no sense.
func (m *machine) prepare(now time.Time, p task.Placement, offers []task.Offer) (*mesos.TaskInfo, error) {
	r := m.tasks[p.TaskID]
	if r == nil || r.info.State != task.Pending {
		return nil, fmt.Errorf("scheduler: the matcher placed task %q, which is not pending", p.TaskID)
	}
	if !slices.ContainsFunc(offers, func(o task.Offer) bool { return o.ID == p.OfferID && o.AgentID == p.AgentID }) {
		return nil, fmt.Errorf("scheduler: the matcher placed task %q on offer %q of agent %q, which is not there", p.TaskID, p.OfferID, p.AgentID)
	}
	info, err := m.build(r.info.Spec, p)
	if err != nil {
		m.fail(now, r, task.Error, err)
		return nil, nil
	}
	r.info.AgentID, r.info.Hostname, r.info.HostPorts = p.AgentID, p.Hostname, p.HostPorts
	r.offer = p.OfferID
	m.change(now, r, task.Staging)
	return &info, nil
}

// build asks the builder. It is user code: a panic costs this task only.
func (m *machine) build(s task.Spec, p task.Placement) (info mesos.TaskInfo, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("scheduler: panic in the builder: %v", p)
		}
	}()
	info, err = m.settings.builder.Build(s, p)
	switch {
	case err != nil:
		return info, fmt.Errorf("scheduler: the builder refused: %w", err)
	case info.TaskID.Value != s.ID || info.AgentID.Value != p.AgentID:
		// Updates would be about a task, or come from an agent, that nobody knows.
		return info, fmt.Errorf("scheduler: the builder made task %q on agent %q", info.TaskID.Value, info.AgentID.Value)
	}
	return info, nil
}

// accept launches tasks on an offer. Each has an operation of its own: Mesos refuses a whole
// operation for one malformed resource in it, and the neighbours should not suffer.
func (m *machine) accept(offer string, tasks []mesos.TaskInfo) {
	operations := make([]mesos.Offer_Operation, len(tasks))
	for i := range tasks {
		operations[i] = mesos.Offer_Operation{
			Type:   mesos.Offer_Operation_LAUNCH,
			Launch: &mesos.Offer_Operation_Launch{TaskInfos: tasks[i : i+1 : i+1]},
		}
	}
	m.filtered = true
	m.call(scheduler.Call{Type: scheduler.Call_ACCEPT, Accept: &scheduler.Call_Accept{
		OfferIDs:   []mesos.OfferID{{Value: offer}},
		Operations: operations,
		Filters:    filters(m.settings.refuse),
	}})
}

func (m *machine) decline(offers []mesos.OfferID, refuse time.Duration) {
	if len(offers) == 0 {
		return
	}
	m.filtered = true
	m.call(scheduler.Call{Type: scheduler.Call_DECLINE, Decline: &scheduler.Call_Decline{
		OfferIDs: offers,
		Filters:  filters(refuse),
	}})
}

func filters(refuse time.Duration) *mesos.Filters {
	seconds := refuse.Seconds()
	return &mesos.Filters{RefuseSeconds: &seconds}
}

// acceptDone takes the outcome of an ACCEPT. When it surely had no effect its tasks are pending
// again and its offers are given back. When that is unclear its tasks stay as they are: launching
// them again could run them twice.
func (m *machine) acceptDone(now time.Time, in callDone) {
	if in.outcome == accepted || in.outcome == unclear {
		return
	}
	offer := in.call.Accept.OfferIDs[0].Value
	for _, t := range launchedBy(in.call) {
		if r := m.tasks[t.TaskID.Value]; r != nil && r.info.State == task.Staging && r.offer == offer {
			m.requeue(now, r)
		}
	}
	m.declineLater(now, in.stream, in.call.Accept.OfferIDs)
}

// declineLater gives offers back that the master still holds for us because our answer failed.
func (m *machine) declineLater(now time.Time, stream int, offers []mesos.OfferID) {
	if m.current(stream) {
		m.declines = append(m.declines, offers...)
		m.declineAt = now.Add(callRetry)
	}
}

// forgetOffers drops what belonged to the last subscription: the master has taken it back.
func (m *machine) forgetOffers() { m.offers, m.declines = nil, nil }

// wanted is the call that makes the master's offers follow the demand: none while nothing is
// pending, and at once when something new is, even if we refused the same offers before.
func (m *machine) wanted() scheduler.Call_Type {
	switch {
	case m.phase != subscribed || m.tearing:
	case len(m.pending) == 0 && !m.suppressed:
		return scheduler.Call_SUPPRESS
	case len(m.pending) > 0 && (m.suppressed || m.lift):
		return scheduler.Call_REVIVE
	}
	return scheduler.Call_UNKNOWN
}

// demand makes the wanted call, not more often than the settings allow: each REVIVE makes the
// master allocate.
func (m *machine) demand(now time.Time) {
	call := m.wanted()
	if call == scheduler.Call_UNKNOWN || now.Before(m.demandAt) {
		return
	}
	m.suppressed = call == scheduler.Call_SUPPRESS
	if call == scheduler.Call_REVIVE {
		m.filtered, m.lift = false, false
		m.demandAt = now.Add(m.settings.reviveInterval)
	}
	m.call(scheduler.Call{Type: call})
}
