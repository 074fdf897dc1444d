package scheduler

import (
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// Reconciliation follows Mesos' docs/reconciliation.md: ask for each task that has not ended, ask
// again for those that nothing was heard of, with growing pauses, until none is left; then ask for
// all that the master knows, to find tasks that are not on record. A master says nothing about the
// tasks of an agent that has not come back to it yet, which can take it ten minutes.

const (
	reconcileBatch = 1000 // tasks in a call
	// The pause before the first repetition, and the longest one.
	reconcileMin = 2 * time.Second
	reconcileMax = time.Minute
	// reconcileEvery is the time between two reconciliations, give or take a tenth: what was lost
	// between master and scheduler without a trace is found then.
	reconcileEvery = 15 * time.Minute
)

// reconciliation is the present one, or the pause before the next.
type reconciliation struct {
	round   int32 // counts them
	left    int   // tasks that nothing was heard of in this round; 0: no round is under way
	batches []*scheduler.Call
	pause   time.Duration
	next    time.Time // when to ask again, or to begin the next round
	callers []ref
}

// reconcile begins a round, which takes the place of an earlier one and takes over its callers.
func (m *machine) reconcile(now time.Time, caller ref) {
	r := &m.reconciliation
	if caller != 0 {
		r.callers = append(r.callers, caller)
	}
	if m.conn.phase != connected || m.tearing {
		return // the next subscription begins one
	}
	r.round++
	r.pause = reconcileMin
	for _, t := range m.tasks {
		if !t.reconcilable() {
			t.round = r.round // what is being launched is followed by its timer
		}
	}
	m.ask(now)
}

// reconcilable tells whether the master can say something about the task: not before it has its
// launch.
func (r *record) reconcilable() bool {
	return r.info.State != task.Pending && !r.info.State.Terminal() && !r.launch.unanswered()
}

// ask asks for all tasks of this round that nothing was heard of, one batch after the other.
func (m *machine) ask(now time.Time) {
	r := &m.reconciliation
	var silent []*record
	for _, t := range m.tasks {
		if t.round < r.round && t.reconcilable() {
			silent = append(silent, t)
		}
	}
	slices.SortFunc(silent, bySerial)
	r.left, r.batches = len(silent), nil
	if len(silent) == 0 {
		m.reconciled(now) // an empty list would ask for everything
		return
	}
	for batch := range slices.Chunk(silent, reconcileBatch) {
		r.batches = append(r.batches, m.reconcileCall(batch))
	}
	r.next = now.Add(r.pause)
	r.pause = min(2*r.pause, reconcileMax)
	m.askNext()
}

// askNext sends the next batch. The one after it waits for its answer, so that launches and kills
// find their way between them.
func (m *machine) askNext() {
	if r := &m.reconciliation; len(r.batches) > 0 {
		m.call(r.batches[0])
	}
}

func (m *machine) reconcileCall(records []*record) *scheduler.Call {
	tasks := make([]scheduler.Call_Reconcile_Task, len(records))
	for i, r := range records {
		m.launchMoves(r, eventAsked)
		// Without its agent's ID, a task out of reach would be an unknown one.
		tasks[i] = scheduler.Call_Reconcile_Task{
			TaskID:  mesos.TaskID{Value: r.info.Spec.ID},
			AgentID: &mesos.AgentID{Value: r.info.AgentID},
		}
	}
	return &scheduler.Call{Type: scheduler.Call_RECONCILE, Reconcile: &scheduler.Call_Reconcile{Tasks: tasks}}
}

// reconcileDone takes the outcome of a RECONCILE. One that failed is made good after the pause.
func (m *machine) reconcileDone(in callDone) {
	r := &m.reconciliation
	if m.conn.phase == connected && len(r.batches) > 0 && r.batches[0] == in.call {
		r.batches = r.batches[1:]
		m.askNext()
	}
}

// reconcileNext asks again, or begins the next round.
func (m *machine) reconcileNext(now time.Time) {
	switch r := &m.reconciliation; {
	case len(r.batches) > 0: // the last question is still on its way: another would pile up behind it
		r.next = now.Add(reconcileMin)
	case r.left > 0:
		m.ask(now)
	default:
		m.reconcile(now, 0)
	}
}

// toldOf notes that the master said something about a task.
func (m *machine) toldOf(now time.Time, t *record) {
	r := &m.reconciliation
	if t.round == r.round {
		return
	}
	t.round = r.round
	if r.left > 0 {
		r.left--
		if r.left == 0 {
			m.reconciled(now)
		}
	}
}

// reconciled ends a round: what is on record is known, and what is not is asked for.
func (m *machine) reconciled(now time.Time) {
	r := &m.reconciliation
	r.batches = nil
	m.call(&scheduler.Call{Type: scheduler.Call_RECONCILE, Reconcile: &scheduler.Call_Reconcile{}})
	for _, c := range r.callers {
		m.after(now, reply{ref: c})
	}
	r.callers = nil
	m.reconcileLater(now)
}

// reconcileLater plans the next round.
func (m *machine) reconcileLater(now time.Time) {
	spread := time.Duration((2*m.settings.random() - 1) * float64(reconcileEvery/10))
	m.reconciliation.left = 0
	m.reconciliation.next = now.Add(reconcileEvery + spread)
}

// askAfterLaunches asks for tasks whose launch nothing was heard of.
func (m *machine) askAfterLaunches(now time.Time, silent []*record) {
	for _, r := range silent {
		m.expectWord(r, now.Add(m.settings.launchTimeout))
	}
	// The master may not know yet what it has not answered.
	silent = slices.DeleteFunc(silent, func(r *record) bool { return r.launch.unanswered() })
	for batch := range slices.Chunk(silent, reconcileBatch) {
		m.call(m.reconcileCall(batch))
	}
}

// expectWord sets the launch timer of a task.
func (m *machine) expectWord(r *record, at time.Time) {
	r.launchTurn = m.alarm(alarm{at: at, launch: r})
}
