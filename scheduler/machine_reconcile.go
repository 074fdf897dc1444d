package scheduler

import (
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// Reconciliation follows Mesos' docs/reconciliation.md: ask for each task that has not ended, ask
// again for those that nothing was heard of, with growing pauses, until none is left; then ask for
// all that the master knows, to find tasks that are not on record. A master says nothing about the
// tasks of an agent that has not come back to it yet, which can take it ten minutes.

const (
	reconcileBatch = 1000 // tasks in a call
	// reconcileEvery is the time between two reconciliations, give or take a tenth: what was lost
	// between master and scheduler without a trace is found then.
	reconcileEvery = 15 * time.Minute
)

// reconcile begins a round, which takes the place of an earlier one and takes over its callers.
func (m *machine) reconcile(now time.Time, caller ref) {
	r := &m.reconciliation
	if caller != 0 {
		r.wait(caller)
	}
	if !m.conn.connected() || m.teardown.wanted {
		return // the next subscription begins one
	}
	r.begin()
	for _, t := range m.tasks.byID {
		if !t.reconcilable() {
			r.skip(t) // what is being launched is followed by its timer
		}
	}
	m.ask(now)
}

// ask asks for all tasks of this round that nothing was heard of, one batch after the other.
func (m *machine) ask(now time.Time) {
	r := &m.reconciliation
	var silent []*entry
	for _, t := range m.tasks.byID {
		if r.pending(t) && t.reconcilable() {
			silent = append(silent, t)
		}
	}
	slices.SortFunc(silent, bySerial)
	if len(silent) == 0 {
		m.reconciled(now) // an empty list would ask for everything
		return
	}
	var batches []*scheduler.Call
	for batch := range slices.Chunk(silent, reconcileBatch) {
		batches = append(batches, m.reconcileCall(batch))
	}
	r.ask(now, batches, len(silent))
	m.askNext()
}

// askNext sends the next batch. The one after it waits for its answer, so that launches and kills
// find their way between them.
func (m *machine) askNext() {
	if batch := m.reconciliation.batch(); batch != nil {
		m.call(batch)
	}
}

func (m *machine) reconcileCall(records []*entry) *scheduler.Call {
	tasks := make([]scheduler.Call_Reconcile_Task, len(records))
	for i, e := range records {
		m.tasks.moves(e, eventAsked)
		// Without its agent's ID, a task out of reach would be an unknown one.
		tasks[i] = scheduler.Call_Reconcile_Task{
			TaskID:  mesos.TaskID{Value: e.Info.Spec.ID},
			AgentID: &mesos.AgentID{Value: e.Info.AgentID},
		}
	}
	return &scheduler.Call{Type: scheduler.Call_RECONCILE, Reconcile: &scheduler.Call_Reconcile{Tasks: tasks}}
}

// reconcileDone takes the outcome of a RECONCILE. One that failed is made good after the pause.
func (m *machine) reconcileDone(in callDone) {
	if m.conn.connected() && m.reconciliation.asked(in.call) {
		m.askNext()
	}
}

// reconcileNext asks again, or begins the next round.
func (m *machine) reconcileNext(now time.Time) {
	switch r := &m.reconciliation; {
	case r.batch() != nil: // the last question is still on its way: another would pile up behind it
		r.postpone(now)
	case r.left > 0:
		m.ask(now)
	default:
		m.reconcile(now, 0)
	}
}

// reconciled ends a round: what is on record is known, and what is not is asked for.
func (m *machine) reconciled(now time.Time) {
	m.call(&scheduler.Call{Type: scheduler.Call_RECONCILE, Reconcile: &scheduler.Call_Reconcile{}})
	for _, c := range m.reconciliation.end() {
		m.whenStored(now, reply{ref: c})
	}
	m.reconcileLater(now)
}

// reconcileLater plans the next round.
func (m *machine) reconcileLater(now time.Time) {
	spread := time.Duration((2*m.settings.random() - 1) * float64(reconcileEvery/10))
	m.reconciliation.plan(now.Add(reconcileEvery + spread))
}

// askAfterLaunches asks for tasks whose launch nothing was heard of.
func (m *machine) askAboutLaunches(now time.Time, silent []*entry) {
	for _, e := range silent {
		m.startLaunchTimer(e, now.Add(m.settings.launchTimeout))
	}
	// The master may not know yet what it has not answered.
	silent = slices.DeleteFunc(silent, func(e *entry) bool { return e.launch.unanswered() })
	for batch := range slices.Chunk(silent, reconcileBatch) {
		m.call(m.reconcileCall(batch))
	}
}

// startLaunchTimer sets when to ask about a task if nothing was heard of its launch.
func (m *machine) startLaunchTimer(e *entry, at time.Time) {
	e.launchTimer = m.timers.start(timer{at: at, launch: e})
}
