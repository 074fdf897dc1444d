package demand

import (
	"slices"
	"time"
)

const (
	// idleAfter is how long a role is without pending tasks before it is suppressed. A SUPPRESS costs
	// a master little, but the REVIVE after it makes it allocate: who launches one task after
	// another should not cause one for each. Longer than offers are kept it need not be, since
	// what was given back takes a REVIVE anyway: this is the scheduler's DefaultHold.
	idleAfter = 100 * time.Millisecond
	// reviveBurst is how many REVIVEs may go out at once, after a time without any: for tasks of
	// several roles, or one that comes just after another's offers were given back. In a time t there are no
	// more than reviveBurst + t/ReviveInterval.
	reviveBurst = 3
	// The pause before a REVIVE that brought no offer is made again, doubled with each one. It may have
	// been lost behind the master; that a full cluster has nothing to offer is the usual reason.
	repeatMin = 30 * time.Second
	repeatMax = 5 * time.Minute
)

// Call is a SUPPRESS or a REVIVE. Without roles it is for all of them, which holds also while they change: a
// master ignores a call that names one to which it knows no subscription.
type Call struct {
	Revive bool
	Roles  []string
}

// Subscribing begins a subscription, which names the suppressed roles. It lifts no refusals: they
// outlive a stream of which the master has not noticed the end.
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

// Suppressed returns those of the roles for which the master is to offer nothing, for SUBSCRIBE and
// UPDATE_FRAMEWORK: it takes those that they do not name for revived.
func (b *Book) Suppressed(roles []string) []string {
	var names []string
	for _, role := range roles {
		if b.entry(role).advertised == suppressed {
			names = append(names, role)
		}
	}
	return names
}

// Deadline returns when the next call is due; zero: none is.
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

// Follow returns the calls that are due, each for all roles that want the same. They count as sent.
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

// CallFailed takes the failure of a SUPPRESS or REVIVE for these roles; none: for all. The next call is not due
// before retryAt.
func (b *Book) CallFailed(retryAt time.Time, roles []string) {
	b.callAt = retryAt
	for _, e := range b.roles {
		if len(roles) == 0 || slices.Contains(roles, e.role) {
			e.advertised = unsure
		}
	}
}

// next returns whether a REVIVE or a SUPPRESS makes the offers for a role follow the demand, and when it is due,
// if either is wanted.
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

// reviveAt returns when the bucket has room for a REVIVE again.
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

// named returns the roles of a call.
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
