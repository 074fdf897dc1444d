package scheduler

import (
	"errors"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/offerfilter"
)

const (
	// maxFilteredClasses is how many classes of tasks are looked at for a filter, which takes about a microsecond
	// each. With more there is none.
	maxFilteredClasses = 10_000
	badRequest         = 400
)

// filterDeadline is when there is something to do about the filter; the zero time is never.
func (m *machine) filterDeadline() time.Time {
	if !m.conn.connected() || m.teardown.wanted {
		return time.Time{}
	}
	return m.filter.Deadline()
}

// followFilter tells the master which offers to keep back, or that it is to offer everything.
func (m *machine) followFilter(now time.Time) {
	for _, class := range m.backlog.takeChanged() {
		if m.filter.ClassChanged(now, m.conn.info.Roles, class.spec, class.pending > 0) {
			m.demand.AskAgain(class.spec.Role)
		}
	}
	if !m.conn.connected() || m.teardown.wanted {
		return
	}
	filter, tell := m.filter.Follow(now, m.deriveFilter)
	if !tell {
		return
	}
	update := &scheduler.Call_UpdateFramework{FrameworkInfo: m.conn.info, SuppressedRoles: m.demand.Suppressed(m.conn.info.Roles)}
	update.FrameworkInfo.ID = &mesos.FrameworkID{Value: m.conn.frameworkID}
	update.FrameworkInfo.OfferFilters = filter.OfferFilters(update.FrameworkInfo.OfferFilters)
	send := m.callNow(&scheduler.Call{Type: scheduler.Call_UPDATE_FRAMEWORK, UpdateFramework: update})
	send.constraints = filter.Constraints
	m.filter.Sent(send.call)
	m.emit(send)
}

// deriveFilter returns the filter for all that is pending.
func (m *machine) deriveFilter(level offerfilter.Level) offerfilter.Filter {
	if len(m.backlog.classes) > maxFilteredClasses {
		return offerfilter.Filter{}
	}
	return offerfilter.Derive(m.conn.info.Roles, m.conn.info.OfferFilters, m.backlog.specs(), level)
}

// filterDone takes the outcome of an UPDATE_FRAMEWORK of the machine's own.
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

// userUpdated takes the outcome of an UPDATE_FRAMEWORK of the user's, which has no filter.
func (m *machine) userUpdated(now time.Time, in callDone) {
	current := m.conn.current(in.stream)
	m.filter.UserDone(now, in.outcome == accepted && current && m.conn.connected())
	if in.outcome != accepted {
		return
	}
	// So that the next subscription does not undo it.
	info := in.call.UpdateFramework.FrameworkInfo
	info.ID = nil
	m.setInfo(info)
	if !current && m.conn.phase >= connecting { // with what was before
		m.disconnected(now, errors.New("the framework was updated meanwhile"))
	}
}
