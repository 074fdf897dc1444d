package scheduler

import (
	"errors"
	"slices"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// callKind is a kind of the machine's own calls. When one fails, the others of its kind would most likely fail as well.
type callKind uint8

const (
	otherCalls callKind = iota // never made again: TEARDOWN ends the subscription if it fails
	acceptCalls
	declineCalls
	ackCalls
	killCalls
	reconcileCalls
	demandCalls // REVIVE and SUPPRESS, of which the later one counts
	filterCalls // UPDATE_FRAMEWORK
	inverseCalls
	callKinds = iota
)

func (k callKind) String() string {
	return [callKinds]string{
		"other calls", "ACCEPT", "DECLINE", "ACKNOWLEDGE", "KILL", "RECONCILE", "REVIVE and SUPPRESS", "UPDATE_FRAMEWORK",
		"answers to inverse offers",
	}[k]
}

// kindOf returns the kind of a call.
func kindOf(c *scheduler.Call) callKind {
	switch c.GetType() {
	case scheduler.Call_ACCEPT:
		return acceptCalls
	case scheduler.Call_DECLINE:
		return declineCalls
	case scheduler.Call_ACKNOWLEDGE:
		return ackCalls
	case scheduler.Call_KILL:
		return killCalls
	case scheduler.Call_RECONCILE:
		return reconcileCalls
	case scheduler.Call_REVIVE, scheduler.Call_SUPPRESS:
		return demandCalls
	case scheduler.Call_UPDATE_FRAMEWORK:
		return filterCalls
	case scheduler.Call_ACCEPT_INVERSE_OFFERS, scheduler.Call_DECLINE_INVERSE_OFFERS:
		return inverseCalls
	}
	return otherCalls
}

const (
	// callRetry is the pause after a call that failed. The master is then usually busy or shutting down, and a shorter
	// pause would not help.
	callRetry = time.Second
	// callRetryMax is the longest pause. The pauses double from callRetry while calls of the same kind fail.
	callRetryMax = time.Minute
	badRequest   = 400 // HTTP status
	// declineBatch is how many offers one DECLINE has whose calls failed before.
	declineBatch = 10_000
)

// callBackoff makes the calls of a kind pause after one of them failed, and keeps those that are to be made again. The
// pauses grow until a call of the kind succeeds, or until the next subscription. After a pause one call is made, and the
// others that wait follow when it has succeeded: a master that is overloaded, or refuses all, gets a few calls a minute.
//
// It does the same without a pause while very many calls of a kind are under way: a master that does not answer may go on to
// send events.
type callBackoff struct {
	limits   limits
	kinds    [callKinds]kindBackoff
	declined int // offers that go back to the master, which has not taken them yet
}

// kindBackoff is the state of one kind of calls.
type kindBackoff struct {
	failures int               // in a row
	until    time.Time         // when the pause ends
	closed   bool              // no call is made: the pause lasts, or the outcome of the first call after it is not known
	waiting  []*scheduler.Call // to be made again, or for the first time
	first    *scheduler.Call   // is under way after a pause; nil: none is
	underWay int               // calls that are not done
	dropped  int               // calls that were neither made nor kept
}

// reset begins a subscription: calls of the one before are obsolete.
func (b *callBackoff) reset(now time.Time) {
	*b = callBackoff{limits: b.limits}
	for i := range b.kinds {
		b.kinds[i].until = now // there is no pause, and what waits for other calls is made without one
	}
}

// closed reports whether no call of the kind may be made now.
func (b *callBackoff) closed(kind callKind) bool { return b.kinds[kind].closed || b.full(kind) }

// full reports whether so many calls of the kind are under way that no further ones are made.
func (b *callBackoff) full(kind callKind) bool {
	limit := b.limits.calls[kind]
	return limit > 0 && b.kinds[kind].underWay >= limit
}

// made notes that a call is made, and done that it is done.
func (b *callBackoff) made(call *scheduler.Call) { b.kinds[kindOf(call)].underWay++ }
func (b *callBackoff) done(call *scheduler.Call) { b.kinds[kindOf(call)].underWay-- }

// decline notes that offers go back to the master, and taken that it has taken them.
func (b *callBackoff) decline(offers int) { b.declined += offers }
func (b *callBackoff) taken(offers int)   { b.declined -= offers }

// tooManyDeclined reports whether so many offers wait to be taken back that the master has to take them all, as it does at the
// end of a subscription.
func (b *callBackoff) tooManyDeclined() bool { return b.declined > b.limits.declined }

// drop notes that a call is neither made nor kept, and reports whether it is the first of its kind.
func (b *callBackoff) drop(kind callKind) (first bool) {
	b.kinds[kind].dropped++
	return b.kinds[kind].dropped == 1
}

// dropped returns how many calls were neither made nor kept on this subscription.
func (b *callBackoff) dropped() (calls int) {
	for i := range b.kinds {
		calls += b.kinds[i].dropped
	}
	return calls
}

// until returns when the pause of a kind ends, or has ended.
func (b *callBackoff) until(kind callKind) time.Time { return b.kinds[kind].until }

// retryAt returns when to try again if no call of the kind may be made now.
func (b *callBackoff) retryAt(now time.Time, kind callKind) time.Time {
	if until := b.until(kind); until.After(now) {
		return until
	}
	return now.Add(callRetry)
}

// failed notes that a call failed, for the reason err, and reports whether a pause for all calls of its kind begins. What
// was under way when a pause began does not make it longer. Random is in [0, 1).
func (b *callBackoff) failed(now time.Time, call *scheduler.Call, err error, random float64) (closes bool) {
	kind := kindOf(call)
	k := &b.kinds[kind]
	if k.first == call {
		k.first = nil
	}
	if !now.Before(k.until) {
		pause := min(callRetry<<min(k.failures, 10), callRetryMax)
		if k.failures > 0 { // many schedulers are to come back spread over the time
			pause -= time.Duration(random * float64(pause/4))
		}
		k.failures++
		k.until = now.Add(pause)
	}
	if asked := now.Add(retryAfter(err)); asked.After(k.until) {
		k.until = asked
	}
	closes = !k.closed && (kind == acceptCalls || !isCallAtFault(err))
	k.closed = k.closed || closes
	return closes
}

// succeeded notes that the master has taken a call, and returns those that may be made now.
func (b *callBackoff) succeeded(call *scheduler.Call) []*scheduler.Call {
	k := &b.kinds[kindOf(call)]
	k.failures = 0
	if k.first != call {
		return nil
	}
	k.first, k.closed = nil, false
	return k.takeAll()
}

// retry keeps a call that failed, to be made again after the pause, or after one of callRetry if there is none. It reports
// whether it did.
func (b *callBackoff) retry(now time.Time, call *scheduler.Call) bool {
	k := &b.kinds[kindOf(call)]
	if len(k.waiting) == 0 && !k.closed && !now.Before(k.until) {
		k.until = now.Add(callRetry)
	}
	return b.add(call)
}

// keep keeps a call that may not be made now, and reports whether it did. It does not if others stand for it: KILL and RECONCILE
// have timers, and those about tasks that are not on record are repeated after the next reconciliation.
func (b *callBackoff) keep(call *scheduler.Call) bool {
	switch kindOf(call) {
	case declineCalls, ackCalls, inverseCalls:
		return b.add(call)
	}
	return false
}

// add adds a call to those that wait, unless these are too many answers to inverse offers, which the master does not need to go
// on. Offers are declined together, and refused for no time: a refusal that comes late may keep them from a task that came
// meanwhile.
func (b *callBackoff) add(call *scheduler.Call) bool {
	k := &b.kinds[kindOf(call)]
	n := len(k.waiting)
	switch {
	case call.Decline != nil && n > 0 && len(k.waiting[n-1].Decline.OfferIDs) < declineBatch:
		last := k.waiting[n-1].Decline
		last.OfferIDs = append(last.OfferIDs, call.Decline.OfferIDs...)
	case call.Decline != nil:
		k.waiting = append(k.waiting, &scheduler.Call{Type: call.Type, FrameworkID: call.FrameworkID, Decline: &scheduler.Call_Decline{
			OfferIDs: slices.Clone(call.Decline.OfferIDs), Filters: filters(0),
		}})
	case kindOf(call) == inverseCalls && n >= b.limits.calls[inverseCalls]:
		return false
	default:
		k.waiting = append(k.waiting, call)
	}
	return true
}

// deadline returns when the first pause ends; the zero time: there is none.
func (b *callBackoff) deadline() (first time.Time) {
	for i := range b.kinds {
		if k := &b.kinds[i]; b.pauses(callKind(i)) && (first.IsZero() || k.until.Before(first)) {
			first = k.until
		}
	}
	return first
}

// pauses reports whether something is to be done when the pause of a kind ends.
func (b *callBackoff) pauses(kind callKind) bool {
	k := &b.kinds[kind]
	return k.first == nil && (k.closed || len(k.waiting) > 0) && !b.full(kind)
}

// due returns the calls that are to be made after pauses that have ended, and reports whether offers may be accepted again.
func (b *callBackoff) due(now time.Time) (calls []*scheduler.Call, accept bool) {
	for i := range b.kinds {
		k := &b.kinds[i]
		if !b.pauses(callKind(i)) || now.Before(k.until) {
			continue
		}
		switch {
		case len(k.waiting) == 0:
			k.closed = false
			accept = accept || callKind(i) == acceptCalls
		case k.failures == 0:
			k.closed = false
			calls = append(calls, k.takeAll()...)
		default:
			k.first, k.waiting = k.waiting[0], k.waiting[1:]
			calls = append(calls, k.first)
		}
	}
	return calls, accept
}

func (k *kindBackoff) takeAll() []*scheduler.Call {
	calls := k.waiting
	k.waiting = nil
	return calls
}

// isCallAtFault reports whether the master found the call itself invalid, which says nothing about others.
func isCallAtFault(err error) bool {
	var refused *CallError
	return errors.As(err, &refused) && refused.Status == badRequest
}

// retryAfter returns for how long the master does not want to be asked again; 0: it has not said so.
func retryAfter(err error) time.Duration {
	var refused *CallError
	if !errors.As(err, &refused) {
		return 0
	}
	return refused.retryAfter
}

// limitRetryAfter has an error, which belongs to the caller, ask for a wait of that time at most.
func limitRetryAfter(err error, limit time.Duration) {
	var refused *CallError
	if errors.As(err, &refused) {
		refused.retryAfter = min(refused.retryAfter, limit)
	}
}
