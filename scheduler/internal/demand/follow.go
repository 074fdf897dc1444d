package demand

import (
	"slices"
	"time"
)

const (
	// idleAfter is how long a role is without pending tasks before it is suppressed. A SUPPRESS costs
	// a master little, but the REVIVE after it makes it run an allocation: launching one task after
	// another should not cause one for each. It need not be longer than offers are kept, which is the
	// scheduler's DefaultHold: once they are declined a REVIVE is needed in any case.
	idleAfter = 100 * time.Millisecond
	// reviveBurst is how many REVIVE calls may follow each other at once, after a time without any: for tasks of
	// several roles, or for a task that arrives just after offers were declined. In a time t there are at
	// most reviveBurst + t/ReviveInterval.
	reviveBurst = 3
	// The pause before a REVIVE that brought no offer is repeated; it doubles each time. The call may have been
	// lost inside the master, but usually the cluster is full and there is nothing to offer.
	repeatMin = 30 * time.Second
	repeatMax = 5 * time.Minute
)

// Call is a SUPPRESS or a REVIVE. Without roles it is for all of them. That is safer than to name all: a master ignores
// the whole call if it names a role to which the framework is not subscribed, and roles may be changing.
type Call struct {
	Revive bool
	Roles  []string
}

// Subscribing begins a subscription, for which [Book.Suppressed] returns the suppressed roles. Refusals are not lifted
// by it: they stay in force if the master has not noticed the end of the former stream.
func (b *Book) Subscribing(now time.Time, c Conditions) {
	b.callAt, b.standbyAt = now, now
	for _, e := range b.roles {
		e.advertised, e.reviveDue, e.suppressAt, e.repeatAt = suppressed, false, time.Time{}, time.Time{}
		if b.wants(e, c) {
			e.advertised, e.reviveDue = revived, e.refused
			e.repeatAt, e.pause = now.Add(repeatMin), repeatMin
		}
	}
}

// Suppressed returns those of the roles that are suppressed, for SUBSCRIBE and UPDATE_FRAMEWORK: the master takes
// all roles that these calls do not name for revived.
func (b *Book) Suppressed(roles []string) []string {
	var names []string
	for _, role := range roles {
		if b.entry(role).advertised == suppressed {
			names = append(names, role)
		}
	}
	return names
}

// Deadline returns when the next call is due; the zero time: none is.
func (b *Book) Deadline(c Conditions) (first time.Time) {
	if !c.MayCall {
		return first
	}
	for _, e := range b.roles {
		if _, at, wanted := b.next(e, c); wanted && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

// Follow returns the calls that are due: at most one SUPPRESS and one REVIVE, each for all roles that need it. They
// count as sent.
func (b *Book) Follow(now time.Time, c Conditions) []Call {
	for _, e := range b.roles {
		if b.wants(e, c) {
			e.suppressAt = time.Time{}
		} else if e.suppressAt.IsZero() {
			e.suppressAt = now.Add(idleAfter)
		}
	}
	if !c.MayCall {
		return nil
	}
	var suppress, revive []*entry
	for _, e := range b.roles {
		switch revives, at, wanted := b.next(e, c); {
		case !wanted || now.Before(at):
		case revives:
			revive = append(revive, e)
		default:
			suppress = append(suppress, e)
		}
	}
	var calls []Call
	if len(suppress) > 0 {
		calls = append(calls, b.suppress(suppress))
	}
	if len(revive) > 0 {
		calls = append(calls, b.revive(now, revive))
	}
	return calls
}

// CallFailed notes the failure of a SUPPRESS or REVIVE for these roles; none: for all. The next call is not due
// before retryAt.
func (b *Book) CallFailed(retryAt time.Time, roles []string) {
	b.callAt = retryAt
	for _, e := range b.roles {
		if len(roles) == 0 || slices.Contains(roles, e.role) {
			e.advertised = unsure
		}
	}
}

// next returns the next call for a role: whether it is a REVIVE or a SUPPRESS, when it is due, and whether there is
// one at all.
func (b *Book) next(e *entry, c Conditions) (revives bool, at time.Time, wanted bool) {
	switch {
	case !b.wants(e, c):
		return false, latest(b.callAt, e.suppressAt), e.advertised != suppressed
	case !b.needs(e):
		return true, latest(b.callAt, b.reviveAt(), b.standbyAt), e.advertised != revived
	case e.advertised != revived || e.reviveDue:
		return true, latest(b.callAt, b.reviveAt()), true
	default:
		return true, latest(b.callAt, b.reviveAt(), e.repeatAt), !e.repeatAt.IsZero()
	}
}

// reviveAt returns when the token bucket permits the next REVIVE.
func (b *Book) reviveAt() time.Time {
	return b.bucketFull.Add(-(reviveBurst - 1) * b.config.ReviveInterval)
}

func (b *Book) suppress(entries []*entry) Call {
	for _, e := range entries {
		e.advertised, e.repeatAt = suppressed, time.Time{}
	}
	return Call{Roles: b.named(entries)}
}

func (b *Book) revive(now time.Time, entries []*entry) Call {
	for _, e := range entries {
		if e.advertised == revived && !e.reviveDue {
			e.pause = min(2*e.pause, repeatMax)
		} else {
			e.pause = repeatMin
		}
		e.advertised, e.refused, e.reviveDue, e.repeatAt = revived, false, false, now.Add(e.pause)
	}
	b.standbyAt = now.Add(b.config.Refuse)
	b.bucketFull = latest(b.bucketFull, now).Add(b.config.ReviveInterval)
	return Call{Revive: true, Roles: b.named(entries)}
}

// named returns the roles that a call names, none if it is for all.
func (b *Book) named(entries []*entry) []string {
	if len(entries) == len(b.roles) {
		return nil
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.role
	}
	return names
}

func latest(times ...time.Time) time.Time { return slices.MaxFunc(times, time.Time.Compare) }
