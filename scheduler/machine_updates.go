package scheduler

import (
	"fmt"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// unknownLimit is for how long a master may say that it does not know a task before that is
// believed. Agents have ten minutes to come back after a failover of the master.
const unknownLimit = 10 * time.Minute

// The pause before a launch is made again that an agent or the master dropped: doubled with each
// one, so that what is wrong there may pass. The executor of a task of the same ID, for one, takes a
// second to go.
const (
	relaunchMin = time.Second / 2
	relaunchMax = time.Minute
)

// update takes a status update: it is applied, stored, told, and only then acknowledged.
func (m *machine) update(now time.Time, status mesos.TaskStatus) {
	if e := m.tasks.byID[status.TaskID.Value]; e == nil {
		m.unknownTask(now, status)
	} else if e.Info.State.Terminal() {
		m.endedTask(e, status)
	} else {
		if !e.UUIDs.Seen(status.UUID) {
			if len(status.UUID) > 0 {
				m.touch(status.TaskID.Value)
			}
			m.apply(now, e, status)
		}
		if m.reconciliation.markReconciled(e) {
			m.reconciled(now)
		}
	}
	// Also a repeated one and one about a task that is not on record: its agent goes on sending
	// it, and holds back what comes after it, until it is acknowledged.
	if len(status.UUID) > 0 && status.AgentID != nil {
		m.whenStored(now, m.callNow(&scheduler.Call{Type: scheduler.Call_ACKNOWLEDGE, Acknowledge: &scheduler.Call_Acknowledge{
			AgentID: *status.AgentID,
			TaskID:  status.TaskID,
			UUID:    status.UUID,
		}}))
	}
}

// revenant takes an update about a task that has ended on record. The master says without a uuid what it
// knows now: a task that was given up runs after all.
func (m *machine) endedTask(e *entry, status mesos.TaskStatus) {
	if len(status.UUID) > 0 || status.State == nil || !knownToMaster(task.FromMesos(*status.State)) || m.teardown.wanted {
		return
	}
	m.emit(notify{UnknownTaskEvent{Status: status}})
	if e.Killing || m.settings.unknown == KillUnknown {
		m.call(&scheduler.Call{Type: scheduler.Call_KILL, Kill: &scheduler.Call_Kill{TaskID: status.TaskID, AgentID: status.AgentID}})
	}
}

// apply changes a task as the update says, if it is about its present launch.
func (m *machine) apply(now time.Time, e *entry, status mesos.TaskStatus) {
	state := task.Unknown // also what a newer Mesos may invent
	if status.State != nil {
		state = task.FromMesos(*status.State)
	}
	switch {
	case m.staleLaunch(e, status, state):
		return
	case e.launch != launchConfirmed && m.lostLaunch(now, e, status, state):
		return
	case e.launch == launchConfirmed && knownToMaster(e.Info.State) && (state == task.Staging || state == task.Starting):
		return // overtaken by what a new master told of it
	}
	if state == task.Unknown {
		if e.UnknownSince.IsZero() {
			e.UnknownSince = now
		}
		if now.Sub(e.UnknownSince) >= unknownLimit {
			m.recordStatus(e, status)
			m.setState(now, e, task.Lost, fmt.Errorf("scheduler: Mesos has not known the task since %v", e.UnknownSince))
			return
		}
	} else {
		e.UnknownSince = time.Time{}
	}
	if state == task.Staging {
		m.startLaunchTimer(e, now.Add(m.settings.launchTimeout))
	}
	if status.GetReason() == mesos.REASON_RECONCILIATION && state == e.Info.State &&
		(status.Healthy == nil || e.Info.Healthy != nil && *e.Info.Healthy == *status.Healthy) {
		return // as it was
	}
	if e.Info.State == task.Pending {
		m.launchTookEffect(now, e) // its launch was taken for void and was not
	}
	was := e.Info.State
	if len(status.UUID) > 0 || knownToMaster(state) && state != task.Staging {
		m.tasks.advanceLaunch(e, eventConfirmed)
	} else {
		m.tasks.advanceLaunch(e, eventTold)
	}
	m.recordStatus(e, status)
	if state == task.Failed && was != task.Running && isDockerRun(e.Info) {
		m.quarantinePorts(now, e)
	}
	m.setState(now, e, state, nil)
	if e.Killing && !knownToMaster(was) && knownToMaster(state) && state != task.Killing {
		m.sendKill(now, e) // those before it went nowhere: the task's agent was away
	}
}

// foreign tells whether an update is about an earlier launch, which has ended or never was.
func (m *machine) staleLaunch(e *entry, status mesos.TaskStatus, state task.State) bool {
	fromMaster := len(status.UUID) == 0
	switch {
	case e.Info.State == task.Pending:
		return state == task.Dropped || fromMaster && !knownToMaster(state)
	case e.launch == launchConfirmed && fromMaster && (state == task.Error || status.GetReason() == mesos.REASON_INVALID_OFFERS):
		return true // the refusal of a second launch, made because the first was taken for lost
	}
	return state.Terminal() && status.AgentID != nil && e.Info.AgentID != "" && status.AgentID.Value != e.Info.AgentID
}

// lostLaunch takes an update that says that a launch came to nothing: the task is pending again. It
// has failed only when that happened too often, or what it says is final.
func (m *machine) lostLaunch(now time.Time, e *entry, status mesos.TaskStatus, state task.State) bool {
	reason := status.GetReason()
	fromMaster := len(status.UUID) == 0
	switch {
	case e.Info.State == task.Pending:
		return false
	case e.launch != launchAsked && reason == mesos.REASON_RECONCILIATION && !knownToMaster(state):
		return true // the answer to a question from before the launch, which may come late
	case reason == mesos.REASON_RECONCILIATION && !knownToMaster(state) && now.Before(m.staleAnswersUntil(e)):
		m.startLaunchTimer(e, m.staleAnswersUntil(e))
		return true
	case e.Lost > 0 && fromMaster && state.Terminal() && reason != mesos.REASON_RECONCILIATION:
		// This may be the answer to the earlier launch, or to the present one because of it.
		m.startLaunchTimer(e, now.Add(callRetry))
		return true
	case reason == mesos.REASON_INVALID_OFFERS && state.Terminal():
		// The offer was gone when the ACCEPT arrived. That is nobody's fault and nothing ran.
		m.requeue(now, e)
		return true
	case state == task.Dropped, fromMaster && (state == task.Gone || state == task.GoneByOperator || state == task.Lost),
		state == task.Unknown && !e.UnknownSince.IsZero() && now.Sub(e.UnknownSince) >= unknownLimit:
	default:
		return false
	}
	if e.launch != launchVoid { // else that was counted
		e.Lost++
	}
	if int(e.Lost) >= m.settings.maxLaunches {
		m.recordStatus(e, status)
		if !state.Terminal() {
			state = task.Lost
		}
		m.setState(now, e, state, fmt.Errorf("scheduler: launched %d times in vain", e.Lost))
		return true
	}
	then := now
	if reason != mesos.REASON_RECONCILIATION { // which itself takes its time
		then = now.Add(min(relaunchMin<<min(e.Lost, 10), relaunchMax))
	}
	if e.offer != "" && e.launch != launchHeld { // if the ACCEPT was lost, the master still holds it for us
		m.returnOffers([]mesos.OfferID{{Value: e.offer}})
	}
	m.requeueUntil(now, e, then)
	return true
}

// oldAnswers is until when an answer about a task that was launched again may be to a question from
// before that, although it was asked about since: a stream may lag, but not for longer than silence
// is borne, and not beyond its end.
func (m *machine) staleAnswersUntil(e *entry) time.Time {
	if e.Lost == 0 || e.former == nil || e.former.notBefore.Before(m.conn.openedAt) {
		return time.Time{}
	}
	return e.former.notBefore.Add(m.conn.maxSilence())
}

// known tells whether a state is one of a task that the master knows.
func knownToMaster(s task.State) bool {
	return s == task.Staging || s == task.Starting || s == task.Running || s == task.Killing
}

// give puts a status on record, without what is large: the docker executor's data is all that
// "docker inspect" says.
func (m *machine) recordStatus(e *entry, status mesos.TaskStatus) {
	status.Data = nil
	status.TaskID.Value = e.Info.Spec.ID // the same text, once
	if status.ExecutorID != nil && status.ExecutorID.Value == e.Info.Spec.ID {
		status.ExecutorID = &mesos.ExecutorID{Value: e.Info.Spec.ID}
	}
	e.Info.Status = &status
	if status.AgentID != nil && status.AgentID.Value != e.Info.AgentID {
		e.Info.AgentID, e.Info.Hostname, e.Info.HostPorts = status.AgentID.Value, "", nil
		if f := e.former; f != nil && f.agentID == e.Info.AgentID {
			e.Info.Hostname, e.Info.HostPorts = f.hostname, f.hostPorts
		}
	}
	if status.AgentID != nil {
		status.AgentID = &mesos.AgentID{Value: e.Info.AgentID}
	}
	if status.Healthy != nil {
		e.Info.Healthy = status.Healthy
	}
}

// stranger takes an update about a task that is not on record.
func (m *machine) unknownTask(now time.Time, status mesos.TaskStatus) {
	state := task.Unknown
	if status.State != nil {
		state = task.FromMesos(*status.State)
	}
	if !knownToMaster(state) || m.teardown.wanted {
		return // it has ended, or is not there
	}
	switch m.settings.unknown {
	case AdoptUnknown:
		m.adopt(now, status, state)
	case KillUnknown:
		m.emit(notify{UnknownTaskEvent{Status: status}})
		m.call(&scheduler.Call{Type: scheduler.Call_KILL, Kill: &scheduler.Call_Kill{TaskID: status.TaskID, AgentID: status.AgentID}})
	default:
		m.emit(notify{UnknownTaskEvent{Status: status}})
	}
}

// adopt puts a task on record that was not launched by us.
func (m *machine) adopt(now time.Time, status mesos.TaskStatus, state task.State) {
	e := m.tasks.adopt(task.Info{Spec: task.Spec{ID: status.TaskID.Value}, State: state, Submitted: now, Updated: now})
	m.reconciliation.skip(e)
	e.UUIDs.Seen(status.UUID)
	m.classify(e, &e.Info.Spec)
	m.recordStatus(e, status)
	m.setState(now, e, state, nil)
}

// quarantinePorts keeps the ports of a container that could not be started from being used again
// soon: something else on the agent holds one of them.
func (m *machine) quarantinePorts(now time.Time, e *entry) {
	if len(e.Info.HostPorts) > 0 && m.settings.quarantine > 0 {
		m.quarantine.add(e.Info.AgentID, e.Info.HostPorts, now.Add(m.settings.quarantine))
	}
}
