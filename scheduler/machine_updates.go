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
	if r := m.tasks.byID[status.TaskID.Value]; r == nil {
		m.stranger(now, status)
	} else if r.info.State.Terminal() {
		m.revenant(r, status)
	} else {
		if !r.uuids.seen(status.UUID) {
			if len(status.UUID) > 0 {
				m.touch(status.TaskID.Value)
			}
			m.apply(now, r, status)
		}
		if m.reconciliation.markReconciled(r) {
			m.reconciled(now)
		}
	}
	// Also a repeated one and one about a task that is not on record: its agent goes on sending
	// it, and holds back what comes after it, until it is acknowledged.
	if len(status.UUID) > 0 && status.AgentID != nil {
		m.after(now, m.ready(&scheduler.Call{Type: scheduler.Call_ACKNOWLEDGE, Acknowledge: &scheduler.Call_Acknowledge{
			AgentID: *status.AgentID,
			TaskID:  status.TaskID,
			UUID:    status.UUID,
		}}))
	}
}

// revenant takes an update about a task that has ended on record. The master says without a uuid what it
// knows now: a task that was given up runs after all.
func (m *machine) revenant(r *entry, status mesos.TaskStatus) {
	if len(status.UUID) > 0 || status.State == nil || !known(task.FromMesos(*status.State)) || m.tearing {
		return
	}
	m.do(notify{UnknownTaskEvent{Status: status}})
	if r.killing || m.settings.unknown == KillUnknown {
		m.call(&scheduler.Call{Type: scheduler.Call_KILL, Kill: &scheduler.Call_Kill{TaskID: status.TaskID, AgentID: status.AgentID}})
	}
}

// apply changes a task as the update says, if it is about its present launch.
func (m *machine) apply(now time.Time, r *entry, status mesos.TaskStatus) {
	state := task.Unknown // also what a newer Mesos may invent
	if status.State != nil {
		state = task.FromMesos(*status.State)
	}
	switch {
	case m.foreign(r, status, state):
		return
	case r.launch != launchConfirmed && m.lostLaunch(now, r, status, state):
		return
	case r.launch == launchConfirmed && known(r.info.State) && (state == task.Staging || state == task.Starting):
		return // overtaken by what a new master told of it
	}
	if state == task.Unknown {
		if r.unknownSince.IsZero() {
			r.unknownSince = now
		}
		if now.Sub(r.unknownSince) >= unknownLimit {
			m.give(r, status)
			m.change(now, r, task.Lost, fmt.Errorf("scheduler: Mesos has not known the task since %v", r.unknownSince))
			return
		}
	} else {
		r.unknownSince = time.Time{}
	}
	if state == task.Staging {
		m.startLaunchTimer(r, now.Add(m.settings.launchTimeout))
	}
	if status.GetReason() == mesos.REASON_RECONCILIATION && state == r.info.State &&
		(status.Healthy == nil || r.info.Healthy != nil && *r.info.Healthy == *status.Healthy) {
		return // as it was
	}
	if r.info.State == task.Pending {
		m.returned(now, r) // its launch was taken for void and was not
	}
	was := r.info.State
	if len(status.UUID) > 0 || known(state) && state != task.Staging {
		m.tasks.moves(r, eventConfirmed)
	} else {
		m.tasks.moves(r, eventTold)
	}
	m.give(r, status)
	if state == task.Failed && was != task.Running && isDockerRun(r.info) {
		m.quarantinePorts(now, r)
	}
	m.change(now, r, state, nil)
	if r.killing && !known(was) && known(state) && state != task.Killing {
		m.sendKill(now, r) // those before it went nowhere: the task's agent was away
	}
}

// foreign tells whether an update is about an earlier launch, which has ended or never was.
func (m *machine) foreign(r *entry, status mesos.TaskStatus, state task.State) bool {
	fromMaster := len(status.UUID) == 0
	switch {
	case r.info.State == task.Pending:
		return state == task.Dropped || fromMaster && !known(state)
	case r.launch == launchConfirmed && fromMaster && (state == task.Error || status.GetReason() == mesos.REASON_INVALID_OFFERS):
		return true // the refusal of a second launch, made because the first was taken for lost
	}
	return state.Terminal() && status.AgentID != nil && r.info.AgentID != "" && status.AgentID.Value != r.info.AgentID
}

