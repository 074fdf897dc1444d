package scheduler

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// tally counts what a Scheduler does, for Metrics, over all runs. The loop shows it each input of the machine with the actions
// that came of it; what is now it reads from the machine. No decision depends on it. Nil counts nothing, for benchmarks.
type tally struct {
	watchers *watchers
	born     time.Time
	stepping atomic.Int64                 // when the present step began, as the time since born, at least 1; 0: there is none
	inputs   atomic.Pointer[chan []input] // of the present run; nil: there is none

	mu      sync.Mutex // held for nanoseconds
	metrics Metrics

	// The rest is used by the loop only. It is what of the machine's own counts is in metrics already.
	tasks   taskCounts
	dropped int
	rounds  int
	round   int32     // of reconciliation
	asked   time.Time // when that began
	wrote   time.Time // when the write under way began, or its last part was stored
}

func newTally(framework string, w *watchers) *tally {
	return &tally{watchers: w, born: time.Now(), metrics: Metrics{Framework: framework}}
}

// beginRun is called before the first step of a run with this machine, and endRun after the last one.
func (t *tally) beginRun(now time.Time, m *machine, inputs chan []input) {
	if t == nil {
		return
	}
	t.tasks, t.dropped = m.tasks.counts, m.backoff.dropped()
	t.rounds, t.round = m.reconciliation.ended, m.reconciliation.round
	t.inputs.Store(&inputs)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.metrics.Runs++
	t.metrics.Running, t.metrics.Subscription.Since, t.metrics.Tasks = true, now, t.tasks.states
}

func (t *tally) endRun(now time.Time) {
	if t == nil {
		return
	}
	t.inputs.Store(nil)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.subscribed(now, false)
	of := &t.metrics
	of.Running, of.Offers.Held, of.Tasks, of.OldestPending, of.Agents = false, 0, [taskStates]int{}, time.Time{}, 0
	of.Store.Failing, of.Loop.Calls, of.Loop.Acknowledgements = false, 0, 0
}

// beginStep and endStep are called around each step of the loop. calls and acks are how many wait for the master at its end.
func (t *tally) beginStep(now time.Time) {
	if t != nil {
		t.stepping.Store(max(1, int64(now.Sub(t.born))))
	}
}

func (t *tally) endStep(took time.Duration, calls, acks int) {
	if t == nil {
		return
	}
	t.stepping.Store(0)
	t.mu.Lock()
	defer t.mu.Unlock()
	of := &t.metrics.Loop
	of.Steps.Observe(took)
	of.Calls, of.Acknowledgements = calls, acks
}

// fold counts an input that the machine was given now, and the actions that it has returned.
func (t *tally) fold(m *machine, now time.Time, in input, actions []action) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch in := in.(type) {
	case streamEvent:
		t.event(now, in.event)
	case streamGarbled:
		t.metrics.Garbled++
	case callDone:
		t.call(in)
	case stored:
		t.stored(now, in)
	}
	for _, a := range actions {
		switch a := a.(type) {
		case subscribe:
			t.metrics.Subscription.Attempts++
		case store:
			t.wrote = now
		case notify:
			t.notified(now, a.event)
		}
	}
	t.look(now, m)
}

// event counts an event of the master.
func (t *tally) event(now time.Time, e *scheduler.Event) {
	of := &t.metrics
	of.LastEvent = now
	kind := int(e.GetType())
	if kind < 0 || kind >= len(of.Events) {
		kind = int(scheduler.Event_UNKNOWN)
	}
	of.Events[kind]++
	switch e.GetType() {
	case scheduler.Event_OFFERS:
		of.Offers.Received += uint64(len(e.GetOffers().GetOffers()))
	case scheduler.Event_RESCIND:
		of.Offers.Rescinded++
	}
}

// call counts a call that is done.
func (t *tally) call(in callDone) {
	kind := int(in.call.GetType())
	if kind < 0 || kind >= len(t.metrics.Calls) {
		kind = int(scheduler.Call_UNKNOWN)
	}
	of := &t.metrics.Calls[kind]
	*of.of(in.outcome)++
	if in.outcome != unsent {
		of.Latency.Observe(in.took)
	}
	if in.outcome == accepted {
		t.metrics.Offers.Accepted += uint64(len(in.call.GetAccept().GetOfferIDs()))
		t.metrics.Offers.Declined += uint64(len(in.call.GetDecline().GetOfferIDs()))
	}
}

