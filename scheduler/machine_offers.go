package scheduler

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/task"
)

const (
	// holdOffers is how long an offer that nothing fits is kept for tasks to come, which need not
	// wait for the master then.
	holdOffers = 100 * time.Millisecond
	// cyclePause is the least time between two cycles: the first of many tasks is launched at once,
	// the others together, since each launch uses up its offer.
	cyclePause = 5 * time.Millisecond
)

// wantsCycle tells whether there is something to match.
func (m *machine) wantsCycle() bool {
	return m.phase == connected && len(m.offered) > 0 && (m.news || m.fresh && len(m.pending) > 0)
}

// cycle matches what is pending with the offers at hand, and launches tasks on them.
func (m *machine) cycle(now time.Time) {
	if !m.wantsCycle() || now.Before(m.cycleAt) {
		return
	}
	if m.tearing || m.storeFailures > 0 { // nothing may be launched now
		m.declineAll()
		return
	}
	m.cycleAt = now.Add(cyclePause)
	m.endQuarantines(now)
	offers := make([]task.Offer, len(m.offered))
	agents := make(map[string]string, len(m.offered)) // by offer
	for i, o := range m.offered {
		offers[i] = task.OfferFromMesos(o)
		offers[i].Quarantined = m.quarantinedOn(offers[i].AgentID)
		agents[offers[i].ID] = offers[i].AgentID
	}
	event := OfferEvent{Offers: len(offers)}
	launches := map[string][]mesos.TaskInfo{} // by offer
	if tasks := m.matchable(now); len(tasks) > 0 {
		var placements []task.Placement
		placements, event.Rejections, event.Err = m.match(now, tasks, offers)
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
	m.news, m.fresh = false, false
	m.offered = slices.DeleteFunc(m.offered, func(o mesos.Offer) bool {
		tasks := launches[o.ID.Value]
		if tasks != nil {
			m.accept(now, o.ID, tasks)
		}
		return tasks != nil
	})
	event.Pending = len(m.pending)
	m.do(notify{event})
}

// matchable are the tasks to be matched: all that are pending if there are new offers, else those
// that came since; the others did not fit before.
func (m *machine) matchable(now time.Time) []*record {
	var tasks []*record
	for _, r := range m.pending {
		waits := r.former != nil && now.Before(r.former.notBefore)
		if (m.news || r.fresh) && !waits {
			tasks = append(tasks, r)
		}
		r.fresh = false
	}
	return tasks
}

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

// match asks the matcher. It is user code: a panic costs the task at fault. If no single task is,
// it costs this cycle only.
func (m *machine) match(now time.Time, tasks []*record, offers []task.Offer) ([]task.Placement, []task.Rejection, error) {
	placed, rejected, err := m.tryMatch(tasks, offers)
	if err == nil {
		return placed, rejected, nil
	}
	guilty := map[*record]error{}
	for _, r := range tasks {
		if _, _, err := m.tryMatch([]*record{r}, offers); err != nil {
			guilty[r] = err
		}
	}
	if len(guilty) == 0 || len(guilty) == len(tasks) && len(tasks) > 1 { // none, or an offer, or the matcher itself
		return nil, nil, err
	}
	innocent := slices.DeleteFunc(slices.Clone(tasks), func(r *record) bool {
		err := guilty[r]
		if err != nil {
			m.withdraw(r)
			m.change(now, r, task.Error, err)
		}
		return err != nil
	})
	if len(innocent) == 0 {
		return nil, nil, err
	}
	placed, rejected, again := m.tryMatch(innocent, offers)
	return placed, rejected, cmp.Or(again, err)
}

func (m *machine) tryMatch(records []*record, offers []task.Offer) (placed []task.Placement, rejected []task.Rejection, err error) {
	defer func() {
		if p := recover(); p != nil {
			placed, rejected, err = nil, nil, panicked("the matcher", p)
		}
	}()
	specs := make([]task.Spec, len(records))
	for i, r := range records {
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
		m.change(now, r, task.Error, err)
		return nil, nil
	}
	r.info.AgentID, r.info.Hostname, r.info.HostPorts = p.AgentID, p.Hostname, p.HostPorts
	r.offer, r.accepting, r.withheld, r.asked, r.round = p.OfferID, true, true, false, m.reconciliation.round
	m.change(now, r, task.Staging, nil)
	return &info, nil
}

// build asks the builder. It is user code: a panic costs this task only.
func (m *machine) build(s task.Spec, p task.Placement) (info mesos.TaskInfo, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked("the builder", p)
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
func (m *machine) accept(now time.Time, offer mesos.OfferID, tasks []mesos.TaskInfo) {
	operations := make([]mesos.Offer_Operation, len(tasks))
	for i := range tasks {
		operations[i] = mesos.Offer_Operation{
			Type:   mesos.Offer_Operation_LAUNCH,
			Launch: &mesos.Offer_Operation_Launch{TaskInfos: tasks[i : i+1 : i+1]},
		}
	}
	m.filtered = true
	s := m.ready(&scheduler.Call{Type: scheduler.Call_ACCEPT, Accept: &scheduler.Call_Accept{
		OfferIDs:   []mesos.OfferID{offer},
		Operations: operations,
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
	offer := in.call.Accept.OfferIDs[0]
	for _, t := range launchedBy(in.call) {
		r := m.tasks[t.TaskID.Value]
		if r == nil || r.offer != offer.Value || !r.accepting {
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
			OfferIDs: []mesos.OfferID{offer},
			Filters:  filters(0), // it may well fit
		}}})
	}
}

// wantsOffers tells whether there is something to launch, and nothing against it.
func (m *machine) wantsOffers() bool { return len(m.pending) > 0 && m.storeFailures == 0 }

// wanted is the call that makes the master's offers follow the demand: none while nothing is
// pending, and at once when something new is, even if we refused the same offers before.
func (m *machine) wanted() scheduler.Call_Type {
	switch {
	case m.phase != connected || m.tearing || m.wantsCycle(): // which may change it
	case !m.wantsOffers() && m.told != suppressed:
		return scheduler.Call_SUPPRESS
	case m.wantsOffers() && (m.told != revived || m.lift):
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

// quarantinedOn lists the ports of an agent that are in quarantine, ascending.
func (m *machine) quarantinedOn(agentID string) []uint16 {
	var ports []uint16
	for _, q := range m.quarantine {
		if q.agentID == agentID {
			ports = append(ports, q.ports...)
		}
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}

func (m *machine) endQuarantines(now time.Time) {
	m.quarantine = slices.DeleteFunc(m.quarantine, func(q quarantined) bool { return !now.Before(q.until) })
}
