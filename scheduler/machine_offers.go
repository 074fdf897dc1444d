package scheduler

import (
	"fmt"
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// cycle matches what is pending with offers and answers each offer: tasks are launched on it, or
// it is declined.
func (m *machine) cycle(now time.Time, offered []mesos.Offer) {
	if len(offered) == 0 || m.tearing {
		return // a framework that is torn down needs no answers
	}
	offers := make([]task.Offer, len(offered))
	agents := make(map[string]string, len(offered)) // by offer
	for i, o := range offered {
		offers[i] = task.OfferFromMesos(o)
		agents[offers[i].ID] = offers[i].AgentID
	}
	event := OfferEvent{Offers: len(offers)}
	launches := map[string][]mesos.TaskInfo{} // by offer
	if len(m.pending) > 0 {
		var placements []task.Placement
		placements, event.Rejections, event.Err = m.match(offers)
		for _, p := range placements {
			info, err := m.prepare(now, p, agents)
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
	for _, o := range offered {
		if tasks := launches[o.ID.Value]; tasks != nil {
			m.accept(o.ID, tasks)
		} else {
			unused = append(unused, o.ID)
		}
	}
	if len(unused) > 0 {
		m.decline(unused)
	}
	event.Pending = len(m.pending)
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
func (m *machine) prepare(now time.Time, p task.Placement, agents map[string]string) (*mesos.TaskInfo, error) {
	r := m.tasks[p.TaskID]
	if r == nil || r.info.State != task.Pending {
		return nil, fmt.Errorf("scheduler: the matcher placed task %q, which is not pending", p.TaskID)
	}
	if agent, offered := agents[p.OfferID]; !offered || agent != p.AgentID {
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
	if err != nil {
		return info, fmt.Errorf("scheduler: the builder refused: %w", err)
	}
	if info.TaskID.Value != s.ID || info.AgentID.Value != p.AgentID {
		// Updates would be about a task, or come from an agent, that nobody knows.
		return info, fmt.Errorf("scheduler: the builder made task %q on agent %q", info.TaskID.Value, info.AgentID.Value)
	}
	// What lacks a required field would take the whole ACCEPT with it.
	if _, err := info.Marshal(); err != nil {
		return info, fmt.Errorf("scheduler: the builder made what cannot be sent: %w", err)
	}
	return info, nil
}

// accept launches tasks on an offer. Each has an operation of its own: Mesos refuses a whole
// operation for one malformed resource in it, and the neighbours should not suffer.
func (m *machine) accept(offer mesos.OfferID, tasks []mesos.TaskInfo) {
	operations := make([]mesos.Offer_Operation, len(tasks))
	for i := range tasks {
		operations[i] = mesos.Offer_Operation{
			Type:   mesos.Offer_Operation_LAUNCH,
			Launch: &mesos.Offer_Operation_Launch{TaskInfos: tasks[i : i+1 : i+1]},
		}
	}
	m.filtered = true
	m.call(&scheduler.Call{Type: scheduler.Call_ACCEPT, Accept: &scheduler.Call_Accept{
		OfferIDs:   []mesos.OfferID{offer},
		Operations: operations,
		Filters:    filters(m.settings.refuse),
	}})
}

func (m *machine) decline(offers []mesos.OfferID) {
	m.filtered = true
	m.call(&scheduler.Call{Type: scheduler.Call_DECLINE, Decline: &scheduler.Call_Decline{
		OfferIDs: offers,
		Filters:  filters(m.settings.refuse),
	}})
}

func filters(refuse time.Duration) *mesos.Filters {
	seconds := refuse.Seconds()
	return &mesos.Filters{RefuseSeconds: &seconds}
}

// acceptDone takes the outcome of an ACCEPT. When it surely had no effect its tasks are pending
// again. When that is unclear they stay as they are: launching them again could run them twice. In
// both cases the master may still hold the offer for us, so it is given back: that does nothing if
// the ACCEPT arrived, and if it arrives later its tasks come back as dropped.
func (m *machine) acceptDone(now time.Time, in callDone) {
	if in.outcome == accepted {
		return
	}
	offer := in.call.Accept.OfferIDs[0]
	if in.outcome != unclear {
		for _, t := range launchedBy(in.call) {
			if r := m.tasks[t.TaskID.Value]; r != nil && r.info.State == task.Staging && r.offer == offer.Value {
				m.requeue(now, r)
			}
		}
	}
	if m.current(in.stream) {
		m.repeat(now.Add(callRetry), &scheduler.Call{FrameworkID: in.call.FrameworkID, Type: scheduler.Call_DECLINE, Decline: &scheduler.Call_Decline{
			OfferIDs: []mesos.OfferID{offer},
			Filters:  filters(0), // it may well fit
		}})
	}
}

// wanted is the call that makes the master's offers follow the demand: none while nothing is
// pending, and at once when something new is, even if we refused the same offers before.
func (m *machine) wanted() scheduler.Call_Type {
	switch {
	case m.phase != connected || m.tearing:
	case len(m.pending) == 0 && m.told != suppressed:
		return scheduler.Call_SUPPRESS
	case len(m.pending) > 0 && (m.told != revived || m.lift):
		return scheduler.Call_REVIVE
	}
	return scheduler.Call_UNKNOWN
}

// followDemand makes the wanted call, not more often than the settings allow: each REVIVE makes
// the master allocate.
func (m *machine) followDemand(now time.Time) {
	call := m.wanted()
	if call == scheduler.Call_UNKNOWN || now.Before(m.demandAt) {
		return
	}
	m.told = suppressed
	if call == scheduler.Call_REVIVE {
		m.told, m.filtered, m.lift = revived, false, false
		m.demandAt = now.Add(m.settings.reviveInterval)
	}
	m.call(&scheduler.Call{Type: call})
}
