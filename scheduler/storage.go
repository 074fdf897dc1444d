package scheduler

import (
	"slices"
	"time"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/journal"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
)

// storage is what the machine keeps about its store: what has changed and is not stored yet, and what waits
// for that. Changes are collected while one writing is under way and written together by the next. The record of
// the framework has the ID "".
type storage struct {
	journal journal.Journal[action]
	callers map[ref]bool      // that have a reply among the waiting actions
	specs   map[string]*entry // by ID: tasks with whose state the spec is being written
	// Framework IDs: in the writing under way, and known to be stored.
	writingID, durableID string
}

// change is one record to be written.
type change struct {
	id        string // of a task; empty: that of the framework
	joined    bool   // written together with the one before, all or none
	framework string
	task      *record.Task // nil: its records are to go
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

func newStorage() storage {
	return storage{callers: map[ref]bool{}, specs: map[string]*entry{}}
}

// restore takes the framework ID that is on record.
func (s *storage) restore(frameworkID string) { s.durableID = frameworkID }

// wait has an action wait until everything that has changed is stored. It returns false if there is nothing to
// wait for.
func (s *storage) wait(now time.Time, a action) bool {
	if !s.journal.Add(now, a) {
		return false
	}
	if r, ok := a.(reply); ok {
		s.callers[r.ref] = true
	}
	return true
}

// takeCaller reports whether a caller's reply is among the waiting actions, and forgets the caller: it gets no other.
func (s *storage) takeCaller(caller ref) bool {
	found := s.callers[caller]
	delete(s.callers, caller)
	return found
}

// begin begins a writing and returns what is to be written, nothing if there is nothing to write or another one
// is under way.
func (s *storage) begin(now time.Time, frameworkID string, tasks *registry) []change {
	keys := s.journal.Begin(now, tasks.podOf)
	changes := make([]change, len(keys))
	for i, k := range keys {
		changes[i] = change{id: k.Key, joined: k.Joined}
		if k.Key == "" {
			changes[i].framework, s.writingID = frameworkID, frameworkID
			continue
		}
		e := tasks.byID[k.Key]
		if e == nil {
			continue // its records are to go
		}
		changes[i].task = e.stored()
		if !e.SpecStored {
			s.specs[k.Key] = e
		}
	}
	return changes
}

// stored takes the success of so many records of the writing, and returns the actions that may be performed.
func (s *storage) stored(records int) []journal.Waiting[action] {
	keys, released := s.journal.Stored(records)
	for _, key := range keys {
		if e := s.specs[key]; e != nil {
			e.SpecStored = true
			delete(s.specs, key)
		}
	}
	if slices.Contains(keys, "") {
		s.durableID = s.writingID
	}
	return released
}

// failed takes the failure of the writing, which is to be made again then.
func (s *storage) failed(err error, again time.Time) {
	clear(s.specs)
	s.journal.Failed(err, again)
}

// failing reports whether the last writing failed: nothing is launched then.
func (s *storage) failing() bool { return s.journal.Failures() > 0 }
