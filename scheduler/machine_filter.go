package scheduler

import (
	"errors"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/offerfilter"
)

const (
	// maxFilteredClasses is the number of classes up to which a filter is derived. It takes about a microsecond for
	// each, 10 ms in all. With more there is no filter.
	maxFilteredClasses = 10_000
)

// filterDeadline returns when there is something to do about the filter; the zero time: never.
func (m *machine) filterDeadline() time.Time {
	if !m.mayFilter() {
		return time.Time{}
	}
	return m.filter.Deadline()
}

// mayFilter reports whether a filter can be sent now.
func (m *machine) mayFilter() bool {
	return m.conn.connected() && !m.teardown.wanted && !m.backoff.closed(filterCalls)
}

// followFilter sends the filter that is due: which offers the master need not send, or that it is to send all.
func (m *machine) followFilter(now time.Time) {
	for _, class := range m.backlog.takeChanged() {
		if m.filter.ClassChanged(now, m.conn.info.Roles, class.spec, class.pending > 0) {
			m.demand.AskAgain(class.spec.Role)
		}
	}
	if !m.mayFilter() {
		return
	}
	filter, tell := m.filter.Follow(now, m.deriveFilter)
	if !tell {
		return
	}
	update := &scheduler.Call_UpdateFramework{FrameworkInfo: m.conn.info, SuppressedRoles: m.demand.Suppressed(m.conn.info.Roles)}
	update.FrameworkInfo.ID = &mesos.FrameworkID{Value: m.conn.frameworkID}
	update.FrameworkInfo.OfferFilters = filter.OfferFilters(update.FrameworkInfo.OfferFilters)
	s := m.newSend(&scheduler.Call{Type: scheduler.Call_UPDATE_FRAMEWORK, UpdateFramework: update})
	s.constraints = filter.Constraints
	m.filter.Sent(s.call)
	m.send(s)
}

// deriveFilter returns the filter for the pending tasks.
func (m *machine) deriveFilter(level offerfilter.Level) offerfilter.Filter {
	if len(m.backlog.classes) > maxFilteredClasses {
		return offerfilter.Filter{}
	}
	return offerfilter.Derive(m.conn.info.Roles, m.conn.info.OfferFilters, m.backlog.specs(), level)
}

// filterDone takes the outcome of an UPDATE_FRAMEWORK that followFilter sent.
func (m *machine) filterDone(now time.Time, in callDone) {
	if !m.conn.current(in.stream) || !m.conn.connected() {
		return
	}
	var answer *CallError
	outcome := offerfilter.Failed
	switch {
	case in.outcome == accepted:
		outcome = offerfilter.Accepted
	case in.outcome == unclear:
		outcome = offerfilter.Unclear
	case in.outcome == refused && errors.As(in.err, &answer) && answer.Status == badRequest:
		outcome = offerfilter.Refused
	}
	if m.filter.Done(now, in.call, outcome) == offerfilter.Disconnect {
		m.disconnected(now, in.err)
	}
}

// userUpdated takes the outcome of a user's UPDATE_FRAMEWORK, which has no filter.
func (m *machine) userUpdated(now time.Time, in callDone) {
	current := m.conn.current(in.stream)
	m.filter.UserDone(now, in.outcome == accepted && current && m.conn.connected())
	if in.outcome != accepted {
		return
	}
	// Subscribe as this from now on, so that the next subscription does not undo the change.
	info := in.call.UpdateFramework.FrameworkInfo
	info.ID = nil
	m.setInfo(info)
	m.reportNeverOffered()
	if !current && m.conn.phase >= connecting { // SUBSCRIBE had the former info
		m.disconnected(now, errors.New("the framework was updated meanwhile"))
	}
}
