package scheduler

import (
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// noteOutcome takes what became of one of the machine's own calls on the present subscription, for all calls of its kind.
func (m *machine) noteOutcome(now time.Time, in callDone) {
	m.backoff.done(in.call)
	if in.outcome == accepted {
		m.noteTaken(in.call)
	}
	switch {
	case m.teardown.wanted:
	case in.outcome == accepted:
		m.sendAll(m.backoff.succeeded(in.call))
	case in.outcome != stale && m.backoff.failed(now, in.call, in.err, m.settings.random()):
		kind := kindOf(in.call)
		m.emit(takeBack{stream: m.conn.stream, kind: kind})
		if kind == acceptCalls {
			m.returnLaunches(now)
		}
	}
}

// noteTaken notes what the master has been told.
func (m *machine) noteTaken(c *scheduler.Call) {
	if a := c.Acknowledge; a != nil {
		m.acks.remove(ackKeyOf(a.TaskID, a.AgentID, a.UUID))
	}
	if c.Decline != nil {
		m.backoff.taken(len(c.Decline.OfferIDs))
	}
}

// callFailed has a call made again that failed, or may have. A user's is not, but the demand follows it as well.
func (m *machine) callFailed(now time.Time, in callDone) {
	switch kind, c := kindOf(in.call), in.call; {
	case kind == demandCalls:
		retryAt := m.backoff.until(kind)
		if in.ref != 0 {
			retryAt = now.Add(callRetry)
		}
		m.demand.CallFailed(retryAt, append(c.GetRevive().GetRoles(), c.GetSuppress().GetRoles()...))
	case in.ref != 0:
	case kind == declineCalls:
		m.retryDecline(now, c.Decline.OfferIDs)
	case kind == ackCalls: // the agent would repeat the update, but only after up to ten minutes
		m.backoff.retry(now, c)
	case kind == inverseCalls:
		if !m.backoff.retry(now, c) {
			m.drop(kind)
		}
	}
}

// endPauses makes the calls that waited for the end of a pause.
func (m *machine) endPauses(now time.Time) {
	if m.teardown.wanted {
		return
	}
	calls, accept := m.backoff.due(now)
	m.sendAll(calls)
	if accept {
		m.pool.lookAgain()
		m.demand.TaskArrived("") // what was refused meanwhile is wanted now
	}
}
