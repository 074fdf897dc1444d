package scheduler

import (
	"errors"
	"fmt"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

const (
	// shapeAfter is how long what is pending must have stayed the same before the master is told of it. A
	// task that finds its place at once, as most do, is not worth two calls; and since it also bounds how often
	// the master is told, each change costs an allocation there.
	shapeAfter = 5 * time.Second
	// shapingMinor is the version 1.x of Mesos since which masters understand offer constraints.
	shapingMinor = 11
	// shapingLate is by how much a call without an answer may be late. What it says holds until the next one.
	shapingLate = time.Minute
	badRequest  = 400
)

// shaping is how far the master knows what is pending. It is told more only when that has not changed for a while,
// and less at once: a task that came meanwhile must not wait for offers that the master keeps back.
type shaping struct {
	able     bool            // this master understands
	taken    bool            // a master has taken such wishes in this run, so that SUBSCRIBE may have them, too
	refusals int             // by this master: after one there are no expressions, after two no wishes
	told     wishes          // with the last call
	call     *scheduler.Call // that, while it is under way
	tight    bool            // the master may know wishes
	users    int             // UPDATE_FRAMEWORK calls of the user's that are under way
	due      time.Time       // when to tell the master; zero: it was told
	late     time.Time       // until then a call of which nothing is known may arrive
	at       time.Time       // when to look what is pending; zero: that has not changed
	turned   []*shape        // in this step, from none pending to some or the other way
}

// understands tells whether a master of this version knows offer constraints.
func understands(version string) bool {
	var major, minor int
	if _, err := fmt.Sscanf(version, "%d.%d", &major, &minor); err != nil {
		return false
	}
	return major > 1 || major == 1 && minor >= shapingMinor
}

// resubscribe makes the wishes part of a subscription, if it is sure that they will not be the end of it.
func (s *shaping) resubscribe(info *mesos.FrameworkInfo) constraints {
	if !s.taken {
		s.told = wishes{}
	}
	s.tight, s.refusals, s.call = !s.told.none(), 0, nil
	s.due, s.late, s.at = time.Time{}, time.Time{}, time.Time{}
	info.OfferFilters = s.told.filters(info.OfferFilters)
	return s.told.constraints
}

// refusedWith tells whether an attempt to subscribe may have failed for its wishes, and forgets them.
func (s *shaping) refusedWith(err error) bool {
	var refused *SubscribeError
	if s.told.none() || !errors.As(err, &refused) {
		return false
	}
	s.taken, s.told = false, wishes{}
	return true
}

// subscribedWith takes what the master says of itself, and tells whether the subscription can stay: a master that
// is too old for constraints may know minima nevertheless, as those since 1.8 do, and there would be no way to lift
// them.
func (s *shaping) subscribedWith(now time.Time, version string) bool {
	if s.able = understands(version); s.able {
		s.at = now.Add(shapeAfter)
		return true
	}
	none := s.told.none()
	s.told, s.tight = wishes{}, false
	return none
}

// reshape looks at a shape of which the first task became pending, or the last one ceased to be.
func (m *machine) reshape(now time.Time, changed *shape) {
	s := &m.shaping
	switch {
	case !s.able:
	case changed.pending == 0:
		if s.at.IsZero() {
			s.at = now.Add(shapeAfter)
		}
	case s.told.none():
		s.at = now.Add(shapeAfter)
	case !m.admitted(changed.spec):
		s.told, s.due, s.at = wishes{}, now, now.Add(shapeAfter)
		m.demand.AskAgain(changed.spec.Role) // so that the master need not wait for its next allocation
	}
}

// shapingDeadline is when there is something to do; the zero time is never.
func (m *machine) shapingDeadline() time.Time {
	s := &m.shaping
	switch {
	case !s.able || m.phase != connected || m.tearing || s.users > 0:
		return time.Time{}
	case s.due.IsZero() || !s.at.IsZero() && s.at.Before(s.due):
		return s.at
	}
	return s.due
}

// followShaping tells the master what is pending, or that it is to offer everything.
func (m *machine) followShaping(now time.Time) {
	s := &m.shaping
	for _, turned := range s.turned {
		m.reshape(now, turned)
	}
	clear(s.turned)
	s.turned = s.turned[:0]
	if at := m.shapingDeadline(); at.IsZero() || now.Before(at) {
		return
	}
	if !s.at.IsZero() && !now.Before(s.at) {
		s.at = time.Time{}
		if derived := m.wishes(); !derived.equal(s.told) {
			s.told, s.due = derived, now
		}
	}
	if s.due.IsZero() || now.Before(s.due) {
		return
	}
	s.due = time.Time{}
	update := &scheduler.Call_UpdateFramework{FrameworkInfo: m.settings.framework, SuppressedRoles: m.demand.Suppressed(m.settings.framework.Roles)}
	update.FrameworkInfo.ID = &mesos.FrameworkID{Value: m.framework}
	update.FrameworkInfo.OfferFilters = s.told.filters(update.FrameworkInfo.OfferFilters)
	send := m.ready(&scheduler.Call{Type: scheduler.Call_UPDATE_FRAMEWORK, UpdateFramework: update})
	send.constraints, s.call = s.told.constraints, send.call
	m.do(send)
}

// shapingDone takes the outcome of a call with wishes, or without.
func (m *machine) shapingDone(now time.Time, in callDone) {
	s := &m.shaping
	if !m.current(in.stream) || m.phase != connected {
		return
	}
	last := in.call == s.call
	if last {
		s.call = nil
	}
	var answer *CallError
	switch {
	case in.outcome == accepted:
		s.tight = !last || !s.told.none()
		s.taken = s.taken || last && s.tight
		if last && now.Before(s.late) && s.due.IsZero() {
			s.due = s.late // once more, lest that one holds
		}
	case in.outcome == refused && errors.As(in.err, &answer) && answer.Status == badRequest:
		s.taken = false
		s.refusals++
		if last {
			m.shapingRefused(now, in.err)
		}
	default:
		if in.outcome == unclear {
			s.tight, s.late = true, now.Add(shapingLate)
		}
		if last {
			s.due = now.Add(callRetry)
		}
	}
}

// shapingRefused goes back to no wishes. A master knows those before the refused ones until it has taken
// that call or, if it refuses even that, the subscription is another one.
func (m *machine) shapingRefused(now time.Time, err error) {
	s := &m.shaping
	if s.told.none() {
		if s.tight {
			m.disconnected(now, err)
		}
		return
	}
	s.told, s.at = wishes{}, now.Add(shapeAfter)
	if s.tight {
		s.due = now
	}
}

// userUpdated takes the outcome of an UPDATE_FRAMEWORK of the user's, which has no wishes.
func (m *machine) userUpdated(now time.Time, in callDone) {
	s := &m.shaping
	s.users = max(0, s.users-1)
	if in.outcome != accepted {
		return
	}
	// So that the next subscription does not undo it.
	m.settings.framework = in.call.UpdateFramework.FrameworkInfo
	m.settings.framework.ID = nil
	m.demand.SetRoles(m.settings.framework.Roles)
	if !m.current(in.stream) && m.phase >= connecting { // with what was before
		m.disconnected(now, errors.New("the framework was updated meanwhile"))
		return
	}
	if s.users == 0 && s.able && m.phase == connected && m.current(in.stream) {
		s.told, s.tight, s.due, s.at = wishes{}, false, time.Time{}, now.Add(shapeAfter)
	}
}
