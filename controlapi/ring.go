package controlapi

import (
	"encoding/json"
	"sort"
	"sync/atomic"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// The limits of what is kept of past events, for those who come back after a break or are slow.
const (
	ringEvents = 4096
	ringBytes  = 32 << 20 // of JSON
)

// event is one event, which is encoded once for all who watch, as soon as one of them needs it. It is not changed.
type event struct {
	id    uint64 // the highest version so far
	name  string
	item  *item // of a task event; nil otherwise
	of    scheduler.Event
	ring  *ring // that it is in, nil for none
	size  atomic.Int64
	full  atomic.Pointer[json.RawMessage]
	short atomic.Pointer[json.RawMessage] // of a task event
}

// taskChange is a SummaryEvent or a scheduler.TaskEvent whose task is encoded already.
type taskChange struct {
	Task     json.RawMessage        `json:"task"`
	Previous task.State             `json:"previous"`
	Message  string                 `json:"message,omitzero"`
	Launch   *scheduler.LaunchTimes `json:"launch,omitempty"`
}

// data returns the event as JSON.
func (e *event) data(summary bool) json.RawMessage {
	at := &e.full
	if summary && e.item != nil {
		at = &e.short
	}
	if have := at.Load(); have != nil {
		return *have
	}
	var encoded json.RawMessage
	if of, is := e.of.(scheduler.TaskEvent); is {
		change := taskChange{Task: e.item.encoded(summary), Previous: of.Previous}
		if !summary {
			change.Message, change.Launch = of.Message, of.Launch
		}
		encoded = mustEncode(change)
	} else {
		encoded = mustEncode(e.of)
	}
	if at.CompareAndSwap(nil, &encoded) && e.ring != nil {
		e.size.Add(int64(len(encoded)))
		e.ring.bytes.Add(int64(len(encoded)))
	}
	return encoded
}

// ring has the last events. It is guarded by the mutex of the hub, but for bytes.
type ring struct {
	events []*event     // oldest first
	first  int          // the number of the oldest one
	cycle  int          // the number of the newest cycle; -1: none
	from   uint64       // events after this version are all here
	bytes  atomic.Int64 // of those that were encoded
}

func newRing(from uint64) *ring { return &ring{from: from, cycle: -1} }

// end returns the number of the next event.
func (r *ring) end() int { return r.first + len(r.events) }

// add adds an event, and drops the oldest ones that are too many.
func (r *ring) add(e *event) {
	e.ring = r
	if _, is := e.of.(scheduler.OfferEvent); is {
		r.forgetRejections()
		r.cycle = r.end()
	}
	r.events = append(r.events, e)
	for len(r.events) > ringEvents || len(r.events) > 1 && r.bytes.Load() > ringBytes {
		r.bytes.Add(-r.events[0].size.Load())
		r.from = r.events[0].id
		r.events[0] = nil
		r.events = r.events[1:]
		r.first++
	}
}

// forgetRejections drops the rejections of the last cycle: with many pending tasks they are large, and the next one has newer
// ones.
func (r *ring) forgetRejections() {
	if r.cycle < r.first {
		return
	}
	at := r.cycle - r.first
	old := r.events[at]
	of, _ := old.of.(scheduler.OfferEvent)
	of.Rejections = nil
	r.events[at] = &event{id: old.id, name: old.name, of: of, ring: r}
	r.bytes.Add(-old.size.Load())
}

// after returns the number of the first event for a reader who has seen all up to a version, and false if events in between
// are missing. Events that have no version of their own, and came right after that one, may be among them again.
func (r *ring) after(version, highest uint64) (int, bool) {
	if version < r.from || version > highest {
		return 0, false
	}
	return r.first + sort.Search(len(r.events), func(i int) bool {
		e := r.events[i]
		return e.id > version || e.id == version && (i == 0 || r.events[i-1].id == version)
	}), true
}

// read returns up to n events from a number on, and how many of them are missing.
func (r *ring) read(from, n int) (events []*event, missed int) {
	if from < r.first {
		return nil, r.first - from
	}
	at := from - r.first
	return append(events, r.events[at:min(at+n, len(r.events))]...), 0
}
