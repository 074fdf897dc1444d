package scheduler

import (
	"errors"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/mastertext"
)

// callDone takes the outcome of a call.
func (m *machine) callDone(now time.Time, in callDone) {
	current := m.conn.current(in.stream)
	if in.ref != 0 {
		m.emit(reply{ref: in.ref, err: in.err})
	}
	if in.outcome == stale && current && replaced(in.err) {
		m.disconnected(now, ErrEvicted)
		return
	}
	switch in.call.GetType() {
	case scheduler.Call_ACCEPT:
		m.acceptDone(now, in)
	case scheduler.Call_DECLINE:
		if in.outcome != accepted && current {
			m.retryDecline(now, in.call.Decline.OfferIDs)
		}
	case scheduler.Call_ACKNOWLEDGE:
		// The agent would repeat the update, but only after up to ten minutes.
		if in.outcome != accepted && current {
			m.timers.start(timer{at: now.Add(callRetry), call: in.call})
		}
	case scheduler.Call_KILL:
		if e := m.tasks.byID[in.call.Kill.TaskID.Value]; current && e != nil && e.Killing && !e.Info.State.Terminal() {
			pause := e.killPause
			if in.outcome != accepted {
				pause = callRetry
			}
			m.startKillTimer(e, now.Add(pause))
		}
	case scheduler.Call_RECONCILE:
		m.reconcileDone(in)
	case scheduler.Call_UPDATE_FRAMEWORK:
		if in.ref != 0 {
			m.userUpdated(now, in)
		} else {
			m.filterDone(now, in)
		}
	case scheduler.Call_REVIVE:
		if in.outcome != accepted && current {
			m.demand.CallFailed(now.Add(callRetry), in.call.GetRevive().GetRoles())
		}
	case scheduler.Call_SUPPRESS:
		if in.outcome != accepted && current {
			m.demand.CallFailed(now.Add(callRetry), in.call.GetSuppress().GetRoles())
		}
	case scheduler.Call_TEARDOWN:
		if in.outcome == accepted {
			m.tornDown(now)
		} else if current {
			m.disconnected(now, in.err) // the next subscription asks again
		}
		return
	}
	// Once the framework is torn down the master no longer knows it; the answer to TEARDOWN is on its way.
	// A call of the user's may be at fault itself.
	if in.outcome == stale && m.conn.current(in.stream) && !m.teardown.wanted && in.ref == 0 {
		m.disconnected(now, in.err)
	}
}

// replaced reports whether a call was refused because another scheduler has subscribed.
func replaced(err error) bool {
	var refused *CallError
	return errors.As(err, &refused) && mastertext.IsReplaced(refused.Message)
}

// callRetry is the pause before a call that failed is made again. The master is then usually busy or shutting
// down, and a shorter pause would not help.
const callRetry = time.Second

func (m *machine) emit(a action) { m.actions = append(m.actions, a) }

// call sends a call on the current subscription.
func (m *machine) call(c *scheduler.Call) { m.emit(m.callNow(c)) }

// callNow returns the action that makes a call on the current subscription.
func (m *machine) callNow(c *scheduler.Call) send {
	c.FrameworkID = &mesos.FrameworkID{Value: m.conn.frameworkID}
	return send{stream: m.conn.stream, call: c}
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
		u.SuppressedRoles = m.demand.Suppressed(u.FrameworkInfo.Roles)
		m.filter.UserCalled()
	}
	m.emit(send{stream: m.conn.stream, call: c, ref: in.ref})
}
