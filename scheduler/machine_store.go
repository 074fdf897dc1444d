package scheduler

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// Changes are collected while one writing is under way and written together by the next. What
// depends on a change waits with it.

// change is one record to be written.
type change struct {
	id        string // of a task; empty: that of the framework
	framework string
	task      *saved // nil: the record is to go
}

func (c change) String() string {
	switch {
	case c.id == "" && c.framework == "":
		return "no framework"
	case c.id == "":
		return "framework " + c.framework
	case c.task == nil:
		return "no " + c.id
	}
	return c.id + " " + c.task.info.State.String()
}

// saved is what a store keeps of a task.
type saved struct {
	info      task.Info
	agent     *task.Agent // where it is; nil: nowhere
	serial    int         // place in the order of submission
	launches  int32       // that the master took
	confirmed bool        // an executor or agent told of it: it got further than its launch
	doubtful  bool        // an earlier launch may still take effect
	killing   bool        // its end is wanted
	uuids     recent      // of the last updates
	// unknownSince is when the master first said that it does not know the task; zero: it did not.
	unknownSince time.Time
}

// waitingAction may not be performed before what led to it is stored.
type waitingAction struct {
	since  time.Time
	action action
}

// offerAge is how old an offer may get while its launch waits for the store. An older one may
// well be gone, and keeps others from its resources.
const offerAge = 10 * time.Second

// touch has the record of a task, or with "" that of the framework, written.
func (m *machine) touch(id string) {
	if m.settings.durable && !m.isDirty[id] {
		m.isDirty[id] = true
		m.dirty = append(m.dirty, id)
	}
}

// after performs an action once everything that has changed is stored.
func (m *machine) after(now time.Time, a action) {
	w := waitingAction{now, a}
	if r, ok := a.(reply); ok && (len(m.dirty) > 0 || m.writing) {
		m.unstored[r.ref] = true
	}
	switch {
	case len(m.dirty) > 0:
		m.waitingNext = append(m.waitingNext, w)
	case m.writing:
		m.waitingNow = append(m.waitingNow, w)
	default:
		if r, ok := a.(reply); ok {
			m.do(r)
			return
		}
		m.release(now, w)
	}
}

// flush begins a writing if there is something to write and no other is under way.
func (m *machine) flush(now time.Time) {
	if m.writing || m.halted || len(m.dirty) == 0 || now.Before(m.storeAt) {
		return
	}
	changes := make([]change, len(m.dirty))
	for i, id := range m.dirty {
		changes[i] = change{id: id}
		if id == "" {
			changes[i].framework, m.storing = m.framework, m.framework
		} else if r := m.tasks[id]; r != nil {
			s := r.saved
			changes[i].task = &s
		}
	}
	m.writing = true
	m.written, m.dirty = m.dirty, nil
	m.waitingNow, m.waitingNext = m.waitingNext, nil
	clear(m.isDirty)
	m.do(store{changes})
}

// stored takes the end of a writing.
func (m *machine) stored(now time.Time, err error) {
	released := m.waitingNow
	m.writing, m.waitingNow = false, nil
	if err != nil {
		for _, id := range m.written {
			m.touch(id)
		}
		m.waitingNext = append(released, m.waitingNext...)
		m.storeAt = now.Add(m.backoff(m.storeFailures))
		m.storeFailures++
		m.storeErr = err
		m.do(notify{StoreEvent{Err: err, NextAttempt: m.storeAt}})
		// Nobody knows how long it will take.
		for _, c := range m.takeBackAccepts(now, all) {
			m.giveBack(c.Accept.OfferIDs)
		}
		return
	}
	m.kept = m.storing
	if m.storeFailures > 0 {
		m.storeFailures = 0
		m.demand.TaskCame("")
		m.do(notify{StoreEvent{}})
	}
	for _, w := range released {
		m.release(now, w)
	}
}

// release performs an action whose reason is stored by now, if it still makes sense.
func (m *machine) release(now time.Time, w waitingAction) {
	if r, ok := w.action.(register); ok {
		m.registered(now, r.stream)
		return
	}
	if r, ok := w.action.(reply); ok {
		if r.ref == 0 || m.unstored[r.ref] {
			delete(m.unstored, r.ref)
			m.do(r)
		}
		return
	}
	s, ok := w.action.(send)
	if !ok {
		m.do(w.action)
		return
	}
	switch {
	case s.stream != m.stream || m.phase != connected:
		return // an update comes again, and what was to be launched is pending
	case s.call.GetType() != scheduler.Call_ACCEPT:
		m.do(s)
	case now.Sub(w.since) > offerAge:
		m.takeBack(now, s.call)
		m.giveBack(s.call.Accept.OfferIDs)
	default:
		m.releaseAccept(now, s)
	}
}

