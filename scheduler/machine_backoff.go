package scheduler

import "time"

// noteOutcome takes what became of one of the machine's own calls on the present subscription, for all calls of its kind.
func (m *machine) noteOutcome(now time.Time, in callDone) {
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
	case kind == ackCalls, kind == inverseCalls: // the agent would repeat an update, but only after up to ten minutes
		m.backoff.later(now, c)
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
