package scheduler

import (
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// Reconciliation follows Mesos' docs/reconciliation.md. In a round the master is asked about each task that has not
// ended (explicit reconciliation), and again, with growing pauses, about those for which no update has arrived, until
// there are none. Then it is asked about all tasks that it knows (implicit reconciliation), to find those that are not
// on record. A master sends no update for a task whose agent has not re-registered since the failover of
// the master, which can take ten minutes.

const (
	reconcileBatch = 1000 // tasks in a call
	// reconcileEvery is the time between two rounds, give or take a tenth. They find differences between
	// master and scheduler that nothing else has revealed.
	reconcileEvery = 15 * time.Minute
)

// reconcile begins a round. It replaces one that is under way, whose callers wait for this one then.
func (m *machine) reconcile(now time.Time, caller ref) {
	r := &m.reconciliation
	if caller != 0 {
		r.addCaller(caller)
	}
	if !m.conn.connected() || m.teardown.wanted {
		return // the next subscription begins one
	}
	if m.backoff.closed(reconcileCalls) {
		r.plan(m.backoff.retryAt(now, reconcileCalls))
		return
	}
	r.begin()
	m.tasks.beginAdopting()
	for _, t := range m.tasks.byID {
		if !t.reconcilable() {
			r.skip(t) // a launch that is under way has a timer of its own
		}
	}
	m.ask(now)
}

// ask asks about all tasks of this round for which no update has arrived, one batch after the other.
func (m *machine) ask(now time.Time) {
	r := &m.reconciliation
	silent := m.tasks.filtered(func(e *entry) bool { return r.pending(e) && e.reconcilable() })
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

// askNext sends the next batch. The one after it is sent when this one was answered, so that launches and kills
// need not wait behind all of them.
func (m *machine) askNext() {
	if batch := m.reconciliation.batch(); batch != nil {
		m.call(batch)
	}
}

func (m *machine) reconcileCall(entries []*entry) *scheduler.Call {
	tasks, agents := make([]scheduler.Call_Reconcile_Task, len(entries)), make([]mesos.AgentID, len(entries))
	for i, e := range entries {
		m.tasks.advanceLaunch(e, eventAsked)
		// Without the agent's ID the master would report an unreachable task as unknown.
		agents[i].Value = e.Info.AgentID
		tasks[i] = scheduler.Call_Reconcile_Task{TaskID: mesos.TaskID{Value: e.Info.Spec.ID}, AgentID: &agents[i]}
	}
	return &scheduler.Call{Type: scheduler.Call_RECONCILE, Reconcile: &scheduler.Call_Reconcile{Tasks: tasks}}
}

// reconcileDone takes the outcome of a RECONCILE. If it failed, its tasks are asked about again after the pause.
func (m *machine) reconcileDone(now time.Time, in callDone) {
	r := &m.reconciliation
	switch {
	case !m.conn.connected():
	case r.batchDone(in.call):
		if m.backoff.closed(reconcileCalls) {
			r.dropBatches()
		}
		m.askNext()
	case in.ref == 0 && in.outcome != accepted && len(in.call.Reconcile.Tasks) == 0 && r.left == 0:
		r.plan(now.Add(reconcileMax)) // it was the end of a round
	}
}

// reconcileNext asks again about the tasks that are left, or begins the next round.
func (m *machine) reconcileNext(now time.Time) {
	switch r := &m.reconciliation; {
	case m.backoff.closed(reconcileCalls):
		r.postpone(m.backoff.retryAt(now, reconcileCalls))
	case r.batch() != nil: // a batch was not answered yet: another one would only wait behind it
		r.postpone(now.Add(reconcileMin))
	case r.left > 0:
		m.ask(now)
	default:
		m.reconcile(now, 0)
	}
}

// reconciled ends a round: updates have arrived for all tasks, and the master is asked about those not on record.
func (m *machine) reconciled(now time.Time) {
	m.call(&scheduler.Call{Type: scheduler.Call_RECONCILE, Reconcile: &scheduler.Call_Reconcile{}})
	for _, c := range m.reconciliation.end() {
		m.whenStored(now, reply{ref: c})
	}
	if m.backoff.closed(reconcileCalls) { // that call was not made
		m.reconciliation.plan(now.Add(reconcileMax))
		return
	}
	m.reconcileLater(now)
}

// reconcileLater plans the next round.
func (m *machine) reconcileLater(now time.Time) {
	spread := time.Duration((2*m.settings.random() - 1) * float64(reconcileEvery/10))
	m.reconciliation.plan(now.Add(reconcileEvery + spread))
}

// askAbout asks the master about tasks for which no update has arrived since their launch, and again about those that it did
// not know.
func (m *machine) askAbout(now time.Time, silent []*entry) {
	if m.teardown.wanted {
		return
	}
	for _, e := range silent {
		if m.backoff.closed(reconcileCalls) {
			m.startLaunchTimer(e, m.backoff.retryAt(now, reconcileCalls))
		} else if e.Info.State == task.StateUnknown {
			m.startLaunchTimer(e, m.timers.together(aboutUnknown, m.unknown.next(now, e)))
		} else {
			m.startLaunchTimer(e, now.Add(m.settings.launchTimeout))
		}
	}
	if m.backoff.closed(reconcileCalls) {
		return
	}
	// The master may not know a task yet whose ACCEPT it has not answered.
	silent = slices.DeleteFunc(silent, func(e *entry) bool { return !e.reconcilable() })
	for batch := range slices.Chunk(silent, reconcileBatch) {
		m.call(m.reconcileCall(batch))
	}
}

// startLaunchTimer sets when to ask about a task if no update arrives.
func (m *machine) startLaunchTimer(e *entry, at time.Time) {
	e.launchTimer = m.timers.start(timer{at: at, launch: e})
}