// releaseAccept launches what is still to be launched: an earlier launch that was taken for lost may
// have turned out not to be.
func (m *machine) releaseAccept(now time.Time, s send) {
	accept := s.call.Accept
	accept.Operations = slices.DeleteFunc(accept.Operations, func(o mesos.Offer_Operation) bool {
		return slices.ContainsFunc(launchedIn(&o), func(t *mesos.TaskInfo) bool {
			r := m.tasks[t.TaskID.Value]
			return r == nil || r.info.State != task.Staging || r.offer != accept.OfferIDs[0].Value
		})
	})
	if len(accept.Operations) == 0 {
		m.giveBack(accept.OfferIDs)
		return
	}
	m.sendAccept(now, s)
}

// takeBackAccepts takes back those launches among the waiting ones which the function picks, and
// returns them.
func (m *machine) takeBackAccepts(now time.Time, pick func(*scheduler.Call) bool) []*scheduler.Call {
	var taken []*scheduler.Call
	picked := func(w waitingAction) bool {
		s, ok := w.action.(send)
		if !ok || s.call.GetType() != scheduler.Call_ACCEPT || !pick(s.call) {
			return false
		}
		taken = append(taken, s.call)
		return true
	}
	m.waitingNow = slices.DeleteFunc(m.waitingNow, picked)
	m.waitingNext = slices.DeleteFunc(m.waitingNext, picked)
	for _, c := range taken {
		m.takeBack(now, c)
	}
	return taken
}

func all(*scheduler.Call) bool { return true }

// dropCalls forgets the calls that wait: their stream has ended, and their updates will come again.
func (m *machine) dropCalls() {
	isCall := func(w waitingAction) bool {
		_, ok := w.action.(send)
		return ok
	}
	m.waitingNow = slices.DeleteFunc(m.waitingNow, isCall)
	m.waitingNext = slices.DeleteFunc(m.waitingNext, isCall)
}

// giveBack returns offers that were not used, without a filter: they may well fit.
func (m *machine) giveBack(offers []mesos.OfferID) {
	if m.phase == connected {
		m.decline(offers, 0)
	}
}

// takeBack makes the tasks of an ACCEPT that was never sent pending again.
func (m *machine) takeBack(now time.Time, c *scheduler.Call) {
	for _, t := range launchedBy(c) {
		if r := m.tasks[t.TaskID.Value]; r != nil && r.info.State == task.Staging {
			m.requeue(now, r)
		}
	}
}

// isWaiting tells whether a reply waits for the store, and forgets it.
func (m *machine) isWaiting(caller ref) bool {
	found := m.unstored[caller]
	delete(m.unstored, caller)
	return found
}

// restore fills a new machine with what a store kept.
func (m *machine) restore(framework string, tasks []saved) {
	m.framework, m.storing, m.kept = framework, framework, framework
	slices.SortFunc(tasks, func(a, b saved) int { return a.serial - b.serial })
	var ended []*record
	records := make([]*record, len(tasks))
	for i, s := range tasks {
		records[i] = &record{saved: s}
		m.tasks[s.info.Spec.ID] = records[i]
		m.serial = max(m.serial, s.serial)
	}
	m.restorePods(records)
	for _, r := range records {
		if r.pod == nil {
			m.joinShape(r, &r.info.Spec)
		}
		m.settle(r)
		switch state := r.info.State; {
		case state == task.Pending && r == r.head():
			m.pending = append(m.pending, r)
		case state.Terminal():
			ended = append(ended, r)
		}
	}
	pending := slices.Clone(m.pending)
	slices.SortStableFunc(pending, func(a, b *record) int { return a.info.Updated.Compare(b.info.Updated) })
	for _, r := range pending {
		m.awaits(r, false)
	}
	slices.SortStableFunc(ended, func(a, b *record) int { return a.info.Updated.Compare(b.info.Updated) })
	for _, r := range ended {
		m.retire(r)
	}
}

// recent remembers the uuids of a task's last updates, the latest first. An agent sends one until it is
// acknowledged, and the next one then, so that an older one can come again only from a connection that
// lags. Of the 122 random bits of a uuid 64 are kept: two alike among four are not to be expected.
type recent [4]uint64

// seen tells whether a uuid is among them, and puts it there.
func (r *recent) seen(uuid []byte) bool {
	if len(uuid) == 0 {
		return false
	}
	u := fold(uuid)
	if slices.Contains(r[:], u) {
		return true
	}
	copy(r[1:], r[:])
	r[0] = u
	return false
}

// fold makes 64 bits of a uuid, never 0.
func fold(uuid []byte) uint64 {
	var whole [16]byte
	copy(whole[:], uuid)
	first, second := binary.BigEndian.Uint64(whole[:8]), binary.BigEndian.Uint64(whole[8:])
	return max(1, first^bits.RotateLeft64(second, 1)) // rotated: two equal halves would be nothing
}
