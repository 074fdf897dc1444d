package scheduler

import (
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// put puts a new task on record.
func (m *machine) put(now time.Time, spec task.Spec) (*entry, error) {
	if err := m.checkOffered(&spec); err != nil {
		return nil, err
	}
	e := m.tasks.submit(now, spec)
	m.classify(e, e.Info.Spec.Base())
	m.enqueue(e)
	m.touch(spec.ID)
	m.whenStored(now, notify{&taskChange{info: e.Info, previous: task.StatePending}})
	return e, nil
}

func (m *machine) kill(now time.Time, in kill) {
	info, known := m.tasks.info(in.id)
	switch {
	case !known:
		m.emit(reply{ref: in.ref, err: unknown(in.id)})
	case info.State.Terminal():
		m.whenStored(now, reply{ref: in.ref, info: &info})
	default:
		e := m.tasks.byID[in.id]
		e.wait(caller{ref: in.ref, until: UntilEnded})
		m.endTask(now, e)
	}
}

// cancel drops a caller. If the caller launched the task, or waited for its submission to be stored, nobody knows of
// the task, so it is ended.
func (m *machine) cancel(now time.Time, in cancel) {
	m.teardown.forget(in.ref)
	m.reconciliation.forget(in.ref)
	e := m.tasks.byID[in.id]
	if e == nil {
		return
	}
	submitted, _ := m.storage.takeCaller(in.ref)
	if wanted := e.forgetCaller(in.ref); wanted || submitted == e.Serial { // not one of the same ID that came later
		m.endTask(now, e)
	}
}

// endTask ends a task, with all members of its pod: it withdraws them if they are pending and kills them otherwise.
func (m *machine) endTask(now time.Time, e *entry) {
	m.backlog.remove(e)
	for _, e := range e.members() {
		switch {
		case e.Info.State == task.StatePending:
			m.change(now, e, transition{state: task.StateKilled, message: "killed before it was launched"})
		case !e.Info.State.Terminal():
			m.killOne(now, e)
		}
	}
}

func (m *machine) killOne(now time.Time, e *entry) {
	e.edit().Killing, e.killPause = true, 0
	m.touch(e.Info.Spec.ID)
	if m.conn.connected() && e.launch != launchHeld {
		m.sendKill(now, e)
	}
}

// The pause between two KILL calls for a task that does not end. A KILL can be lost between the master and the agent.
// One that arrives while the agent is disconnected is dropped by a master that does not know the task. While the agent is
// unreachable it has no effect at all, and that may be for good: the pauses go on to grow.
const (
	killMin         = 5 * time.Second
	killMax         = time.Minute
	killUnreachable = 15 * time.Minute
)

func (m *machine) sendKill(now time.Time, e *entry) {
	if m.backoff.closed(killCalls) {
		m.startKillTimer(e, m.backoff.retryAt(now, killCalls))
		return
	}
	m.tasks.advanceLaunch(e, eventAsked) // a master that does not know the task answers with an update
	m.call(&scheduler.Call{Type: scheduler.Call_KILL, Kill: &scheduler.Call_Kill{
		TaskID: mesos.TaskID{Value: e.Info.Spec.ID},
		// With the agent's ID the master can tell the state of a task that it does not know.
		AgentID: &mesos.AgentID{Value: e.Info.AgentID},
	}})
	limit := killMax
	if e.Info.State == task.StateUnreachable {
		limit = killUnreachable
	}
	e.killPause = min(max(killMin, 2*e.killPause), limit) // counted from the answer to this one
	e.killTimer = 0
}

// killReachable sends a KILL for a task that can be reached again: the earlier ones had no effect, unless it is being killed.
func (m *machine) killReachable(now time.Time, e *entry) {
	e.killPause = 0
	if e.Info.State == task.StateKilling {
		m.startKillTimer(e, now.Add(killMin))
		return
	}
	m.sendKill(now, e)
}

// killDone takes the outcome of a KILL: unless the task ends, there will be another one.
func (m *machine) killDone(now time.Time, in callDone) {
	e := m.tasks.byID[in.call.Kill.TaskID.Value]
	if e == nil || !e.Killing || e.Info.State.Terminal() {
		return
	}
	at := now.Add(e.killPause)
	if in.outcome != accepted {
		at = m.backoff.retryAt(now, killCalls)
	}
	m.startKillTimer(e, at)
}

// startKillTimer schedules the next KILL, in place of one that was scheduled before.
func (m *machine) startKillTimer(e *entry, at time.Time) {
	e.killTimer = m.timers.start(timer{at: at, kill: e})
}

// requeue makes a launched task pending again, in its old place in the backlog, and says why.
func (m *machine) requeue(now time.Time, e *entry, why string) { m.requeueUntil(now, e, now, why) }

// requeueUntil does the same, and does not launch the task again before notBefore.
func (m *machine) requeueUntil(now time.Time, e *entry, notBefore time.Time, why string) {
	if e.Killing {
		m.change(now, e, transition{state: task.StateKilled, message: why})
		return
	}
	if e.pod != nil {
		if e.pod.broken() {
			m.setState(now, e, task.StateLost, errPodBroken)
			return
		}
		m.tasks.advanceLaunch(e, eventVoided)
		if !e.pod.voided() { // the others may run
			return
		}
	}
	for _, e := range e.members() {
		m.requeueOne(now, e, notBefore, why)
	}
	e = e.head()
	if err := m.neverOffered(e); err != nil { // it was launched under a role that the framework has lost since
		event := NeverOfferedEvent{Err: err}
		for _, e := range e.members() {
			event.Tasks = append(event.Tasks, e.Info.Spec.ID)
		}
		m.emit(notify{event})
	}
	if e.heldBack(now) {
		m.timers.start(timer{at: notBefore, relaunch: e})
	}
	m.backlog.add(e, !e.heldBack(now))
	m.demand.TaskArrived(e.Info.Spec.Base().Role)
}

func (m *machine) requeueOne(now time.Time, e *entry, notBefore time.Time, why string) {
	m.tasks.advanceLaunch(e, eventWithdrawn)
	e.unassign(notBefore)
	m.change(now, e, transition{state: task.StatePending, message: why})
}

// transition is a change of a task: of its state, its health or its status.
type transition struct {
	state   task.State
	err     error             // why the scheduler ended the task; nil: it did not
	message string            // why it changed; empty: err says it, or nothing does
	minor   bool              // neither the state nor the health is another one
	status  *mesos.TaskStatus // the last one; nil: there is none, or it was recorded before
}

// setState changes the state of a task. Once that is stored, it notifies the watchers and answers the callers that
// waited for the state. The error is why the task ended, if the scheduler ended it.
func (m *machine) setState(now time.Time, e *entry, state task.State, err error) {
	m.change(now, e, transition{state: state, err: err})
}

// change does the same.
func (m *machine) change(now time.Time, e *entry, t transition) {
	previous, state, err := e.Info.State, t.state, t.err
	info := &e.edit().Info
	info.State, info.Updated, info.Version, info.Err = state, now, m.tasks.nextVersion(), err
	if previous == task.StatePending {
		m.countPending(e.class, -1)
	}
	if state == task.StatePending {
		m.countPending(e.class, 1)
	}
	if state == task.StateUnknown {
		m.unknown.moved(e)
	} else {
		m.unknown.remove(e)
	}
	m.census.recount(e)
	m.backlog.stateChanged(previous, state)
	m.tasks.stateChanged(previous, state)
	if t.message == "" && err != nil {
		t.message = err.Error()
	}
	t.message = shortLine(t.message)
	if !t.minor {
		e.remember(t.message)
	}
	m.touch(e.Info.Spec.ID)
	told := &taskChange{info: e.Info, status: t.status, previous: previous, message: t.message, launch: e.takeTimes(now, previous), minor: t.minor}
	m.whenStored(now, notify{told})
	ended := state.Terminal()
	for _, c := range e.takeCallers() {
		answer := reply{ref: c.ref, info: &told.info}
		switch {
		case ended && c.until != UntilEnded:
			answer.err = &TaskError{Task: told.task(), Err: err}
		case c.owner:
			answer.submitted = e.submitted()
		}
		m.whenStored(now, answer)
	}
	if e.pod != nil {
		m.podChanged(now, e, err)
	}
	if ended {
		m.retire(e)
		m.trimRemembered(now)
	}
}

// retire adds an ended task to the history and drops the oldest ones beyond the limit, which are then only remembered.
func (m *machine) retire(e *entry) {
	for _, dropped := range m.tasks.retire(e) {
		m.leaveClass(dropped)
		m.touch(dropped.Info.Spec.ID)
		m.noteRemoved(dropped)
	}
}

// tornDown takes the end of the framework, whose tasks Mesos has killed.
func (m *machine) tornDown(now time.Time) {
	for _, e := range m.tasks.filtered((*entry).live) {
		m.change(now, e, transition{state: task.StateKilled, message: "the framework was torn down"})
	}
	m.backlog.removeEnded()
	if m.settings.term > 0 {
		m.conn.markEnded(record.TornDown) // so that no other member registers it anew
	} else {
		m.conn.forget() // it can never be used again
	}
	m.touch("")
	for _, caller := range m.teardown.end() {
		m.whenStored(now, reply{ref: caller})
	}
	m.emit(closeStream{stream: m.conn.stream})
	m.conn.stop()
	m.whenStored(now, stop{})
}

// failForCapacity fails pending tasks for which no place was found in the cycles or the time that they had.
func (m *machine) failForCapacity(now time.Time, tasks []*entry) {
	for _, e := range tasks {
		if e.Info.State != task.StatePending {
			continue // it was listed twice: it was launched and became pending again at the same instant
		}
		err := &CapacityError{Cycles: m.backlog.cyclesOf(e), Waited: now.Sub(e.Info.Updated)}
		if f := e.class.findings; len(f) > 0 && err.Cycles > 0 {
			err.Rejection = task.Rejection{TaskID: e.Info.Spec.ID, Reasons: f[len(f)-1].Reasons}
		}
		for _, e := range e.members() {
			m.setState(now, e, task.StateFailed, err)
		}
	}
	m.backlog.removeAll(tasks)
}

// podChanged answers the callers that wait for a pod to run, after one of its members changed.
func (m *machine) podChanged(now time.Time, e *entry, err error) {
	if len(e.pod.callers) == 0 {
		return
	}
	answer := reply{submitted: e.pod.members[0].submitted()}
	switch state := e.Info.State; {
	case state.Terminal() && state != task.StateFinished:
		answer.err = &TaskError{Task: e.Info.Public(), Err: err}
	case !e.pod.up():
		return
	}
	for _, caller := range e.pod.takeCallers() {
		answer.ref = caller
		m.whenStored(now, answer)
	}
}
