package scheduler

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/journal"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/ordered"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
)

// offerAge is how long offers are kept from others for launches that wait for the store: longer than two calls of Apply that
// hang. If launches were given up at each failure, a store that fails every other time would always store that a task is
// pending again, and never that it is launched. So it doubles, up to maxOfferAge, each time that launches are given up,
// until the store has taken all that wait: of twenty calls that hang for storeTimeout one may succeed.
const (
	offerAge    = 30 * time.Second
	maxOfferAge = 4 * time.Minute
)

// After a write of gatherFrom changes or more the next one waits for a quarter of the time that it took, and maxGather at most. A hundred
// callers that are answered at once submit again within a millisecond. If a write began with the first of them, all others
// would wait for two writes, for ever after: the first caller would be alone in every other write. A caller that is alone
// does not wait.
const (
	gatherFrom = 16
	maxGather  = 2 * time.Millisecond
)

// storage is what the machine keeps about its store: what has changed and is not stored yet, and which actions wait
// for that. Changes that are made while a write is under way are written together by the next one. The record of
// the framework has the ID "".
type storage struct {
	journal journal.Journal[action]
	// Events for watchers among the waiting actions, in bytes: at most, and at present; and those that were left out since
	// then; nil: none.
	maxEvents int
	events    int
	leftOut   *leftOut
	offerAge  time.Duration // at present, see there
	// Launches among the waiting actions, and their numbers by the IDs of the offers that they use.
	launches *ordered.List[heldLaunch]
	held     map[string]int
	callers  map[ref]int       // that have a reply among the waiting actions, and what these say is submitted
	specs    map[string]*entry // by ID: tasks whose spec is part of the write under way
	began    time.Time         // the last write
	changes  int               // of the last write
	// The framework: in the write under way, and known to be stored.
	writing, durable record.Framework
}

// change is what is to be written about one task, or about the framework.
type change struct {
	id        string           // of a task; empty: the change is about the framework
	joined    bool             // must be written together with the change before it, both or neither
	framework record.Framework // in state NoFramework its record is to be deleted
	task      *record.Task     // nil: the task's records are to be deleted
	ended     *record.Ended    // what is to be left of it then; nil: nothing
}

func (c change) String() string {
	switch {
	case c.id == "" && c.framework.State == record.NoFramework:
		return "no framework"
	case c.id == "" && c.framework.State == record.Active:
		return "framework " + c.framework.ID
	case c.id == "":
		return strings.TrimSuffix("framework "+c.framework.State.String()+" "+c.framework.ID, " ")
	case c.ended != nil:
		return "only the end of " + c.id
	case c.task == nil:
		return "no " + c.id
	}
	return c.id + " " + c.task.Info.State.String()
}

// leftOut is an action that is never performed: the machine keeps it in place of events that were too many to wait for the
// store, and then tells the watchers how many.
type leftOut struct{ events int }

func (*leftOut) isAction() {}

func (a *leftOut) String() string { return fmt.Sprintf("%d events left out", a.events) }

// heldLaunch is an ACCEPT that waits.
type heldLaunch struct {
	number int // of the waiting action
	since  time.Time
	send   send
}

// asAccept returns an action as an ACCEPT, and reports whether it is one.
func asAccept(a action) (send, bool) {
	s, ok := a.(send)
	return s, ok && s.call.GetType() == scheduler.Call_ACCEPT
}

func newStorage(l limits) storage {
	return storage{
		maxEvents: l.eventsBytes, offerAge: offerAge, callers: map[ref]int{}, specs: map[string]*entry{}, held: map[string]int{},
		launches: ordered.New(func(h heldLaunch) int { return h.number }),
	}
}

// restore sets the framework that is in the store.
func (s *storage) restore(f record.Framework) { s.durable = f }

// postpone queues a until all changes so far are stored, and reports whether it did; if not, the caller performs a
// now.
func (s *storage) postpone(now time.Time, a action) bool {
	if !s.journal.Pending() {
		return false
	}
	switch a := a.(type) {
	case reply:
		s.callers[a.ref] = a.submitted
	case notify:
		size := eventSize(a.event)
		if s.events+size > s.maxEvents {
			s.leaveOut(now)
			return true
		}
		s.events += size
	}
	number := s.journal.Add(now, a)
	if accept, is := asAccept(a); is {
		s.hold(heldLaunch{number, now, accept})
	}
	return true
}

// hold notes a launch that waits.
func (s *storage) hold(h heldLaunch) {
	s.launches.Add(h)
	for _, o := range h.send.call.Accept.OfferIDs {
		s.held[o.Value] = h.number
	}
}

