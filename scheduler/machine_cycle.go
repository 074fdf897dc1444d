package scheduler

import (
	"errors"
	"fmt"
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/internal/printable"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// wantsCycle reports whether there are new offers, or new tasks for the offers at hand, and they may be accepted.
func (m *machine) wantsCycle() bool {
	return m.conn.connected() && m.pool.size() > 0 && !m.backoff.closed(acceptCalls) && (m.pool.newOffers || m.pool.again || len(m.backlog.newTasks) > 0 && m.backlog.pending.Len() > 0)
}

// awaitsAgent reports whether pending tasks wait for the preferred agent.
func (m *machine) awaitsAgent() bool {
	return m.pool.preferred.agentID != "" && m.backlog.pending.Len() > 0
}

// cycleDue returns when the next cycle may be.
func (m *machine) cycleDue() time.Time {
	if until := m.pool.preferred.until; m.awaitsAgent() && until.After(m.pool.cycleNotBefore) {
		return until
	}
	return m.pool.cycleNotBefore
}

// preferAgent makes the next tasks wait for one of the agents of these launches, if the policy asks for it.
func (m *machine) preferAgent(now time.Time, launches []*offerUse) {
	if m.settings.waitPreferred > 0 {
		m.pool.prefer(launches, m.backlog.waitUntil(now, m.settings.waitPreferred))
	}
}

// cycle matches the pending tasks with the offers at hand, and launches those that fit.
func (m *machine) cycle(now time.Time) {
	if !m.wantsCycle() || now.Before(m.cycleDue()) {
		return
	}
	if m.teardown.wanted || m.storage.failing() { // nothing may be launched now
		m.refuse(now, m.pool.takeAll())
		return
	}
	m.pool.pause(now.Add(cyclePause))
	event := OfferEvent{Offers: m.pool.size()}
	var launches []*offerUse
	var used map[string]*offerUse
	if tasks := m.backlog.matchable(now, m.pool.newOffers, m.pool.again); len(tasks) > 0 {
		var offers []task.Offer
		offers, used = m.offersAtHand(now)
		input := m.cycleOf(now, tasks, offers)
		var placements []task.Placement
		placements, event.Rejections, event.Err = m.match(now, input)
		answers := newAnswers(tasks)
		launches = m.prepareAll(now, placements, used, answers)
		if event.Err == nil {
			m.checkAnswers(answers, placements, event.Rejections)
		}
		event.Err = errors.Join(event.Err, answers.err())
		m.matchErr = event.Err
		m.awaitAgents(now, input.Agents, event.Rejections)
		m.keepFindings(Finding{At: now, Offers: len(offers)}, event.Rejections)
		m.failForCapacity(now, m.backlog.exhausted())
	}
	m.pool.markSeen()
	m.preferAgent(now, launches)
	for _, u := range launches {
		event.Placed += len(u.operations)
		m.census.noteUse(u.agentID, u.role, u.left)
		m.accept(now, u)
	}
	if len(launches) > 0 {
		m.pool.drop(func(i int) bool { return len(used[m.pool.offers[i].ID].operations) > 0 })
	}
	if m.backlog.pending.Len() > 0 {
		m.pool.shorten(now)
	}
	event.Pending = m.backlog.pending.Len()
	m.emit(notify{event})
}

// prepareAll prepares the placements and returns the offers that are used.
func (m *machine) prepareAll(now time.Time, placements []task.Placement, used map[string]*offerUse, answers *answers) []*offerUse {
	var launches []*offerUse
	var gone []*entry // no longer pending
	for i := range placements {
		p := &placements[i]
		e := m.tasks.byID[p.TaskID]
		if e == nil || e.Info.State != task.StatePending || e != e.head() {
			answers.fault(fmt.Errorf("scheduler: the matcher placed task %q, which is not pending", p.TaskID))
			continue
		}
		answers.answered(e.class.spec, 1)
		u, operation, err := m.prepare(now, e, p, used)
		if err != nil {
			answers.fault(err)
			continue
		}
		gone = append(gone, e)
		if operation != nil {
			if len(u.operations) == 0 {
				launches = append(launches, u)
			}
			u.operations = append(u.operations, *operation)
		}
	}
	m.backlog.removeAll(gone)
	return launches
}

// offersAtHand returns the offers at hand in the form that a matcher gets, and the use of each, by its ID.
func (m *machine) offersAtHand(now time.Time) ([]task.Offer, map[string]*offerUse) {
	quarantined := m.quarantine.ports(now)
	offers := slices.Clone(m.pool.atHand()) // a matcher may sort them, though it should not
	uses := make([]offerUse, len(offers))
	used := make(map[string]*offerUse, len(offers)) // by offer
	for i := range offers {
		offers[i].Quarantined = quarantined[offers[i].Agent.ID]
		uses[i] = offerUse{agentID: offers[i].Agent.ID, role: offers[i].Role, resources: offers[i].Resources}
		used[offers[i].ID] = &uses[i]
	}
	return offers, used
}

// prepare turns a placement into a launch and records it. It returns no operation for a task that cannot be built, which
// has then failed, and an error for a placement that is invalid.
func (m *machine) prepare(now time.Time, e *entry, p *task.Placement, used map[string]*offerUse) (*offerUse, *mesos.Offer_Operation, error) {
	if err := useTogether(*p, used); err != nil {
		return nil, nil, err
	}
	if err := checkPlacement(e.class.spec, p); err != nil {
		return nil, nil, err
	}
	parts, err := e.parts(*p)
	if err != nil {
		return nil, nil, err
	}
	u := used[p.OfferIDs[0]]
	if err := u.take(p); err != nil {
		return nil, nil, fmt.Errorf("scheduler: the matcher placed task %q on what it was not offered: %w", p.TaskID, err)
	}
	operation, err := m.build(e, parts)
	if err != nil {
		for _, e := range e.members() {
			m.setState(now, e, task.StateError, err)
		}
		return nil, nil, nil
	}
	e.custom = customExecutor(operation)
	for i, e := range e.members() {
		e.assign(now, parts[i])
		m.reconciliation.skip(e)
		m.tasks.advanceLaunch(e, eventPlaced)
		m.setState(now, e, task.StateStaging, nil)
	}
	return u, operation, nil
}

// build calls the builder and returns the operation that launches a task, or a whole pod. Parts are the placements of the
// members, and of a pod also its executor's. Each task has an operation of its own, since Mesos refuses a whole operation
// for one malformed resource in it, and other tasks should not be lost with it. The builder is user code: if it panics, only
// this task fails.
func (m *machine) build(e *entry, parts []task.Placement) (operation *mesos.Offer_Operation, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked("the builder", p)
		}
	}()
	m.placed.keep(parts)
	if e.pod != nil {
		operation, err = m.buildPod(e.pod, parts)
	} else {
		var info mesos.TaskInfo
		info, err = m.settings.builder.Build(task.BuildInput{Spec: e.Info.Spec.Whole(), Placement: parts[0], FrameworkID: m.conn.frameworkID})
		operation = &mesos.Offer_Operation{Type: mesos.Offer_Operation_LAUNCH, Launch: &mesos.Offer_Operation_Launch{TaskInfos: []mesos.TaskInfo{info}}}
	}
	if err != nil {
		return nil, fmt.Errorf("scheduler: the builder refused: %w", printable.Error(err))
	}
	// If a required field is missing the whole ACCEPT could not be sent.
	if err := m.placed.checkComplete(operation); err != nil {
		return nil, fmt.Errorf("scheduler: the builder made what cannot be sent: %w", err)
	}
	if err := m.placed.checkBuilt(e, operation, parts); err != nil {
		return nil, err
	}
	return operation, nil
}

// customExecutor returns the ID of the executor that the builder gave a task, "" if it gave none.
func customExecutor(operation *mesos.Offer_Operation) string {
	if tasks := operation.GetLaunch().GetTaskInfos(); len(tasks) == 1 {
		return tasks[0].GetExecutor().GetExecutorID().Value
	}
	return ""
}

// declineHeld declines the offers that have been held for long enough.
func (m *machine) declineHeld(now time.Time) {
	if !m.wantsCycle() {
		m.refuse(now, m.pool.takeExpired(now, m.backlog.pending.Len() == 0))
	}
}
