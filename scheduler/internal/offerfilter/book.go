package offerfilter

import (
	"fmt"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/task"
)

const (
	// stableAfter is how long the pending tasks must have stayed the same before a filter for them is sent. A
	// task that is placed at once, as most are, is not worth two calls. It also bounds how often a filter is
	// sent: each one makes the master run an allocation.
	stableAfter = 5 * time.Second
	// retryAfter is the pause before a call that failed is made again.
	retryAfter = time.Second
	// lateness is how long after its outcome became unclear a call may still reach the master and take effect.
	lateness = time.Minute
	// constraintsMinor: masters know offer constraints since Mesos 1.11.
	constraintsMinor = 11
)

// Verdict says whether the subscription can go on.
type Verdict int

// The verdicts.
const (
	Keep       Verdict = iota
	Disconnect         // the master has a filter that only a new subscription can remove
)

// Outcome is what became of an UPDATE_FRAMEWORK call.
type Outcome int

// The outcomes.
const (
	Accepted Outcome = iota
	Refused          // the master found the call invalid, and would do so again
	Unclear          // the call may have arrived, or may still arrive
	Failed           // the call had no effect and can be made again
)

// Book keeps which filter was sent to the master and which one is to be sent next. A stricter filter is sent only
// when the pending tasks have not changed for a while. A looser one is sent at once: a new task must not wait
// for offers that the master filters out. The zero Book is that of a run that has just begun.
//
// Its methods are called in the order in which things happen. Follow is called only while there is a subscription.
type Book struct {
	supported   bool            // this master knows offer constraints
	accepted    bool            // a master accepted a filter in this run, so that SUBSCRIBE may have one, too
	level       Level           // for this master
	advertised  Filter          // the last filter that was sent, or is to be sent at sendAt
	call        *scheduler.Call // the last call, while it is under way
	callFilters bool            // that call has a filter, though advertised may be none by now
	active      bool            // the master may have a filter
	userCalls   int             // the user's UPDATE_FRAMEWORK calls that are under way
	sendAt      time.Time       // when to send advertised; zero: it was sent
	deriveAt    time.Time       // when to derive a filter from the pending tasks; zero: they have not changed
	lateUntil   time.Time       // until then a call whose outcome is unclear may still arrive
}

// Active reports whether the master may have a filter.
func (b *Book) Active() bool { return b.active }

// Subscribing begins a subscription and returns the filter that SUBSCRIBE is to have. There is none unless a master
// accepted one in this run: a master that does not would refuse the subscription.
func (b *Book) Subscribing() Filter {
	if !b.accepted {
		b.advertised = Filter{}
	}
	b.active, b.level, b.call = !b.advertised.None(), Full, nil
	b.sendAt, b.deriveAt, b.lateUntil = time.Time{}, time.Time{}, time.Time{}
	return b.advertised
}

// SubscribeRefused notes that the master refused SUBSCRIBE. It reports whether the filter may have been the reason;
// the next SUBSCRIBE then has none.
func (b *Book) SubscribeRefused() bool {
	if b.advertised.None() {
		return false
	}
	b.accepted, b.advertised = false, Filter{}
	return true
}

// Subscribed notes the version of the master that accepted the subscription. A master that is too old for offer
// constraints may know the minimum amounts, as those since 1.8 do, and no call could remove these: it returns
// Disconnect if SUBSCRIBE had a filter.
func (b *Book) Subscribed(now time.Time, version string) Verdict {
	if b.supported = supportsConstraints(version); b.supported {
		b.deriveAt = now.Add(stableAfter)
		return Keep
	}
	none := b.advertised.None()
	b.advertised, b.active = Filter{}, false
	if none {
		return Keep
	}
	return Disconnect
}

// supportsConstraints reports whether a master of this version knows offer constraints.
func supportsConstraints(version string) bool {
	var major, minor int
	if _, err := fmt.Sscanf(version, "%d.%d", &major, &minor); err != nil {
		return false
	}
	return major > 1 || major == 1 && minor >= constraintsMinor
}

