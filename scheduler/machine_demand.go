package scheduler

import (
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// wantsOffers tells whether there is something to launch, and nothing against it.
func (m *machine) wantsOffers() bool { return len(m.pending) > 0 && m.storeFailures == 0 }

// wanted is the call that makes the master's offers follow the demand: none while nothing is
// pending, and at once when something new is, even if we refused the same offers before.
func (m *machine) wanted() scheduler.Call_Type {
	switch {
	case m.phase != connected || m.tearing || m.wantsCycle(): // which may change it
	case !m.wantsOffers() && m.told != suppressed:
		return scheduler.Call_SUPPRESS
	case m.wantsOffers() && (m.told != revived || m.lift):
		return scheduler.Call_REVIVE
	}
	return scheduler.Call_UNKNOWN
}

// suppressedRoles picks the roles for which the master is to offer nothing, for UPDATE_FRAMEWORK: it takes those
// that are not named for revived.
func (m *machine) suppressedRoles(roles []string) []string {
	if m.told != suppressed {
		return nil
	}
	return roles
}

// liftAll has the master offer at once, also what was refused.
func (m *machine) liftAll() { m.lift = true }

// followDemand makes the wanted call, not more often than the settings allow: each REVIVE makes
// the master allocate.
func (m *machine) followDemand(now time.Time) {
	call := m.wanted()
	if call == scheduler.Call_UNKNOWN || now.Before(m.demandAt) {
		return
	}
	m.told = suppressed
	if call == scheduler.Call_REVIVE {
		m.told, m.filtered, m.lift = revived, false, false
		m.demandAt = now.Add(m.settings.reviveInterval)
	}
	m.call(&scheduler.Call{Type: call})
}
