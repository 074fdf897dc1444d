package scheduler

import (
	"fmt"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/internal/mesosid"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// The pause before a task is launched again that an agent or the master dropped. It doubles each time, since the reason
// may be temporary: for example, the executor of an earlier task with the same ID takes a second to end.
const (
	relaunchMin = time.Second / 2
	relaunchMax = time.Minute
)

// update takes a status update. It is applied, stored, delivered to the watchers, and only then acknowledged.
func (m *machine) update(now time.Time, received mesos.TaskStatus) {
	status := keptStatus(received)
	if e := m.tasks.byID[status.TaskID.Value]; e == nil && m.tasks.remembered.has(status.TaskID.Value) {
		m.endedTask(false, status)
	} else if e == nil {
		m.unknownTask(now, status)
	} else if e.Info.State.Terminal() {
		m.endedTask(e.Killing, status)
	} else {
		if !e.edit().UUIDs.Seen(status.UUID) {
			if len(status.UUID) > 0 {
				m.touch(status.TaskID.Value)
			}
			m.apply(now, e, status)
		}
		if m.reconciliation.markReconciled(e) {
			m.reconciled(now)
		}
	}
	// Repeated updates and those about tasks that are not on record are acknowledged as well: the agent repeats an
	// update, and holds back those that follow it, until it is acknowledged.
	if len(status.UUID) > 0 && status.AgentID != nil {
		m.acknowledge(now, scheduler.Call_Acknowledge{AgentID: *status.AgentID, TaskID: status.TaskID, UUID: status.UUID})
	}
}

// acknowledge acknowledges an update, once all of it is stored.
func (m *machine) acknowledge(now time.Time, a scheduler.Call_Acknowledge) {
	switch isNew, full := m.acks.add(ackKeyOf(a.TaskID, a.AgentID, a.UUID)); {
	case full:
		m.drop(ackCalls)
	case isNew:
		c := &acknowledgement{Call: scheduler.Call{Type: scheduler.Call_ACKNOWLEDGE}, body: a}
		c.Acknowledge = &c.body
		m.whenStored(now, m.newSend(&c.Call))
	}
}

// acknowledgement is a call with its body, which are allocated together: there are two of them for each task.
type acknowledgement struct {
	scheduler.Call
	body scheduler.Call_Acknowledge
}

// endedTask takes an update about a task that has ended on record, and that was to be killed or not. An update without a
// uuid is the master's present knowledge: if it says that the task runs, the task was wrongly taken for lost.
func (m *machine) endedTask(killed bool, status mesos.TaskStatus) {
	if len(status.UUID) > 0 || status.State == nil || !knownToMaster(task.StateFromMesos(*status.State)) || m.teardown.wanted {
		return
	}
	m.emit(notify{UnknownTaskEvent{Status: status}})
	if killed || m.settings.unknown == KillUnknown {
		m.call(&scheduler.Call{Type: scheduler.Call_KILL, Kill: &scheduler.Call_Kill{TaskID: status.TaskID, AgentID: status.AgentID}})
	}
}

// apply changes a task as the update says, if it is about its present launch.
func (m *machine) apply(now time.Time, e *entry, status mesos.TaskStatus) {
	state := task.StateUnknown // also for states that a newer Mesos may have
	if status.State != nil {
		state = task.StateFromMesos(*status.State)
	}
	switch {
	case m.staleLaunch(e, status, state):
		return
	case e.launch != launchConfirmed && m.lostLaunch(now, e, status, state):
		return
	case e.launch == launchConfirmed && knownToMaster(e.Info.State) && (state == task.StateStaging || state == task.StateStarting):
		return // older than what is known: a new master reported the task before its agent repeated this update
	}
	if state == task.StateUnknown {
		if e.unknownFor(now) >= unknownLimit {
			e.recordStatus(status)
			m.setState(now, e, task.StateLost, fmt.Errorf("scheduler: Mesos has not known the task since %v", e.UnknownSince))
			return
		}
		if m.unknown.add(e) {
			m.startLaunchTimer(e, m.timers.together(aboutUnknown, m.unknown.next(now, e)))
		}
	} else {
		e.known()
	}
	if state == task.StateStaging {
		m.startLaunchTimer(e, m.timers.together(aboutStaging, now.Add(m.settings.launchTimeout)))
	}
	health := e.newHealth(&status)
	minor := state == e.Info.State && health == ""
	if minor && status.GetReason() == mesos.REASON_RECONCILIATION {
		return // nothing changed
	}
	if e.Info.State == task.StatePending {
		m.launchTookEffect(now, e) // its launch was wrongly taken for lost
	}
	was := e.Info.State
	if len(status.UUID) > 0 || knownToMaster(state) && state != task.StateStaging {
		m.tasks.advanceLaunch(e, eventConfirmed)
	} else {
		m.tasks.advanceLaunch(e, eventTold)
	}
	kept := e.recordStatus(status)
	if state == task.StateFailed && was != task.StateRunning && isDockerRun(e.Info.Spec.Base(), kept) {
		m.quarantinePorts(now, e)
	}
	m.change(now, e, transition{state: state, message: join(health, statusText(&status)), minor: minor, status: kept})
	if e.Killing && !knownToMaster(was) && knownToMaster(state) {
		m.killReachable(now, e)
	}
}

// believeAgain is for a new master. That the one before it did not know a task says nothing any more: the task's agent has
// unknownLimit to re-register with this one.
func (m *machine) believeAgain() {
	for _, e := range m.tasks.filtered(func(e *entry) bool { return !e.UnknownSince.IsZero() }) {
		e.known()
		m.touch(e.Info.Spec.ID)
	}
}

// staleLaunch reports whether an update is about an earlier launch of the task, or about an earlier task with its ID that was
// forgotten, not the present one. A pending task none of whose launches was taken for lost has nothing that could end.
func (m *machine) staleLaunch(e *entry, status mesos.TaskStatus, state task.State) bool {
	fromMaster := len(status.UUID) == 0
	switch {
	case e.Info.State == task.StatePending:
		return state == task.StateDropped || fromMaster && !knownToMaster(state) || e.Lost == 0 && state.Terminal()
	case e.launch == launchConfirmed && fromMaster && (state == task.StateError || status.GetReason() == mesos.REASON_INVALID_OFFERS):
		return true // a second launch was refused, which was made because the first was wrongly taken for lost
	}
	return state.Terminal() && status.AgentID != nil && e.Info.AgentID != "" && status.AgentID.Value != e.Info.AgentID
}

// lostLaunch reports whether an update says that the launch had no effect, and handles it: the task is pending again
// or, if that happened too often, has failed. It also returns true for an update that says nothing about this launch.
func (m *machine) lostLaunch(now time.Time, e *entry, status mesos.TaskStatus, state task.State) bool {
	reason := status.GetReason()
	fromMaster := len(status.UUID) == 0
	switch {
	case e.Info.State == task.StatePending:
		return false
	case e.launch != launchAsked && e.launch != launchVoid && reason == mesos.REASON_RECONCILIATION && !knownToMaster(state):
		return true // the late answer to a RECONCILE or KILL that was sent before this launch
	case reason == mesos.REASON_RECONCILIATION && !knownToMaster(state) && now.Before(m.staleAnswersUntil(e)):
		m.startLaunchTimer(e, m.staleAnswersUntil(e))
		return true
	case e.Lost > 0 && fromMaster && state.Terminal() && reason != mesos.REASON_RECONCILIATION:
		// It may be about the earlier launch, or a refusal of this one because the earlier one had an effect. Ask.
		m.startLaunchTimer(e, now.Add(callRetry))
		return true
	case reason == mesos.REASON_INVALID_OFFERS && state.Terminal() && e.launch == launchHeld:
		return true // about an earlier launch: this one was not sent
	case reason == mesos.REASON_INVALID_OFFERS && state.Terminal():
		// The offer was rescinded before the ACCEPT arrived. Nothing ran, and the launch does not count as lost.
		m.requeue(now, e, statusText(&status))
		return true
	case !showsNoEffect(now, e, state, fromMaster):
		return false
	}
	if e.launch != launchVoid { // otherwise it was counted before
		e.edit().Lost++
	}
	if int(e.Lost) >= m.settings.maxLaunches {
		e.recordStatus(status)
		if !state.Terminal() {
			state = task.StateLost
		}
		m.setState(now, e, state, fmt.Errorf("scheduler: %d launches had no effect", e.Lost))
		return true
	}
	notBefore := now
	if reason != mesos.REASON_RECONCILIATION { // a reconciliation has taken time already
		notBefore = now.Add(min(relaunchMin<<min(e.Lost, 10), relaunchMax))
	}
	if len(e.offers) > 0 && e.launch != launchHeld { // if the ACCEPT was lost, the master still holds the offers for us
		offers := make([]mesos.OfferID, len(e.offers))
		for i, id := range e.offers {
			offers[i].Value = id
		}
		m.returnOffers(offers)
	}
	m.requeueUntil(now, e, notBefore, join(state.String(), statusText(&status)))
	return true
}

// loseLaunched takes the end of a framework that was removed, in place of which another is registered: Mesos has killed what
// it ran. Nobody knows how far the single tasks were, so that they are lost. Those that are pending are the next framework's,
// for which earlier launches do not count: they can have no effect any more.
func (m *machine) loseLaunched(now time.Time, framework string) {
	for _, e := range m.tasks.filtered((*entry).live) {
		switch {
		case e.Info.State == task.StatePending && e.Lost > 0:
			e.edit().Lost = 0
			m.touch(e.Info.Spec.ID)
		case e.Info.State == task.StatePending:
		case e.Killing:
			m.change(now, e, transition{state: task.StateKilled, message: "the framework was removed"})
		default:
			m.setState(now, e, task.StateLost, &FrameworkRemovedError{FrameworkID: framework, renewed: true})
		}
	}
}

// showsNoEffect reports whether an update about a task that is not known to run shows that its launch had no effect.
func showsNoEffect(now time.Time, e *entry, state task.State, fromMaster bool) bool {
	switch state {
	case task.StateDropped:
		return true
	case task.StateGone, task.StateGoneByOperator, task.StateLost:
		return fromMaster
	case task.StateUnknown:
		return !e.UnknownSince.IsZero() && now.Sub(e.UnknownSince) >= unknownLimit
	}
	return false
}

// staleAnswersUntil returns until when an answer about a task that was launched again may be to a RECONCILE from before
// that launch, even if the master was asked again since. A stream may lag, but not for longer than the master may be
// silent, and not beyond its end. The zero time: no such answer can come.
func (m *machine) staleAnswersUntil(e *entry) time.Time {
	if e.Lost == 0 || e.former == nil || e.former.notBefore.Before(m.conn.openedAt) {
		return time.Time{}
	}
	return e.former.notBefore.Add(m.conn.maxSilence())
}

// knownToMaster reports whether the master knows a task that is in this state.
func knownToMaster(s task.State) bool {
	return s == task.StateStaging || s == task.StateStarting || s == task.StateRunning || s == task.StateKilling
}

// unknownTask takes an update about a task that is not on record.
func (m *machine) unknownTask(now time.Time, status mesos.TaskStatus) {
	state := task.StateUnknown
	if status.State != nil {
		state = task.StateFromMesos(*status.State)
	}
	if !knownToMaster(state) || m.teardown.wanted {
		return // the task has ended, or does not run
	}
	// Mesos launches no task with an odd ID, and not every store could take its record.
	switch policy := m.settings.unknown; {
	case policy == AdoptUnknown && m.tasks.mayAdopt(m.settings.limits.adopted) && mesosid.Fault(status.TaskID.Value) == "":
		m.adopt(now, status, state)
	case policy == KillUnknown:
		m.emit(notify{UnknownTaskEvent{Status: status}})
		m.call(&scheduler.Call{Type: scheduler.Call_KILL, Kill: &scheduler.Call_Kill{TaskID: status.TaskID, AgentID: status.AgentID}})
	default:
		m.emit(notify{UnknownTaskEvent{Status: status}})
	}
}

// adopt puts a task on record that Mesos runs and that is not on record yet.
func (m *machine) adopt(now time.Time, status mesos.TaskStatus, state task.State) {
	e := m.tasks.adopt(record.Info{Spec: record.NewSpec(task.Spec{ID: status.TaskID.Value}), State: state, Submitted: now, Updated: now})
	m.tasks.noteAdopted()
	m.reconciliation.skip(e)
	e.edit().UUIDs.Seen(status.UUID)
	m.classify(e, e.Info.Spec.Base())
	kept := e.recordStatus(status)
	m.change(now, e, transition{state: state, message: join("adopted", statusText(&status)), status: kept})
}

// quarantinePorts keeps the ports of a container that could not be started from being used again soon: most likely
// something else on the agent uses one of them.
func (m *machine) quarantinePorts(now time.Time, e *entry) {
	if m.settings.quarantine > 0 {
		m.quarantine.add(m.settings.limits.quarantined, e.Info.AgentID, e.Info.HostPorts, now.Add(m.settings.quarantine))
	}
}