// letGo notes that a launch does not wait any more.
func (s *storage) letGo(number int, accept send) {
	s.launches.Remove(number)
	for _, o := range accept.call.Accept.OfferIDs {
		if s.held[o.Value] == number {
			delete(s.held, o.Value)
		}
	}
}

// takeLaunches removes the launches that wait and that pick selects, and returns them in order.
func (s *storage) takeLaunches(pick func(heldLaunch) bool) []send {
	var taken []send
	for h := range s.launches.Snapshot().All() {
		if pick(h) {
			s.take(h)
			taken = append(taken, h.send)
		}
	}
	return taken
}

// takeLaunch removes the launch that waits and uses an offer, and returns it, if there is one.
func (s *storage) takeLaunch(offer string) (send, bool) {
	h, found := s.launches.Get(s.held[offer])
	if found {
		s.take(h)
	}
	return h.send, found
}

func (s *storage) take(h heldLaunch) {
	s.journal.TakeBack(h.number)
	s.letGo(h.number, h.send)
}

// takeCalls removes the calls that wait.
func (s *storage) takeCalls() {
	s.takeLaunches(func(heldLaunch) bool { return true })
	s.journal.Take(func(w journal.Waiting[action]) bool { _, is := w.Action.(send); return is })
}

// oldestLaunch returns since when the launch waits that has waited for longest, and false if none does.
func (s *storage) oldestLaunch() (time.Time, bool) {
	first, ok := s.launches.First()
	return first.since, ok
}

// leaveOut leaves out an event. The watchers are told how many when those before it have been delivered.
func (s *storage) leaveOut(now time.Time) {
	if s.leftOut == nil {
		s.leftOut = &leftOut{}
		s.journal.Add(now, s.leftOut)
	}
	s.leftOut.events++
}

// takeCaller reports whether a caller's reply is among the waiting actions, and forgets the caller, so that it is
// answered once. It also returns the serial number of what the reply says is submitted, 0 if it says something else.
func (s *storage) takeCaller(caller ref) (submitted int, found bool) {
	submitted, found = s.callers[caller]
	delete(s.callers, caller)
	return submitted, found
}

// begin begins a write and returns what is to be written. It returns nothing if there is nothing to write, or a write
// is under way.
func (s *storage) begin(now time.Time, framework record.Framework, tasks *registry) []change {
	keys := s.journal.Begin(now, tasks.podOf)
	if len(keys) > 0 {
		s.began, s.changes = now, len(keys)
	}
	changes := make([]change, len(keys))
	for i, k := range keys {
		changes[i] = change{id: k.Key, joined: k.Joined}
		if k.Key == "" {
			changes[i].framework, s.writing = framework, framework
			continue
		}
		e := tasks.byID[k.Key]
		if e == nil {
			changes[i].ended = tasks.remembered.record(k.Key)
			continue
		}
		changes[i].task = e.snapshot()
		if !e.SpecStored {
			s.specs[k.Key] = e
		}
	}
	return changes
}

// stored notes that so many further changes of the write are stored, and returns the actions that may be performed.
func (s *storage) stored(now time.Time, records int) []journal.Waiting[action] {
	keys, released := s.journal.Stored(records)
	if s.changes >= gatherFrom && !s.journal.Writing() {
		s.journal.Gather(now.Add(min(now.Sub(s.began)/4, maxGather)))
	}
	for _, key := range keys {
		if e := s.specs[key]; e != nil {
			e.edit().SpecStored = true
			delete(s.specs, key)
		}
	}
	if slices.Contains(keys, "") {
		s.durable = s.writing
	}
	for _, w := range released {
		switch a := w.Action.(type) {
		case send:
			if accept, is := asAccept(a); is {
				if s.letGo(w.Number, accept); s.launches.Len() == 0 {
					s.offerAge = offerAge
				}
			}
		case notify:
			s.events -= eventSize(a.event)
		case *leftOut:
			if a == s.leftOut {
				s.leftOut = nil
			}
		}
	}
	return released
}

// waitLonger notes that launches were given up.
func (s *storage) waitLonger() { s.offerAge = min(2*s.offerAge, maxOfferAge) }

// failed notes the failure of the write, which is made again at retryAt.
func (s *storage) failed(err error, retryAt time.Time) {
	clear(s.specs)
	s.journal.Failed(err, retryAt)
}

// failing reports whether the last write failed: nothing is launched then.
func (s *storage) failing() bool { return s.journal.Failures() > 0 }
