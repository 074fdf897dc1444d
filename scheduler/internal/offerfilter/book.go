package offerfilter

import (
	"fmt"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/task"
)

const (
	// settleAfter is how long what is pending must have stayed the same before the master is told of it. A
	// task that finds its place at once, as most do, is not worth two calls; and since it also bounds how often
	// the master is told, each change costs an allocation there.
	settleAfter = 5 * time.Second
	// retryAfter is when a call that failed is made again.
	retryAfter = time.Second
	// lateness is by how much a call without an answer may be late. What it says holds until the next one.
	lateness = time.Minute
	// constraintsMinor is the version 1.x of Mesos since which masters know offer constraints.
	constraintsMinor = 11
)

// Verdict is what is to become of the subscription.
type Verdict int

// The verdicts.
const (
	Keep       Verdict = iota
	Disconnect         // the master has a filter that only another subscription can take from it
)

// Outcome is what became of an UPDATE_FRAMEWORK call.
type Outcome int

// The outcomes.
const (
	Accepted Outcome = iota
	Refused          // the master found the call bad, as it would again
	Unclear          // it may have arrived, or arrive yet
	Failed           // it has changed nothing, and may be made again
)

// Book is how far the master knows the filter. It is told of a stricter one only when what is pending has not changed
// for a while, and of a laxer one at once: a task that came meanwhile must not wait for offers that the master
// keeps back. The zero Book is one of a run that has just begun.
//
// Its methods are called in the order of what happens. Nothing is to be told unless there is a subscription.
type Book struct {
	able   bool            // this master knows offer constraints
	taken  bool            // a master has taken such a filter in this run, so that SUBSCRIBE may have it, too
	level  Level           // for this master
	told   Filter          // with the last call
	call   *scheduler.Call // that, while it is under way
	strict bool            // that has a filter, though told may be none by now
	active bool            // the master may have a filter
	users  int             // UPDATE_FRAMEWORK calls of the user's that are under way
	tellAt time.Time       // when to tell the master; zero: it was told
	lookAt time.Time       // when to look at what is pending; zero: that has not changed
	late   time.Time       // until then a call of which nothing is known may arrive
}

// Active reports whether the master may have a filter.
func (b *Book) Active() bool { return b.active }

// Subscribing begins a subscription, with the filter that is returned if it is sure that this will not be the end of
// it.
func (b *Book) Subscribing() Filter {
	if !b.taken {
		b.told = Filter{}
	}
	b.active, b.level, b.call = !b.told.None(), Full, nil
	b.tellAt, b.lookAt, b.late = time.Time{}, time.Time{}, time.Time{}
	return b.told
}

// SubscribeRefused takes it that the master refused what the subscription began with. It reports whether that
// may be for the filter, and forgets that.
func (b *Book) SubscribeRefused() bool {
	if b.told.None() {
		return false
	}
	b.taken, b.told = false, Filter{}
	return true
}

// Subscribed takes the version of the master that has accepted the subscription. One that is too old for constraints
// may know minima nevertheless, as those since 1.8 do, and there would be no way to lift them.
func (b *Book) Subscribed(now time.Time, version string) Verdict {
	if b.able = understands(version); b.able {
		b.lookAt = now.Add(settleAfter)
		return Keep
	}
	none := b.told.None()
	b.told, b.active = Filter{}, false
	if none {
		return Keep
	}
	return Disconnect
}

// understands reports whether a master of this version knows offer constraints.
func understands(version string) bool {
	var major, minor int
	if _, err := fmt.Sscanf(version, "%d.%d", &major, &minor); err != nil {
		return false
	}
	return major > 1 || major == 1 && minor >= constraintsMinor
}