// of returns the number of calls with an outcome.
func (c *CallMetrics) of(o outcome) *uint64 {
	switch o {
	case accepted:
		return &c.Accepted
	case refused:
		return &c.Refused
	case unsent:
		return &c.Unsent
	case stale:
		return &c.Stale
	default:
		return &c.Unclear
	}
}

// stored counts a write, or a part of one.
func (t *tally) stored(now time.Time, in stored) {
	of := &t.metrics.Store
	if in.err != nil {
		of.Failed++
		return
	}
	of.Writes.Observe(now.Sub(t.wrote))
	of.Records += uint64(in.records)
	t.wrote = now
}

// notified counts what watchers are told. Now is when the step began.
func (t *tally) notified(now time.Time, e Event) {
	switch e := e.(type) {
	case ConnectionEvent:
		of := &t.metrics.Subscription
		switch {
		case e.Connected:
			of.Begun++
		case of.Subscribed:
			of.Lost++
		default:
			of.Failed++
		}
		t.subscribed(now, e.Connected)
	case OfferEvent:
		of := &t.metrics.Cycles
		of.Durations.Observe(time.Since(now))
		of.Placed += uint64(e.Placed)
		if e.Err != nil {
			of.Failed++
		}
	case *taskChange:
		if e.launch != nil {
			t.launched(e.launch)
		}
	case LagEvent: // for all watchers
		t.metrics.Watchers.Missed += uint64(e.Missed)
	}
}

// launched counts the phases of a launch whose task runs.
func (t *tally) launched(l *LaunchTimes) {
	of := &t.metrics.Launches
	for _, phase := range [...]struct {
		of       *Histogram
		from, to time.Time
	}{
		{&of.Place, l.Submitted, l.Placed}, {&of.Store, l.Placed, l.Stored}, {&of.Accept, l.Stored, l.Accepted}, {&of.Run, l.Accepted, l.Running},
		{&of.Total, l.Submitted, l.Running},
	} {
		if !phase.from.IsZero() && !phase.to.IsZero() {
			phase.of.Observe(phase.to.Sub(phase.from))
		}
	}
}

// subscribed notes whether there is a subscription.
func (t *tally) subscribed(now time.Time, is bool) {
	if of := &t.metrics.Subscription; of.Subscribed != is {
		of.Subscribed, of.Since = is, now
	}
}

// look reads what the machine has now.
func (t *tally) look(now time.Time, m *machine) {
	of := &t.metrics
	t.subscribed(now, m.conn.connected())
	of.Offers.Held, of.Agents, of.Store.Failing = m.pool.size(), len(m.census.agents), m.storage.failing()
	of.OldestPending = m.backlog.oldest()
	if t.tasks != m.tasks.counts {
		t.countTasks(&m.tasks.counts)
	}
	if dropped := m.backoff.dropped(); dropped != t.dropped {
		if dropped < t.dropped { // of another subscription
			t.dropped = 0
		}
		of.Dropped += uint64(dropped - t.dropped)
		t.dropped = dropped
	}
	if m.reconciliation.round != t.round {
		t.round, t.asked = m.reconciliation.round, now
	}
	if m.reconciliation.ended != t.rounds {
		t.rounds = m.reconciliation.ended
		of.Reconciliation.Last = now
		of.Reconciliation.Rounds.Observe(now.Sub(t.asked))
	}
}

// countTasks takes over the counts of the machine, which are of its own life.
func (t *tally) countTasks(now *taskCounts) {
	of := &t.metrics
	of.Tasks = now.states
	of.Submitted += now.submitted - t.tasks.submitted
	of.Launched += now.launched - t.tasks.launched
	of.Requeued += now.requeued - t.tasks.requeued
	for state := range of.Ended {
		of.Ended[state] += now.ended[state] - t.tasks.ended[state]
	}
	t.tasks = *now
}

// snapshot returns the present numbers.
func (t *tally) snapshot() Metrics {
	t.mu.Lock()
	now := t.metrics
	t.mu.Unlock()
	if began := t.stepping.Load(); began > 0 {
		now.Loop.Busy = max(1, time.Since(t.born)-time.Duration(began))
	}
	if inputs := t.inputs.Load(); inputs != nil {
		now.Loop.Inputs = len(*inputs)
	}
	watching, behind, missed := t.watchers.stats()
	now.Watchers.Watching, now.Watchers.Behind = watching, behind
	now.Watchers.Missed += missed
	return now
}
