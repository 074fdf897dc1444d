package scheduler

import (
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/internal/printable"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/demand"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/offerfilter"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
)

// machine is the whole state of a scheduler and makes all of its decisions. One method changes it,
// step, and it does nothing by itself: it has no goroutine, lock, channel, clock, log or I/O. An input
// and the time go in, actions come out. The same inputs at the same times give the same actions.
//
// Its owner passes each input to step as it comes and performs the actions. When due returns true, the owner passes
// wake. The loop takes waiting requests first where it can, so that tasks submitted together are launched together.
//
// It alone emits actions. What it has to remember is in parts, which never see it:
//
//	connection       connection.go         the state of the subscription
//	callBackoff      backoff.go            calls that failed, and those that wait because of that
//	acks             acks.go               updates that the master has not taken the acknowledgement of
//	timers           timers.go             what is to be done later
//	demand.Book      internal/demand       which roles want offers
//	offerfilter.Book internal/offerfilter  which offers the master need not send
//	pool             pool.go               the offers at hand
//	vacated          maintenance.go        agents that are kept free for maintenance
//	registry         registry.go           the tasks on record (entry.go), and their launches (launch.go)
//	remembered       remembered.go         the IDs of those that are not any more
//	backlog          backlog.go            the pending ones, by class (class.go) and by how long they wait (waitlist.go)
//	census           census.go             agents, and which tasks are on them, listed for inverse offers by onAgents (onagents.go)
//	reconciliation   reconciliation.go     the current round of reconciliation
//	unknownTasks     unknown.go            the tasks that the master does not know
//	quarantine       quarantine.go         host ports that are not to be used for a while
//	teardownState    teardown.go           whether the framework is to be torn down
//	limits           limits.go             how much of all that there may be
//	storage          storage.go            what is to be stored, and what waits for that (internal/journal)
//
// Its methods, by what they are about:
//
//	machine.go                 inputs, events and outcomes of calls, passed on to the files below
//	machine_subscription.go    subscriptions: begin, end, errors; the end of a run
//	machine_calls.go           calls that users make
//	machine_backoff.go         what calls that failed mean for others of their kind
//	machine_demand.go          SUPPRESS and REVIVE
//	machine_filter.go          UPDATE_FRAMEWORK, which tells the master which offers are of use
//	machine_offers.go          OFFERS, ACCEPT and DECLINE
//	machine_cycle.go           an offer cycle: launches
//	machine_match.go           the matcher, and what it may have got wrong
//	machine_backlog.go         pending tasks, and where they are counted
//	machine_neveroffered.go    tasks that need what the framework does not subscribe for
//	machine_explanation.go     why a task is not launched
//	machine_submit.go          tasks and pods that are submitted, and those that are submitted again
//	machine_tasks.go           tasks from their submission to their end, KILL
//	machine_pods.go            tasks that are launched together
//	machine_wait.go            users who wait for a task that is on record
//	machine_forget.go          tasks that are taken off the record
//	machine_updates.go         UPDATE and ACKNOWLEDGE
//	machine_reconciliation.go  RECONCILE
//	machine_store.go           what is stored when, and what waits for that
//	machine_maintenance.go     inverse offers
//	machine_timers.go          timers that are due
//	machine_emit.go            actions: at once, or when everything is stored
//
// There is no cycle among the calls from one of these files to another.
//
// docs/architecture.md has a picture, three walks through all this, and what is not obvious about it.
type machine struct {
	settings settings // never change

	conn           connection
	teardown       teardownState
	demand         *demand.Book     // which roles want offers
	filter         offerfilter.Book // which offers the master need not send
	pool           pool
	vacated        vacated
	quarantine     quarantine
	tasks          registry
	backlog        backlog
	census         census
	reconciliation reconciliation
	unknown        unknownTasks
	timers         timers
	backoff        callBackoff
	acks           acks
	storage        storage

	matchErr error    // why the last cycle failed; nil: it did not
	placed   placed   // what a builder works on
	removed  []string // the tasks that have left the record in the current step
	actions  []action // of the current step
}