// lostLaunch takes an update that says that a launch came to nothing: the task is pending again. It
// has failed only when that happened too often, or what it says is final.
func (m *machine) lostLaunch(now time.Time, r *entry, status mesos.TaskStatus, state task.State) bool {
	reason := status.GetReason()
	fromMaster := len(status.UUID) == 0
	switch {
	case r.info.State == task.Pending:
		return false
	case r.launch != launchAsked && reason == mesos.REASON_RECONCILIATION && !known(state):
		return true // the answer to a question from before the launch, which may come late
	case reason == mesos.REASON_RECONCILIATION && !known(state) && now.Before(m.oldAnswers(r)):
		m.startLaunchTimer(r, m.oldAnswers(r))
		return true
	case r.lost > 0 && fromMaster && state.Terminal() && reason != mesos.REASON_RECONCILIATION:
		// This may be the answer to the earlier launch, or to the present one because of it.
		m.startLaunchTimer(r, now.Add(callRetry))
		return true
	case reason == mesos.REASON_INVALID_OFFERS && state.Terminal():
		// The offer was gone when the ACCEPT arrived. That is nobody's fault and nothing ran.
		m.requeue(now, r)
		return true
	case state == task.Dropped, fromMaster && (state == task.Gone || state == task.GoneByOperator || state == task.Lost),
		state == task.Unknown && !r.unknownSince.IsZero() && now.Sub(r.unknownSince) >= unknownLimit:
	default:
		return false
	}
	if r.launch != launchVoid { // else that was counted
		r.lost++
	}
	if int(r.lost) >= m.settings.maxLaunches {
		m.give(r, status)
		if !state.Terminal() {
			state = task.Lost
		}
		m.change(now, r, state, fmt.Errorf("scheduler: launched %d times in vain", r.lost))
		return true
	}
	then := now
	if reason != mesos.REASON_RECONCILIATION { // which itself takes its time
		then = now.Add(min(relaunchMin<<min(r.lost, 10), relaunchMax))
	}
	if r.offer != "" && r.launch != launchHeld { // if the ACCEPT was lost, the master still holds it for us
		m.giveBack([]mesos.OfferID{{Value: r.offer}})
	}
	m.requeueUntil(now, r, then)
	return true
}

// oldAnswers is until when an answer about a task that was launched again may be to a question from
// before that, although it was asked about since: a stream may lag, but not for longer than silence
// is borne, and not beyond its end.
func (m *machine) oldAnswers(r *entry) time.Time {
	if r.lost == 0 || r.former == nil || r.former.notBefore.Before(m.conn.openedAt) {
		return time.Time{}
	}
	return r.former.notBefore.Add(m.conn.patience())
}

// known tells whether a state is one of a task that the master knows.
func known(s task.State) bool {
	return s == task.Staging || s == task.Starting || s == task.Running || s == task.Killing
}

// give puts a status on record, without what is large: the docker executor's data is all that
// "docker inspect" says.
func (m *machine) give(r *entry, status mesos.TaskStatus) {
	status.Data = nil
	status.TaskID.Value = r.info.Spec.ID // the same text, once
	if status.ExecutorID != nil && status.ExecutorID.Value == r.info.Spec.ID {
		status.ExecutorID = &mesos.ExecutorID{Value: r.info.Spec.ID}
	}
	r.info.Status = &status
	if status.AgentID != nil && status.AgentID.Value != r.info.AgentID {
		r.info.AgentID, r.info.Hostname, r.info.HostPorts = status.AgentID.Value, "", nil
		if f := r.former; f != nil && f.agentID == r.info.AgentID {
			r.info.Hostname, r.info.HostPorts = f.hostname, f.hostPorts
		}
	}
	if status.AgentID != nil {
		status.AgentID = &mesos.AgentID{Value: r.info.AgentID}
	}
	if status.Healthy != nil {
		r.info.Healthy = status.Healthy
	}
}

// stranger takes an update about a task that is not on record.
func (m *machine) stranger(now time.Time, status mesos.TaskStatus) {
	state := task.Unknown
	if status.State != nil {
		state = task.FromMesos(*status.State)
	}
	if !known(state) || m.tearing {
		return // it has ended, or is not there
	}
	switch m.settings.unknown {
	case AdoptUnknown:
		m.adopt(now, status, state)
	case KillUnknown:
		m.do(notify{UnknownTaskEvent{Status: status}})
		m.call(&scheduler.Call{Type: scheduler.Call_KILL, Kill: &scheduler.Call_Kill{TaskID: status.TaskID, AgentID: status.AgentID}})
	default:
		m.do(notify{UnknownTaskEvent{Status: status}})
	}
}

// adopt puts a task on record that was not launched by us.
func (m *machine) adopt(now time.Time, status mesos.TaskStatus, state task.State) {
	r := m.tasks.adopt(task.Info{Spec: task.Spec{ID: status.TaskID.Value}, State: state, Submitted: now, Updated: now})
	m.reconciliation.skip(r)
	r.uuids.seen(status.UUID)
	m.classify(r, &r.info.Spec)
	m.give(r, status)
	m.change(now, r, state, nil)
}

// quarantinePorts keeps the ports of a container that could not be started from being used again
// soon: something else on the agent holds one of them.
func (m *machine) quarantinePorts(now time.Time, r *entry) {
	if len(r.info.HostPorts) > 0 && m.settings.quarantine > 0 {
		m.quarantine.add(r.info.AgentID, r.info.HostPorts, now.Add(m.settings.quarantine))
	}
}
