package scheduler

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// machine is the whole state of a scheduler and all of its decisions. It has one method that
// changes it, step, and does nothing by itself: no goroutine, lock, channel, clock, log or I/O.
// Time and what happened come in, actions go out. The same inputs at the same times give the
// same actions.
//
// Where things are: machine_stream.go keeps the subscription, machine_offers.go turns offers into
// launches, machine_tasks.go follows tasks from submission to their end.
type machine struct {
	settings settings

	// The subscription.
	phase     phase
	stream    int       // number of the newest subscription; 0 before the first
	framework string    // ID given by the master
	attempts  int       // subscriptions that failed in a row
	opened    time.Time // when SUBSCRIBED arrived
	heard     time.Time // when the master last said anything
	heartbeat time.Duration
	retryAt   time.Time // in phase waiting: when to subscribe again

	// repeats are calls to be made again, the next one first.
	repeats []repeat

	// told is what the master knows of our demand; filtered: it has refusals of ours, which a
	// REVIVE would lift; lift: a task came after them that may fit what was refused. The next
	// SUPPRESS or REVIVE may go out at demandAt.
	told           demand
	filtered, lift bool
	demandAt       time.Time

	// Tasks on record by ID; the pending ones also in order of submission, the ended ones, in
	// history, the oldest first.
	tasks   map[string]*record
	pending []*record
	history []string
	serial  int // given to the last submission

	tearing     bool // a teardown is wanted
	tearWaiting []ref

	actions []action // of the present step
}

// settings are what a Config comes down to for the machine.
type settings struct {
	framework      mesos.FrameworkInfo // without ID
	matcher        TaskMatcher
	builder        TaskBuilder
	refuse         time.Duration
	reviveInterval time.Duration
	missed         int // heartbeats
	backoffMin     time.Duration
	backoffMax     time.Duration
	history        int
	random         func() float64 // in [0, 1)
}

// demand is whether offers are wanted.
type demand int

const (
	unsure demand = iota // a SUPPRESS or REVIVE may or may not have arrived
	suppressed
	revived
)

// phase is how far the subscription has got.
type phase int

const (
	stopped    phase = iota // no run
	waiting                 // until retryAt
	connecting              // a subscription was asked for
	connected               // SUBSCRIBED arrived
)

func newMachine(s settings) *machine {
	return &machine{settings: s, tasks: map[string]*record{}}
}

// step takes one input at the time now and returns what is to be done, in order. The slice is
// valid until the next step.
func (m *machine) step(now time.Time, in input) []action {
	clear(m.actions)
	m.actions = m.actions[:0]
	switch in := in.(type) {
	case start:
		m.start(now)
	case end:
		m.phase = stopped
	case wake:
		m.wake(now)
	case streamOpened:
		if m.current(in.stream) {
			m.heard = now
		}
	case streamEvent:
		if m.current(in.stream) {
			m.heard = now
			m.handle(now, in.event)
		}
	case streamGarbled:
		if m.current(in.stream) {
			m.heard = now
		}
	case streamClosed:
		if m.current(in.stream) {
			m.disconnected(now, in.err)
		}
	case callDone:
		m.callDone(now, in)
	case submit:
		m.submit(now, in)
	case kill:
		m.kill(now, in)
	case cancel:
		m.cancel(now, in)
	case teardown:
		m.teardown(in.ref)
	}
	m.followDemand(now)
	return m.actions
}

// deadline is when the machine wants to be woken at the latest; the zero time is never.
func (m *machine) deadline() time.Time {
	var first time.Time
	sooner := func(t time.Time) {
		if first.IsZero() || t.Before(first) {
			first = t
		}
	}
	switch m.phase {
	case waiting:
		sooner(m.retryAt)
	case connecting, connected:
		sooner(m.heard.Add(m.patience()))
	}
	if m.phase == connected && len(m.repeats) > 0 {
		sooner(m.repeats[0].at)
	}
	if m.wanted() != scheduler.Call_UNKNOWN {
		sooner(m.demandAt)
	}
	return first
}

