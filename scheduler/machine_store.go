package scheduler

import (
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/journal"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// Changes are collected while one writing is under way and written together by the next. What
// depends on a change waits with it.

// change is one record to be written.
type change struct {
	id        string // of a task; empty: that of the framework
	joined    bool   // written together with the one before, all or none
	framework string
	task      *record.Task // nil: its entries are to go
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
	return c.id + " " + c.task.Info.State.String()
}

// offerAge is how old an offer may get while its launch waits for the store. An older one may
// well be gone, and keeps others from its resources.
const offerAge = 10 * time.Second

// storage is what the machine keeps about its store.
type storage struct {
	journal journal.Journal[action]
	callers map[ref]bool      // that have a reply among the waiting actions
	specs   map[string]*entry // by ID: tasks with whose state the spec is being written
	// Framework IDs: in the writing under way, and known to be stored.
	writingID, durableID string
}

// touch has the record of a task, or with "" that of the framework, written.
func (m *machine) touch(id string) {
	switch {
	case !m.settings.durable:
	case id == "" && m.conn.frameworkID == "": // what ran under it must not be on record without it
		m.storage.journal.TouchLast(id)
	default:
		m.storage.journal.Touch(id)
	}
}

// after performs an action once everything that has changed is stored.
func (m *machine) after(now time.Time, a action) {
	r, isReply := a.(reply)
	switch {
	case m.storage.journal.Add(now, a):
		if isReply {
			m.storage.callers[r.ref] = true
		}
	case isReply:
		m.do(r)
	default:
		m.release(now, now, a)
	}
}

// flush begins a writing if there is something to write and no other is under way.
func (m *machine) flush(now time.Time) {
	keys := m.storage.journal.Begin(now, m.storedTogether)
	if len(keys) == 0 {
		return
	}
	changes := make([]change, len(keys))
	for i, k := range keys {
		changes[i] = change{id: k.Key, joined: k.Joined}
		if k.Key == "" {
			changes[i].framework, m.storage.writingID = m.conn.frameworkID, m.conn.frameworkID
		} else if e := m.tasks.byID[k.Key]; e != nil {
			t := e.Task
			t.Confirmed = e.launch == launchConfirmed
			changes[i].task = &t
			if !t.SpecStored {
				m.storage.specs[k.Key] = e
			}
		}
	}
	m.do(store{changes})
}

// storedTogether returns the members of a task's pod, none for other tasks.
func (m *machine) storedTogether(id string) []string {
	e := m.tasks.byID[id]
	if e == nil || e.pod == nil {
		return nil
	}
	return e.pod.ids
}

// stored takes the end of a writing, or of a part of it.
func (m *machine) stored(now time.Time, in stored) {
	j := &m.storage.journal
	failures := j.Failures()
	if in.err != nil {
		m.storeFailed(now, in.err)
		return
	}
	keys, released := j.Stored(in.records)
	for _, key := range keys {
		if e := m.storage.specs[key]; e != nil {
			e.SpecStored = true
			delete(m.storage.specs, key)
		}
	}
	if slices.Contains(keys, "") {
		m.storage.durableID = m.storage.writingID
	}
	if failures > 0 {
		m.demand.TaskCame("")
		m.do(notify{StoreEvent{}})
	}
	for _, w := range released {
		m.release(now, w.Since, w.Action)
	}
}

// storeFailed takes a failure. Nobody knows how long the store will take to recover, so that what was to be
// launched is pending again.
func (m *machine) storeFailed(now time.Time, err error) {
	if err = asFenced(err); final(err) {
		if m.conn.phase != stopped {
			m.disconnected(now, err)
		}
		return
	}
	clear(m.storage.specs)
	again := now.Add(m.backoff(m.storage.journal.Failures()))
	m.storage.journal.Failed(err, again)
	m.do(notify{StoreEvent{Err: err, NextAttempt: again}})
	for _, c := range m.takeBackAccepts(now, all) {
		m.giveBack(c.Accept.OfferIDs)
	}
}

// release performs an action whose reason is stored by now, if it still makes sense.
func (m *machine) release(now, since time.Time, a action) {
	switch a := a.(type) {
	case register:
		m.registered(now, a.stream)
	case reply:
		if a.ref == 0 || m.storage.callers[a.ref] {
			delete(m.storage.callers, a.ref)
			m.do(a)
		}
	case send:
		m.releaseCall(now, since, a)
	default:
		m.do(a)
	}
}

func (m *machine) releaseCall(now, since time.Time, s send) {
	switch {
	case s.stream != m.conn.stream || m.conn.phase != connected:
		// An update comes again, and what was to be launched is pending.
	case s.call.GetType() != scheduler.Call_ACCEPT:
		m.do(s)
	case now.Sub(since) > offerAge:
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
			e := m.tasks.byID[t.TaskID.Value]
			return e == nil || e.launch != launchHeld || e.offer != accept.OfferIDs[0].Value
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
	for _, a := range m.storage.journal.Take(func(a action) bool {
		s, ok := a.(send)
		return ok && s.call.GetType() == scheduler.Call_ACCEPT && pick(s.call)
	}) {
		taken = append(taken, a.(send).call)
	}
	for _, c := range taken {
		m.takeBack(now, c)
	}
	return taken
}

func all(*scheduler.Call) bool { return true }

// dropCalls forgets the calls that wait: their stream has ended, and their updates will come again.
func (m *machine) dropCalls() {
	m.storage.journal.Take(func(a action) bool {
		_, isCall := a.(send)
		return isCall
	})
}

// giveBack returns offers that were not used, without a filter: they may well fit.
func (m *machine) giveBack(offers []mesos.OfferID) {
	if m.conn.phase == connected {
		m.decline(offers, 0)
	}
}

// takeBack makes the tasks of an ACCEPT that was never sent pending again.
func (m *machine) takeBack(now time.Time, c *scheduler.Call) {
	for _, t := range launchedBy(c) {
		if e := m.tasks.byID[t.TaskID.Value]; e != nil && e.launch == launchHeld {
			m.requeue(now, e)
		}
	}
}

// isWaiting tells whether a reply waits for the store, and forgets it.
func (m *machine) isWaiting(caller ref) bool {
	found := m.storage.callers[caller]
	delete(m.storage.callers, caller)
	return found
}

// restore fills a new machine with what a store kept.
func (m *machine) restore(framework string, tasks []record.Task) {
	m.conn.restore(framework)
	m.storage.durableID = framework
	slices.SortFunc(tasks, func(a, b record.Task) int { return a.Serial - b.Serial })
	var pending, ended []*entry
	entries := make([]*entry, len(tasks))
	for i := range tasks {
		entries[i] = m.tasks.restore(&tasks[i])
	}
	m.restorePods(entries)
	for _, e := range entries {
		if e.pod == nil {
			m.classify(e, &e.Info.Spec)
		}
		m.census.recount(e)
		switch state := e.Info.State; {
		case state == task.Pending && e == e.head():
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
}

// restoredLaunch returns how far a launch has got of which the store knows. Whether its ACCEPT was sent, it
// does not.
func restoredLaunch(s *record.Task) launch {
	switch {
	case s.Info.State == task.Pending:
		return launchNone
	case s.Confirmed:
		return launchConfirmed
	}
	return launchAnswered
}