// ClassChanged takes the spec of a class of tasks of which the first one became pending, or the last one ceased to
// be. It reports whether the master is now told to offer what it kept back from such tasks: it should be asked for
// offers in the spec's role, so that it need not wait for its next allocation.
func (b *Book) ClassChanged(now time.Time, roles []string, spec *task.Spec, pending bool) (ask bool) {
	switch {
	case !b.able:
	case !pending:
		if b.lookAt.IsZero() {
			b.lookAt = now.Add(settleAfter)
		}
	case b.told.None():
		b.lookAt = now.Add(settleAfter)
	case !b.told.Admits(roles, spec, b.level):
		b.told, b.tellAt, b.lookAt = Filter{}, now, now.Add(settleAfter)
		return true
	}
	return false
}

// Deadline returns when there is something to do; the zero time is never.
func (b *Book) Deadline() time.Time {
	switch {
	case !b.able || b.users > 0:
		return time.Time{}
	case b.tellAt.IsZero() || !b.lookAt.IsZero() && b.lookAt.Before(b.tellAt):
		return b.lookAt
	}
	return b.tellAt
}

// Follow returns the filter that the master is to be told of now, if any. It looks at what is pending when that has
// not changed for a while, by way of derive. The call that is made then is to be handed to [Book.Sent].
func (b *Book) Follow(now time.Time, derive func(Level) Filter) (Filter, bool) {
	if at := b.Deadline(); at.IsZero() || now.Before(at) {
		return Filter{}, false
	}
	if !b.lookAt.IsZero() && !now.Before(b.lookAt) {
		b.lookAt = time.Time{}
		if derived := derive(b.level); !derived.Equal(b.told) {
			b.told, b.tellAt = derived, now
		}
	}
	if b.tellAt.IsZero() || now.Before(b.tellAt) {
		return Filter{}, false
	}
	b.tellAt = time.Time{}
	return b.told, true
}

// Sent notes the call that tells the master of what Follow returned.
func (b *Book) Sent(call *scheduler.Call) { b.call, b.strict = call, !b.told.None() }

// Done takes the outcome of a call that Sent was told of, on the present subscription.
func (b *Book) Done(now time.Time, call *scheduler.Call, outcome Outcome) Verdict {
	last := call == b.call
	if last {
		b.call = nil
	}
	switch outcome {
	case Accepted:
		b.active = !last || b.strict
		b.taken = b.taken || last && b.active
		if last && now.Before(b.late) && b.tellAt.IsZero() {
			b.tellAt = b.late // once more, lest a late one holds
		}
	case Refused:
		b.taken = false
		b.level = min(b.level+1, Nothing)
		if last {
			return b.refused(now)
		}
	default:
		if outcome == Unclear {
			b.active, b.late = true, now.Add(lateness)
		}
		if last {
			b.tellAt = now.Add(retryAfter)
		}
	}
	return Keep
}

// refused goes back to no filter. A master has the one before the refused one until it has taken that call
// or, if it refuses even that, the subscription is another one.
func (b *Book) refused(now time.Time) Verdict {
	if b.told.None() {
		if b.active {
			return Disconnect
		}
		return Keep
	}
	b.told, b.lookAt = Filter{}, now.Add(settleAfter)
	if b.active {
		b.tellAt = now
	}
	return Keep
}

// Settled reports whether no call is under way or due, so that the master has the filter of the last one or, if the
// outcome of calls was unclear, that of one of them.
func (b *Book) Settled() bool { return b.call == nil && b.tellAt.IsZero() && b.users == 0 }

// UserCalled notes that an UPDATE_FRAMEWORK call of the user's is made, which has no filter. The master is told
// of nothing until it is done.
func (b *Book) UserCalled() { b.users++ }

// UserDone takes the outcome of a user's call: whether the master has taken it on the present subscription.
func (b *Book) UserDone(now time.Time, taken bool) {
	b.users = max(0, b.users-1)
	if taken && b.users == 0 && b.able {
		b.told, b.active, b.tellAt, b.lookAt = Filter{}, false, time.Time{}, now.Add(settleAfter)
	}
}