// wake does whatever has come due.
func (m *machine) wake(now time.Time) {
	switch m.phase {
	case waiting:
		if !now.Before(m.retryAt) {
			m.subscribe(now)
		}
	case connecting, connected:
		if silence := now.Sub(m.heard); silence >= m.patience() {
			m.disconnected(now, fmt.Errorf("the master said nothing for %v", silence))
		}
	}
	for m.phase == connected && len(m.repeats) > 0 && !now.Before(m.repeats[0].at) {
		r := m.repeats[0]
		m.repeats = m.repeats[1:]
		if r.call.GetType() == scheduler.Call_KILL {
			m.killAgain(now, r)
		} else {
			m.do(send{stream: m.stream, call: r.call})
		}
	}
}

// handle takes an event of the current stream.
func (m *machine) handle(now time.Time, e *scheduler.Event) {
	if t := e.GetType(); m.phase == connecting && t != scheduler.Event_SUBSCRIBED && t != scheduler.Event_ERROR {
		return // no answer could be given; a master says nothing else first
	}
	switch e.GetType() {
	case scheduler.Event_SUBSCRIBED:
		m.subscribed(now, e.GetSubscribed())
	case scheduler.Event_OFFERS:
		// Offers are answered at once, so that there is none that a RESCIND could be about.
		m.cycle(now, e.GetOffers().GetOffers())
	case scheduler.Event_UPDATE:
		m.update(now, e.GetUpdate().GetStatus())
	case scheduler.Event_ERROR:
		m.refusedBy(now, e.GetError().GetMessage())
	}
}

// callDone takes the outcome of a call.
func (m *machine) callDone(now time.Time, in callDone) {
	current := m.current(in.stream)
	switch in.call.GetType() {
	case scheduler.Call_ACCEPT:
		m.acceptDone(now, in)
	case scheduler.Call_DECLINE, scheduler.Call_ACKNOWLEDGE:
		// The agent would send an update again by itself, but only after up to ten minutes.
		if in.outcome != accepted && current {
			m.repeat(now.Add(callRetry), in.call)
		}
	case scheduler.Call_KILL:
		if r := m.tasks[in.call.Kill.TaskID.Value]; in.outcome != accepted && current && r != nil {
			r.killAt = now.Add(callRetry)
			m.repeat(r.killAt, in.call)
		}
	case scheduler.Call_REVIVE, scheduler.Call_SUPPRESS:
		if in.outcome != accepted && current {
			m.told, m.demandAt = unsure, now.Add(callRetry)
		}
	case scheduler.Call_TEARDOWN:
		if in.outcome == accepted {
			m.tornDown(now)
		} else if current {
			m.disconnected(now, in.err) // the next subscription asks again
		}
		return
	}
	// Once the framework is torn down the master knows it no more; its own answer is on its way.
	if in.outcome == stale && current && !m.tearing {
		m.disconnected(now, in.err)
	}
}

// callRetry is how long a call that failed on its way waits before it is made again. The master
// is then usually busy or going away: nothing that a quicker repetition would help.
const callRetry = time.Second

// repeat is a call to be made again.
type repeat struct {
	at   time.Time
	call *scheduler.Call
}

// repeat makes a call again later, on this subscription. Only calls that do no harm when they
// arrive twice, or late, may be repeated.
func (m *machine) repeat(at time.Time, c *scheduler.Call) {
	i, _ := slices.BinarySearchFunc(m.repeats, at, func(r repeat, at time.Time) int {
		return cmp.Or(r.at.Compare(at), -1) // behind those of the same time
	})
	m.repeats = slices.Insert(m.repeats, i, repeat{at, c})
}

func (m *machine) do(a action) { m.actions = append(m.actions, a) }

// call sends a call on the current subscription.
func (m *machine) call(c *scheduler.Call) {
	c.FrameworkID = &mesos.FrameworkID{Value: m.framework}
	m.do(send{stream: m.stream, call: c})
}