// settings are the parts of a Config that the machine uses.
type settings struct {
	framework      mesos.FrameworkInfo // at the beginning of a run, without the ID; without failover timeout: the default
	matcher        TaskMatcher
	usable         usable // by the matcher
	builder        TaskBuilder
	refuse         time.Duration
	reviveInterval time.Duration
	hold           time.Duration
	holdPerAgent   int
	holdMax        int
	waitPreferred  time.Duration
	missed         int // heartbeats in a row after which the connection is lost
	backoffMin     time.Duration
	backoffMax     time.Duration
	history        int
	remember       Retention
	launchTimeout  time.Duration
	maxLaunches    int
	quarantine     time.Duration
	maxCycles      int           // 0: without limit
	maxWait        time.Duration // 0: without limit
	statsTTL       time.Duration
	unknown        UnknownTasks
	inverse        func(InverseOffer) bool // nil: accepted where none of our tasks run
	filterOffers   bool                    // offer constraints and minimum amounts are sent
	renew          bool                    // register a new framework after one was removed
	adopt          bool                    // whatever framework is on record
	fingerprint    record.Fingerprint      // of this framework, for its record
	term           uint64                  // of leadership; 0: there is no election
	durable        bool                    // there is a store to wait for
	limits         limits                  // zero: the default
	random         func() float64          // in [0, 1)
}

func newMachine(s settings) *machine {
	if s.limits == (limits{}) {
		s.limits = defaultLimits()
	}
	m := &machine{
		settings: s, conn: connection{missed: s.missed},
		pool: pool{policy: poolPolicy{limit: s.limits.offers, bytes: s.limits.offersBytes, hold: s.hold, holdPerAgent: s.holdPerAgent, holdMax: s.holdMax, usable: s.usable}}, vacated: vacated{},
		tasks: newRegistry(s.history, s.remember), backlog: newBacklog(s.maxWait, s.maxCycles), census: newCensus(s.limits, s.statsTTL, s.usable),
		backoff: callBackoff{limits: s.limits}, acks: acks{limit: s.limits.acksBytes, open: map[ackKey]struct{}{}},
		storage: newStorage(s.limits), unknown: newUnknownTasks(),
	}
	m.demand = m.newDemand()
	m.setInfo(s.framework)
	return m
}

// step takes one input at the time now and returns the actions to be performed, in order. The slice is
// valid until the next step.
func (m *machine) step(now time.Time, in input) []action {
	m.beginStep()
	switch in := in.(type) {
	case start:
		m.start(now)
	case end:
		m.conn.stop()
	case wake:
		m.wake(now)
	case busy:
		m.conn.wasBusy(now, in.took)
	case leaderElected:
		m.leaderElected(now)
	case streamOpened:
		if m.conn.current(in.stream) {
			m.conn.opened(now, in.master)
		}
	case streamEvent:
		if m.conn.current(in.stream) {
			m.conn.received(now, in.event.GetType() == scheduler.Event_SUBSCRIBED)
			m.handle(now, in.event)
		}
	case streamGarbled: // no sign of life: a master that works also sends heartbeats
	case streamClosed:
		if m.conn.current(in.stream) {
			m.disconnected(now, in.err)
		}
	case callDone:
		m.callDone(now, in)
	case stored:
		m.stored(now, in)
	default:
		m.serve(now, in)
	}
	m.checkDeclined(now)
	m.followFilter(now) // before a REVIVE, since the master then allocates at once, with the filter that it has
	m.followDemand(now)
	m.tellRemoved(now)
	m.flush(now)
	return m.actions
}

// serve takes what a caller asks for.
func (m *machine) serve(now time.Time, in input) {
	switch in := in.(type) {
	case submit:
		m.submit(now, in)
	case submitPod:
		m.submitPod(now, in)
	case ensure:
		m.ensure(now, in)
	case wait:
		m.wait(now, in)
	case kill:
		m.kill(now, in)
	case forget:
		m.forget(now, in)
	case cancel:
		m.cancel(now, in)
	case reconcile:
		m.reconcile(now, in.ref)
	case rawCall:
		m.rawCall(in)
	case teardown:
		m.beginTeardown(in.ref)
	}
}

// due reports whether the machine wants to be woken now.
func (m *machine) due(now time.Time) bool {
	at := m.deadline()
	return !at.IsZero() && !now.Before(at)
}

