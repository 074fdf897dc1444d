package scheduler

import (
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// launchPause is the longest pause between writes that fail while launches wait for them: of fifteen writes or so within
// offerAge one may succeed.
const launchPause = 2 * time.Second

// flush begins a write if there is something to write and no write is under way.
func (m *machine) flush(now time.Time) {
	if changes := m.storage.begin(now, m.framework(), &m.tasks); len(changes) > 0 {
		m.emit(store{changes})
	}
}

// stored takes the outcome of a write, or of a part of it.
func (m *machine) stored(now time.Time, in stored) {
	if in.err != nil {
		m.storeFailed(now, in.err)
		return
	}
	failed := m.storage.failing()
	released := m.storage.stored(now, in.records)
	if failed {
		m.demand.TaskArrived("")
		m.emit(notify{StoreEvent{}})
	}
	for _, w := range released {
		m.release(now, w.Action)
	}
	m.endLongWaits(now, now)
}

// storeFailed takes a failure of the store. Launches that wait for it are kept for a while: it may recover soon.
func (m *machine) storeFailed(now time.Time, err error) {
	if err = asFenced(err); final(err) {
		if m.conn.phase == stopped { // the framework was torn down, and the run was to end when that is stored
			m.emit(notify{ConnectionEvent{FrameworkID: m.conn.frameworkID, Err: err}})
			m.halt(err)
			return
		}
		m.disconnected(now, err)
		return
	}
	if m.stopUnmarked(err) {
		return
	}
	bound := m.bound(m.storage.journal.Failures())
	if m.storage.launches.Len() > 0 {
		bound = min(bound, launchPause)
	}
	retryAt := now.Add(m.random(bound))
	m.storage.failed(err, retryAt)
	m.emit(notify{StoreEvent{Err: err, NextAttempt: retryAt}})
	m.endLongWaits(now, retryAt)
}

// returnLaunches cancels the launches that wait for the store, and returns their offers.
func (m *machine) returnLaunches(now time.Time) {
	for _, c := range m.cancelLaunches(now, "the master takes no ACCEPT", all) {
		m.returnOffers(c.Accept.OfferIDs)
	}
}

// endLongWaits ends the wait of launches that are still waiting for the store when their offers are too old. The tasks whose
// own records are stored are launched, though others of the same write are not: a store that takes a task at a time, and
// fails often, would otherwise never get to the end of a large ACCEPT. The other tasks are pending again.
func (m *machine) endLongWaits(now, by time.Time) {
	if oldest, ok := m.storage.oldestLaunch(); !ok || by.Sub(oldest) <= m.storage.offerAge {
		return
	}
	givenUp := false
	for _, s := range m.storage.takeLaunches(func(h heldLaunch) bool { return by.Sub(h.since) > m.storage.offerAge }) {
		accept := s.call.Accept
		accept.Operations = slices.DeleteFunc(accept.Operations, func(o mesos.Offer_Operation) bool {
			tasks := launchedIn(&o)
			if !slices.ContainsFunc(tasks, m.notStored) {
				return false
			}
			m.requeueHeld(now, tasks, "the store has not taken the launch for too long")
			givenUp = true
			return true
		})
		m.releaseAccept(now, s)
	}
	if givenUp {
		m.storage.waitLonger()
	}
}

// notStored reports whether the store may not have the record of a task as it is now.
func (m *machine) notStored(t *mesos.TaskInfo) bool { return m.storage.journal.Changed(t.TaskID.Value) }

// release performs an action that waited for the store, if it still makes sense.
func (m *machine) release(now time.Time, a action) {
	switch a := a.(type) {
	case register:
		m.registered(now, a.stream)
	case subscribeNext:
		m.recorded(now)
	case reply:
		if _, found := m.storage.takeCaller(a.ref); found || a.ref == 0 {
			m.emit(a)
		}
	case *leftOut:
		m.emit(notify{LagEvent{Missed: a.events}})
	case send:
		m.releaseCall(now, a)
	default:
		m.emit(a)
	}
}

func (m *machine) releaseCall(now time.Time, s send) {
	switch {
	case s.stream != m.conn.stream || !m.conn.connected():
		// Nothing is lost: the agent repeats an update that is not acknowledged, and tasks to be launched are pending again.
	case s.call.GetType() != scheduler.Call_ACCEPT:
		m.dispatch(s)
	default:
		m.releaseAccept(now, s)
	}
}

// releaseAccept sends an ACCEPT with the tasks that are still to be launched. A task is not if an update has shown
// meanwhile that an earlier launch, which was taken for lost, had an effect.
func (m *machine) releaseAccept(now time.Time, s send) {
	accept := s.call.Accept
	held := func(t *mesos.TaskInfo) bool {
		e := m.tasks.byID[t.TaskID.Value]
		return e != nil && e.launch == launchHeld && e.usesOffer(accept.OfferIDs[0])
	}
	accept.Operations = slices.DeleteFunc(accept.Operations, func(o mesos.Offer_Operation) bool {
		tasks := launchedIn(&o)
		if !slices.ContainsFunc(tasks, func(t *mesos.TaskInfo) bool { return !held(t) }) {
			return false
		}
		for _, t := range tasks {
			if held(t) { // a member of a pod: ask the master about it, since the others were launched
				e := m.tasks.byID[t.TaskID.Value]
				m.tasks.advanceLaunch(e, eventAnswered)
				m.startLaunchTimer(e, now.Add(callRetry))
				if e.Killing {
					m.sendKill(now, e)
				}
			}
		}
		return true
	})
	if len(accept.Operations) == 0 {
		m.returnOffers(accept.OfferIDs)
		return
	}
	m.sendAccept(now, s)
}

// restore fills a new machine with what was stored.
func (m *machine) restore(framework record.Framework, tasks []record.Task, left []record.Ended) {
	m.conn.restore(framework)
	m.storage.restore(framework)
	m.tasks.remembered.restore(left)
	entries := m.tasks.restore(tasks)
	var pending, ended []*entry
	m.restorePods(entries)
	for _, e := range entries {
		if e.pod == nil {
			m.classify(e, e.Info.Spec.Base())
		}
		m.census.recount(e)
		switch state := e.Info.State; {
		case state == task.StatePending && e == e.head():
			pending = append(pending, e)
		case state.Terminal():
			ended = append(ended, e)
		}
	}
	slices.SortStableFunc(pending, func(a, b *entry) int { return a.Info.Updated.Compare(b.Info.Updated) })
	for _, e := range pending {
		m.backlog.add(e, false)
	}
	slices.SortStableFunc(ended, func(a, b *entry) int { return a.Info.Updated.Compare(b.Info.Updated) })
	for _, e := range ended {
		m.retire(e)
	}
	m.takeRemoved()               // nobody has seen them in this run
	m.trimRemembered(time.Time{}) // those beyond the number; what is too old is forgotten when the run begins
}
