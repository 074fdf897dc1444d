package scheduler

import (
	"slices"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// demand is how many tasks are to be launched in a role of the framework, and what the master knows of
// that. It makes the master's offers follow: none for a role that no pending task can use, and at once
// when one can, even if the same offers were refused before. Tasks that name no role are counted under
// the role "", which is none of the framework's.
type demand struct {
	role    string
	pending int
	came    int // counts the tasks that came, or came back
	told    told
	// filtered: the master has refusals of ours, which a REVIVE would lift; lift: a task came after
	// them that may fit what was refused.
	filtered, lift bool
	// idleAt is when to suppress; zero while offers are wanted.
	idleAt time.Time
	// againAt is when to revive again if nothing is offered until then, and pause for how long to wait after that.
	againAt time.Time
	pause   time.Duration
}

// told is what the master knows of a demand. A role that is not subscribed yet counts as suppressed.
type told int

const (
	suppressed told = iota
	unsure          // a SUPPRESS or REVIVE may or may not have arrived
	revived
)

const (
	// idleAfter is how long a role is without pending tasks before it is suppressed. A SUPPRESS costs
	// a master little, but the REVIVE after it makes it allocate: who launches one task after
	// another should not cause one for each. Longer than offers are kept it need not be, since
	// what was given back takes a REVIVE anyway.
	idleAfter = DefaultHold
	// reviveBurst is how many REVIVEs may go out at once, after a time without any: for tasks of
	// several roles, or one that comes just after another's offers were given back. In a time t there are no
	// more than reviveBurst + t/reviveInterval.
	reviveBurst = 3
	// The pause before a REVIVE that brought no offer is made again, doubled with each one. It may have
	// been lost behind the master; that a full cluster has nothing to offer is the usual reason.
	reviveAgainMin = 30 * time.Second
	reviveAgainMax = 5 * time.Minute
)

// demandOf gives the demand for a role, or of the tasks that name none.
func (m *machine) demandOf(role string) *demand {
	d := m.demands[role]
	if d == nil {
		d = &demand{role: role}
		m.demands[role] = d
	}
	return d
}

// setRoles follows the roles of the framework. What was told of one that has gone stays, for it to be told
// again should it come back.
func (m *machine) setRoles() {
	m.roles = make([]*demand, len(m.settings.framework.Roles))
	for i, role := range m.settings.framework.Roles {
		m.roles[i] = m.demandOf(role)
	}
}

// suppressedRoles picks the roles for which the master is to offer nothing, for SUBSCRIBE and
// UPDATE_FRAMEWORK: it takes those that they do not name for revived.
func (m *machine) suppressedRoles(roles []string) []string {
	var names []string
	for _, role := range roles {
		if m.demandOf(role).told == suppressed {
			names = append(names, role)
		}
	}
	return names
}

// tellBySubscribing begins a subscription, which names the suppressed roles. It lifts no refusals: they
// outlive a stream of which the master has not noticed the end.
func (m *machine) tellBySubscribing(now time.Time) {
	m.demandAt, m.standbyAt = now, now
	for _, d := range m.roles {
		d.told, d.lift, d.idleAt, d.againAt = suppressed, false, time.Time{}, time.Time{}
		if m.wants(d) && !m.unregistered() {
			d.told, d.lift = revived, d.filtered
			d.againAt, d.pause = now.Add(reviveAgainMin), reviveAgainMin
		}
	}
}

// needs tells whether there is a pending task for a role.
func (m *machine) needs(d *demand) bool { return m.demandOf("").pending+d.pending > 0 }

// wants tells whether offers for a role are wanted, and nothing is against it.
func (m *machine) wants(d *demand) bool {
	return m.storage.journal.Failures() == 0 && (m.needs(d) || m.wantsStandby())
}

// liftRefusals has what was refused offered again, since there is another task for a role; "": for any.
func (m *machine) liftRefusals(role string) {
	for _, d := range m.roles {
		if role == "" || role == d.role {
			d.came++
			d.lift = d.lift || d.filtered
		}
	}
}

// askAnew has the master offer for a role at once, also what was not refused; "": for any.
func (m *machine) askAnew(role string) {
	for _, d := range m.roles {
		d.lift = d.lift || role == "" || role == d.role
	}
}

// offeredTo notes an offer for a role: the master has understood that it is revived. It may change its mind, when a
// SUPPRESS or DECLINE that was taken for lost arrives after all; but nothing that was refused is missed before this.
func (m *machine) offeredTo(now time.Time, role string) {
	m.demandOf(role).againAt = now.Add(max(reviveAgainMax, 2*m.settings.refuse))
}

// nextCall is the call that makes the offers for a role follow the demand, and when it may go out.
func (m *machine) nextCall(d *demand) (scheduler.Call_Type, time.Time) {
	switch wanted := m.wants(d); {
	case !wanted && d.told != suppressed:
		return scheduler.Call_SUPPRESS, latest(m.demandAt, d.idleAt)
	case !wanted:
	case !m.needs(d):
		if d.told != revived {
			return scheduler.Call_REVIVE, latest(m.demandAt, m.reviveAt(), m.standbyAt)
		}
	case d.told != revived || d.lift:
		return scheduler.Call_REVIVE, latest(m.demandAt, m.reviveAt())
	case !d.againAt.IsZero():
		return scheduler.Call_REVIVE, latest(m.demandAt, m.reviveAt(), d.againAt)
	}
	return scheduler.Call_UNKNOWN, time.Time{}
}

func latest(times ...time.Time) time.Time { return slices.MaxFunc(times, time.Time.Compare) }

// reviveAt is when the next REVIVE may go out: there is room in the bucket again.
func (m *machine) reviveAt() time.Time {
	return m.reviveFull.Add(-(reviveBurst - 1) * m.settings.reviveInterval)
}

// mayTell tells whether the master can be told of the demand now: not before a cycle that may change it.
func (m *machine) mayTell() bool {
	return m.phase == connected && !m.tearing && (!m.wantsCycle() || m.awaitsAgent())
}

// demandDue is when the master is to be told next; zero: there is nothing to tell.
func (m *machine) demandDue() (first time.Time) {
	if !m.mayTell() {
		return first
	}
	for _, d := range m.roles {
		if call, at := m.nextCall(d); call != scheduler.Call_UNKNOWN && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

// followDemand makes the calls that are due, with all roles that want the same.
func (m *machine) followDemand(now time.Time) {
	for _, d := range m.roles {
		if m.wants(d) {
			d.idleAt = time.Time{}
		} else if d.idleAt.IsZero() {
			d.idleAt = now.Add(idleAfter)
		}
	}
	if !m.mayTell() {
		return
	}
	var suppress, revive []*demand
	for _, d := range m.roles {
		switch call, at := m.nextCall(d); {
		case now.Before(at):
		case call == scheduler.Call_SUPPRESS:
			suppress = append(suppress, d)
		case call == scheduler.Call_REVIVE:
			revive = append(revive, d)
		}
	}
	if len(suppress) > 0 {
		m.suppress(suppress)
	}
	if len(revive) > 0 {
		m.revive(now, revive)
	}
}

func (m *machine) suppress(roles []*demand) {
	for _, d := range roles {
		d.told, d.againAt = suppressed, time.Time{}
	}
	m.call(&scheduler.Call{Type: scheduler.Call_SUPPRESS, Suppress: &scheduler.Call_Suppress{Roles: m.named(roles)}})
}

func (m *machine) revive(now time.Time, roles []*demand) {
	for _, d := range roles {
		if d.told == revived && !d.lift {
			d.pause = min(2*d.pause, reviveAgainMax)
		} else {
			d.pause = reviveAgainMin
		}
		d.told, d.filtered, d.lift, d.againAt = revived, false, false, now.Add(d.pause)
	}
	m.standbyAt = now.Add(m.settings.refuse)
	m.reviveFull = latest(m.reviveFull, now).Add(m.settings.reviveInterval)
	m.call(&scheduler.Call{Type: scheduler.Call_REVIVE, Revive: &scheduler.Call_Revive{Roles: m.named(roles)}})
}

// named are the roles of a call. None means all of them, which holds also while they change: a master
// ignores a call that names one to which it knows no subscription.
func (m *machine) named(roles []*demand) []string {
	if len(roles) == len(m.roles) {
		return nil
	}
	names := make([]string, len(roles))
	for i, d := range roles {
		names[i] = d.role
	}
	return names
}

// demandUnsure takes the failure of a SUPPRESS or REVIVE for these roles; none: for all.
func (m *machine) demandUnsure(now time.Time, roles []string) {
	m.demandAt = now.Add(callRetry)
	for _, d := range m.roles {
		if len(roles) == 0 || slices.Contains(roles, d.role) {
			d.told = unsure
		}
	}
}

// refuseIdle is the least time for which offers are refused while no task is pending that could use them.
// A REVIVE lifts it when one comes; until then the master need not ask.
const refuseIdle = time.Hour

// refuseLimit is the most that Mesos takes: a year. What does not fit its clock it takes as the default.
const refuseLimit = 365 * 24 * time.Hour

// refusal is for how long to refuse offers for a role: drawn anew each time, up to a quarter longer than
// the settings say, so that the refusals of many frameworks do not end in step.
func (m *machine) refusal(d *demand) time.Duration {
	least := m.settings.refuse
	if !m.needs(d) && !m.standby() {
		least = max(least, refuseIdle)
	}
	return min(least+time.Duration(m.settings.random()*float64(least/4)), refuseLimit)
}
