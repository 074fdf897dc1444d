package scheduler

import (
	"errors"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/mastertext"
)

// replaced reports whether a call was refused because another scheduler has subscribed.
func replaced(err error) bool {
	var refused *CallError
	return errors.As(err, &refused) && mastertext.IsReplaced(refused.Message)
}

// rawCall makes a call of the user's.
func (m *machine) rawCall(in rawCall) {
	if !m.conn.connected() || m.teardown.wanted {
		m.emit(reply{ref: in.ref, err: ErrNotSubscribed})
		return
	}
	c := in.call
	if e := m.tasks.byID[c.GetKill().GetTaskID().Value]; e != nil && !e.Info.State.Terminal() {
		m.emit(reply{ref: in.ref, err: &CallError{Call: "KILL", Message: "the task is on record: use the method Kill"}})
		return
	}
	c.FrameworkID = &mesos.FrameworkID{Value: m.conn.frameworkID}
	if u := c.UpdateFramework; u != nil {
		u.FrameworkInfo.ID = c.FrameworkID
		if u.FrameworkInfo.FailoverTimeout == nil { // for Mesos that is no time at all
			u.FrameworkInfo.FailoverTimeout = m.conn.info.FailoverTimeout
		}
		u.SuppressedRoles = m.demand.Suppressed(u.FrameworkInfo.Roles)
		m.filter.UserCalled()
	}
	m.emit(send{stream: m.conn.stream, call: c, ref: in.ref})
}
