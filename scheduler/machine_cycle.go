package scheduler

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// cyclePause is the least time between two cycles: the first of many tasks is launched at once,
// the others together, since each launch uses up its offer.
const cyclePause = 5 * time.Millisecond

// wantsCycle tells whether there is something to match.
func (m *machine) wantsCycle() bool {
	return m.phase == connected && len(m.offered) > 0 && (m.news || m.fresh && len(m.pending) > 0)
}

// cycle matches what is pending with the offers at hand, and launches tasks on them.
func (m *machine) cycle(now time.Time) {
	if !m.wantsCycle() || now.Before(m.matchAt()) {
		return
	}
	if m.tearing || m.storeFailures > 0 { // nothing may be launched now
		m.declineAll(now)
		return
	}
	m.cycleAt = now.Add(cyclePause)
	m.endQuarantines(now)
	offers := make([]task.Offer, len(m.offered))
	used := make(map[string]*use, len(m.offered)) // by offer
	for i, o := range m.offered {
		offers[i] = task.OfferFromMesos(o.Offer)
		offers[i].Quarantined = m.quarantinedOn(offers[i].Agent.ID)
		used[offers[i].ID] = &use{agentID: offers[i].Agent.ID, role: offers[i].Role}
	}
	event := OfferEvent{Offers: len(offers)}
	var launches []*use
	if tasks := m.matchable(now); len(tasks) > 0 {
		var placements []task.Placement
		placements, event.Rejections, event.Err = m.match(now, tasks, offers)
		for _, p := range placements {
			info, err := m.prepare(now, p, used)
			if err != nil {
				event.Err = err
			} else if info != nil {
				u := used[p.OfferIDs[0]]
				if len(u.tasks) == 0 {
					launches = append(launches, u)
				}
				u.tasks = append(u.tasks, *info)
				event.Placed++
			}
		}
		m.pending = slices.DeleteFunc(m.pending, func(r *record) bool { return r.info.State != task.Pending })
	}
	m.news, m.fresh = false, false
	m.preferAgent(now, launches)
	for _, u := range launches {
		m.accept(now, u)
	}
	m.offered = slices.DeleteFunc(m.offered, func(h held) bool { return len(used[h.ID.Value].tasks) > 0 })
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

// match asks the matcher. It is user code: a panic costs the task at fault. If no single task is,
// it costs this cycle only.
func (m *machine) match(now time.Time, tasks []*record, offers []task.Offer) ([]task.Placement, []task.Rejection, error) {
	placed, rejected, err := m.tryMatch(now, tasks, offers)
	if err == nil {
		return placed, rejected, nil
	}
	guilty := map[*record]error{}
	for _, r := range tasks {
		if _, _, err := m.tryMatch(now, []*record{r}, offers); err != nil {
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
	placed, rejected, again := m.tryMatch(now, innocent, offers)
	return placed, rejected, cmp.Or(again, err)
}

func (m *machine) tryMatch(now time.Time, records []*record, offers []task.Offer) (placed []task.Placement, rejected []task.Rejection, err error) {
	defer func() {
		if p := recover(); p != nil {
			placed, rejected, err = nil, nil, panicked("the matcher", p)
		}
	}()
	demands := make([]task.Demand, len(records))
	for i, r := range records {
		demands[i] = task.Demand{ID: r.info.Spec.ID, Spec: r.shape.spec}
	}
	placed, rejected = m.settings.matcher.Match(task.Cycle{Now: now, Tasks: demands, Offers: offers})
	return placed, rejected, nil
}

// use is what becomes of an offer in a cycle. Offers that are accepted together share one.
type use struct {
	agentID, role string
	offers        []string // nil: not used so far
	tasks         []mesos.TaskInfo
}

// together gives the use of the offers that a placement names, or an error if they cannot be accepted
// together: those of different agents or roles a master takes for invalid, and loses the tasks.
func together(p task.Placement, used map[string]*use) error {
	if len(p.OfferIDs) == 0 {
		return fmt.Errorf("scheduler: the matcher placed task %q on no offer", p.TaskID)
	}
	first := used[p.OfferIDs[0]]
	for i, id := range p.OfferIDs {
		u := used[id]
		switch {
		case slices.Contains(p.OfferIDs[:i], id):
			return fmt.Errorf("scheduler: the matcher placed task %q on offer %q twice", p.TaskID, id)
		case u == nil || u.agentID != p.AgentID:
			return fmt.Errorf("scheduler: the matcher placed task %q on offer %q of agent %q, which is not there", p.TaskID, id, p.AgentID)
		case u.role != first.role:
			return fmt.Errorf("scheduler: the matcher placed task %q on offers for the roles %q and %q", p.TaskID, first.role, u.role)
		case u.offers != nil && !slices.Equal(u.offers, p.OfferIDs):
			return fmt.Errorf("scheduler: the matcher placed task %q on the offers %q, and another one on %q", p.TaskID, p.OfferIDs, u.offers)
		}
	}
	for _, id := range p.OfferIDs {
		used[id] = first
	}
	first.offers = p.OfferIDs
	return nil
}

// prepare turns a placement into a launch and records it. It returns nil for a task that cannot
// be built, which thereby has failed, and an error when the placement itself makes no sense.
func (m *machine) prepare(now time.Time, p task.Placement, used map[string]*use) (*mesos.TaskInfo, error) {
	r := m.tasks[p.TaskID]
	if r == nil || r.info.State != task.Pending {
		return nil, fmt.Errorf("scheduler: the matcher placed task %q, which is not pending", p.TaskID)
	}
	if err := together(p, used); err != nil {
		return nil, err
	}
	info, err := m.build(r.info.Spec, p)
	if err != nil {
		m.change(now, r, task.Error, err)
		return nil, nil
	}
	r.info.AgentID, r.info.Hostname, r.info.HostPorts = p.AgentID, p.Hostname, p.HostPorts
	r.offer, r.accepting, r.withheld, r.asked, r.round = p.OfferIDs[0], true, true, false, m.reconciliation.round
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
