package demand

import (
	"slices"
	"time"
)

const (
	// idleAfter is how long a role is without pending tasks before it is suppressed. A SUPPRESS costs
	// a master little, but the REVIVE after it makes it run an allocation: launching one task after
	// another should not cause one for each. It is meant to be the scheduler's DefaultHold, for which offers are
	// kept: once they are declined a REVIVE is needed in any case.
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

// TakeOver notes that the framework had a scheduler before, of whose refusals nothing is known. They may still be in force.
func (b *Book) TakeOver() {
	for _, d := range b.roles {
		d.refused = true
	}
}

// Subscribing begins a subscription, for which [Book.Suppressed] returns the suppressed roles. Refusals are not lifted
// by it: they stay in force if the master has not noticed the end of the former stream.
func (b *Book) Subscribing(now time.Time, c Conditions) {
	b.callNotBefore, b.standbyNotBefore = now, now
	for _, d := range b.roles {
		d.advertised, d.reviveDue, d.suppressAt, d.repeatAt = suppressed, false, time.Time{}, time.Time{}
		if b.wantsOffers(d, c) {
			d.advertised, d.reviveDue = revived, d.refused
			d.repeatAt, d.pause = now.Add(repeatMin), repeatMin
		}
	}
}

// Suppressed returns those of the roles that are suppressed, for SUBSCRIBE and UPDATE_FRAMEWORK: the master takes
// all roles that these calls do not name for revived.
func (b *Book) Suppressed(roles []string) []string {
	var names []string
	for _, role := range roles {
		if b.demand(role).advertised == suppressed {
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
	for _, d := range b.roles {
		if _, at, ok := b.next(d, c); ok && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

// Follow returns the calls that are due: at most one SUPPRESS and one REVIVE, each for all roles that need it. They
// count as sent.
func (b *Book) Follow(now time.Time, c Conditions) []Call {
	for _, d := range b.roles {
		if b.wantsOffers(d, c) {
			d.suppressAt = time.Time{}
		} else if d.suppressAt.IsZero() {
			d.suppressAt = now.Add(idleAfter)
		}
	}
	if !c.MayCall {
		return nil
	}
	var suppress, revive []*roleDemand
	for _, d := range b.roles {
		switch isRevive, at, ok := b.next(d, c); {
		case !ok || now.Before(at):
		case isRevive:
			revive = append(revive, d)
		default:
			suppress = append(suppress, d)
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
	b.callNotBefore = retryAt
	for _, d := range b.roles {
		if len(roles) == 0 || slices.Contains(roles, d.role) {
			d.advertised = unsure
		}
	}
}

// next returns the next call for a role: a REVIVE or a SUPPRESS, and when it is due. ok is false if there is none.
func (b *Book) next(d *roleDemand, c Conditions) (revive bool, at time.Time, ok bool) {
	switch {
	case !b.wantsOffers(d, c): // no offers are wanted: SUPPRESS, once
		return false, latest(b.callNotBefore, d.suppressAt), d.advertised != suppressed
	case !b.hasPending(d): // offers are wanted only to be kept: REVIVE, once, after the time of the last refusal
		return true, latest(b.callNotBefore, b.revives.Next(), b.standbyNotBefore), d.advertised != revived
	case d.advertised != revived || d.reviveDue: // tasks are pending, and the master keeps back offers, or may: REVIVE
		return true, latest(b.callNotBefore, b.revives.Next()), true
	default: // tasks are pending, and the master keeps back none as far as is known: REVIVE again after a long time
		return true, latest(b.callNotBefore, b.revives.Next(), d.repeatAt), !d.repeatAt.IsZero()
	}
}

func (b *Book) suppress(demands []*roleDemand) Call {
	for _, d := range demands {
		d.advertised, d.repeatAt = suppressed, time.Time{}
	}
	return Call{Roles: b.named(demands)}
}

func (b *Book) revive(now time.Time, demands []*roleDemand) Call {
	for _, d := range demands {
		if d.advertised == revived && !d.reviveDue {
			d.pause = min(2*d.pause, repeatMax)
		} else {
			d.pause = repeatMin
		}
		d.advertised, d.refused, d.reviveDue, d.repeatAt = revived, false, false, now.Add(d.pause)
	}
	b.standbyNotBefore = now.Add(b.config.Refuse)
	b.revives.Reserve(now)
	return Call{Revive: true, Roles: b.named(demands)}
}

// named returns the roles that a call names, none if it is for all.
func (b *Book) named(demands []*roleDemand) []string {
	if len(demands) == len(b.roles) {
		return nil
	}
	names := make([]string, len(demands))
	for i, d := range demands {
		names[i] = d.role
	}
	return names
}

func latest(times ...time.Time) time.Time { return slices.MaxFunc(times, time.Time.Compare) }