// deadline returns when the machine wants to be woken; the zero time: never.
func (m *machine) deadline() time.Time {
	var first time.Time
	sooner := func(t time.Time) {
		if first.IsZero() || t.Before(first) {
			first = t
		}
	}
	if at, ok := m.conn.deadline(); ok {
		sooner(at)
	}
	if m.conn.connected() {
		if at, ok := m.timers.next(); ok {
			sooner(at)
		}
		if at := m.backoff.deadline(); !at.IsZero() && !m.teardown.wanted {
			sooner(at)
		}
		if m.wantsCycle() {
			sooner(m.cycleDue())
		}
		if !m.pool.awaitUntil.IsZero() {
			sooner(m.pool.awaitUntil)
		}
		if m.pool.size() > 0 && !m.wantsCycle() {
			sooner(m.pool.holdUntil)
		}
		if !m.teardown.wanted {
			sooner(m.reconciliation.next)
		}
	}
	for _, at := range [...]time.Time{m.filterDeadline(), m.demand.Deadline(m.conditions())} {
		if !at.IsZero() {
			sooner(at)
		}
	}
	if at, ok := m.storage.journal.Deadline(); ok {
		sooner(at)
	}
	if at, ok := m.backlog.deadline(); ok && m.conn.phase != stopped {
		sooner(at)
	}
	if at, ok := m.tasks.remembered.deadline(); ok && m.conn.phase != stopped {
		sooner(at)
	}
	return first
}

// wake does whatever has come due.
func (m *machine) wake(now time.Time) {
	m.failForCapacity(now, m.backlog.overdue(now))
	m.trimRemembered(now)
	switch m.conn.phase {
	case waiting:
		if !now.Before(m.conn.retryAt) {
			m.subscribe(now)
		}
	case connecting, registering, connected:
		if !now.Before(m.conn.silentAt()) {
			m.disconnected(now, m.conn.silence(now))
		}
	}
	if m.conn.connected() {
		m.endPauses(now)
		m.fireTimers(now)
		m.endAwaiting(now)
		m.cycle(now)
		m.declineHeld(now)
		if !m.teardown.wanted && !now.Before(m.reconciliation.next) {
			m.reconcileNext(now)
		}
	}
}

// handle takes an event of the current stream.
func (m *machine) handle(now time.Time, e *scheduler.Event) {
	t := e.GetType()
	if !m.conn.expects(t) {
		return
	}
	switch t {
	case scheduler.Event_SUBSCRIBED:
		m.subscribed(now, e.GetSubscribed())
	case scheduler.Event_OFFERS:
		m.takeOffers(now, e.GetOffers().GetOffers())
	case scheduler.Event_UPDATE:
		m.update(now, e.GetUpdate().GetStatus())
	case scheduler.Event_RESCIND:
		m.rescind(now, e.GetRescind().GetOfferID())
	case scheduler.Event_INVERSE_OFFERS:
		m.inverseOffers(now, e.GetInverseOffers().GetInverseOffers())
	case scheduler.Event_FAILURE:
		// No task is touched: Mesos sends updates for the tasks of a lost agent or executor by itself.
		if f := e.GetFailure(); f != nil {
			m.failure(f)
		}
	case scheduler.Event_ERROR:
		m.errorEvent(now, printable.Cut(e.GetError().GetMessage()))
	}
}

// failure takes the loss of an agent, or the end of an executor.
func (m *machine) failure(f *scheduler.Event_Failure) {
	agent := f.GetAgentID().GetValue()
	if f.ExecutorID == nil {
		m.vacated.remove(agent)
		m.census.agentLost(agent)
	}
	m.emit(notify{FailureEvent{AgentID: agent, ExecutorID: f.GetExecutorID().GetValue(), Status: f.Status}})
}

// callDone takes the outcome of a call.
func (m *machine) callDone(now time.Time, in callDone) {
	current := m.conn.current(in.stream)
	if in.ref != 0 {
		m.emit(reply{ref: in.ref, err: in.err})
	} else if current {
		m.noteOutcome(now, in)
	}
	if in.outcome == stale && current && replaced(in.err) {
		m.disconnected(now, ErrEvicted)
		return
	}
	switch in.call.GetType() {
	case scheduler.Call_ACCEPT:
		m.acceptDone(now, in)
	case scheduler.Call_KILL:
		if current {
			m.killDone(now, in)
		}
	case scheduler.Call_RECONCILE:
		m.reconcileDone(now, in)
	case scheduler.Call_UPDATE_FRAMEWORK:
		if in.ref != 0 {
			m.userUpdated(now, in)
		} else {
			m.filterDone(now, in)
		}
	case scheduler.Call_TEARDOWN:
		if in.outcome == accepted {
			m.tornDown(now)
		} else if current {
			m.teardown.fail()
			m.disconnected(now, in.err) // the next subscription asks again
		}
		return
	default:
		if in.outcome != accepted && current {
			m.callFailed(now, in)
		}
	}
	// Once the framework is torn down the master no longer knows it; the answer to TEARDOWN is on its way.
	// A call of the user's may be at fault itself.
	if in.outcome == stale && m.conn.current(in.stream) && !m.teardown.wanted && in.ref == 0 {
		m.disconnected(now, in.err)
	}
}