// ClassChanged notes that the first task of a class became pending, or that the last one is no longer pending. It
// reports whether a filter that does not admit the class is being removed. A REVIVE should then follow for the
// spec's role, so that the task need not wait for the master's next allocation.
func (b *Book) ClassChanged(now time.Time, roles []string, spec *task.Spec, pending bool) (ask bool) {
	switch {
	case !b.supported:
	case !pending:
		if b.deriveAt.IsZero() {
			b.deriveAt = now.Add(stableAfter)
		}
	case b.advertised.None():
		b.deriveAt = now.Add(stableAfter)
	case !b.advertised.Admits(roles, spec, b.level):
		b.advertised, b.sendAt, b.deriveAt = Filter{}, now, now.Add(stableAfter)
		return true
	}
	return false
}

// Deadline returns when there is something to do; the zero time is never.
func (b *Book) Deadline() time.Time {
	switch {
	case !b.supported || b.userCalls > 0:
		return time.Time{}
	case b.sendAt.IsZero() || !b.deriveAt.IsZero() && b.deriveAt.Before(b.sendAt):
		return b.deriveAt
	}
	return b.sendAt
}

// Follow returns the filter that is to be sent now, and reports whether there is one. It derives a new filter when the
// pending tasks have not changed for a while. The call that is then made is passed to [Book.Sent].
func (b *Book) Follow(now time.Time, derive func(Level) Filter) (Filter, bool) {
	if at := b.Deadline(); at.IsZero() || now.Before(at) {
		return Filter{}, false
	}
	if !b.deriveAt.IsZero() && !now.Before(b.deriveAt) {
		b.deriveAt = time.Time{}
		if derived := derive(b.level); !derived.Equal(b.advertised) {
			b.advertised, b.sendAt = derived, now
		}
	}
	if b.sendAt.IsZero() || now.Before(b.sendAt) {
		return Filter{}, false
	}
	b.sendAt = time.Time{}
	return b.advertised, true
}

// Sent notes the call that has the filter which Follow returned.
func (b *Book) Sent(call *scheduler.Call) { b.call, b.callFilters = call, !b.advertised.None() }

// Done notes the outcome of a call that was passed to Sent, on the present subscription.
func (b *Book) Done(now time.Time, call *scheduler.Call, outcome Outcome) Verdict {
	last := call == b.call
	if last {
		b.call = nil
	}
	switch outcome {
	case Accepted:
		b.active = !last || b.callFilters
		b.accepted = b.accepted || last && b.active
		if last && now.Before(b.lateUntil) && b.sendAt.IsZero() {
			b.sendAt = b.lateUntil // once more, in case an earlier call arrives after this one
		}
	case Refused:
		b.accepted = false
		b.level = min(b.level+1, Nothing)
		if last {
			return b.refused(now)
		}
	default:
		if outcome == Unclear {
			b.active, b.lateUntil = true, now.Add(lateness)
		}
		if last {
			b.sendAt = now.Add(retryAfter)
		}
	}
	return Keep
}

// refused goes back to no filter. The master still has the filter from before the refused call. It is removed by
// another call or, if the master refuses that one as well, by a new subscription.
func (b *Book) refused(now time.Time) Verdict {
	if b.advertised.None() {
		if b.active {
			return Disconnect
		}
		return Keep
	}
	b.advertised, b.deriveAt = Filter{}, now.Add(stableAfter)
	if b.active {
		b.sendAt = now
	}
	return Keep
}

// Idle reports whether no call is under way or due. The master then has the filter of the last call or, if the
// outcome of some calls was unclear, of one of those.
func (b *Book) Idle() bool { return b.call == nil && b.sendAt.IsZero() && b.userCalls == 0 }

// UserCalled notes that an UPDATE_FRAMEWORK call of the user's is made, which has no filter. Until it is done no
// filter is sent.
func (b *Book) UserCalled() { b.userCalls++ }

// UserDone notes the outcome of a user's call: whether the master accepted it on the present subscription.
func (b *Book) UserDone(now time.Time, taken bool) {
	b.userCalls = max(0, b.userCalls-1)
	if taken && b.userCalls == 0 && b.supported {
		b.advertised, b.active, b.sendAt, b.deriveAt = Filter{}, false, time.Time{}, now.Add(stableAfter)
	}
}
