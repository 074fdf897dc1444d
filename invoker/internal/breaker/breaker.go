// Package breaker slows down the starts of what keeps failing, so that a broken image or an action that kills its containers costs
// nobody else their start slots.
//
// A [Breaker] allows every start until there were so many failures, in a row or within a time. Then it allows one at a time, and
// that only after a pause, which doubles with each further failure. The first success closes it again.
//
// It has no lock, clock or goroutine; its owner asks again at the time that it was told.
package breaker

import "time"

// Policy is when a breaker opens, and how long it then pauses.
type Policy struct {
	Failures    int           // so many open it
	Within      time.Duration // of each other; 0: in a row, whenever
	First, Most time.Duration // the first pause and the longest
}

// ForAction is for containers of an action that die while they serve it, and ForImage for starts of an image that fail.
func ForAction() Policy {
	return Policy{Failures: 3, Within: time.Minute, First: time.Second, Most: time.Minute}
}

// ForImage is for starts of an image that fail.
func ForImage() Policy {
	return Policy{Failures: 5, First: 10 * time.Second, Most: 5 * time.Minute}
}

// Breaker is closed, and allows everything, or open. The zero value is closed.
type Breaker struct {
	failures []time.Time // the last ones, while it is closed
	pause    time.Duration
	until    time.Time
	open     bool
	trial    bool // the one start that is allowed is under way
}

// Open reports whether starts are limited.
func (b *Breaker) Open() bool { return b.open }

// Healthy reports whether there was no failure since the last success.
func (b *Breaker) Healthy() bool { return !b.open && len(b.failures) == 0 }

// Allow reports whether a start is allowed now. If not, it is at the time, or, if that is zero, when the start that is under
// way has ended.
func (b *Breaker) Allow(now time.Time) (ok bool, at time.Time) {
	switch {
	case !b.open:
		return true, time.Time{}
	case b.trial:
		return false, time.Time{}
	}
	return !now.Before(b.until), b.until
}

// Begin says that a start was allowed, and is under way. It reports whether it is a trial, the outcome of which has to be told: by
// Failed, Succeeded or Abandoned.
func (b *Breaker) Begin() (trial bool) {
	b.trial = b.open
	return b.trial
}

// Abandoned says that the trial came to nothing, for reasons that are not its own.
func (b *Breaker) Abandoned() { b.trial = false }

// Succeeded closes the breaker.
func (b *Breaker) Succeeded() { *b = Breaker{failures: b.failures[:0]} }

// Failed counts a failure. While the breaker is open only that of the trial makes the pause longer: the others were begun before.
func (b *Breaker) Failed(now time.Time, trial bool, p Policy) {
	switch {
	case b.open && trial:
		b.pause = min(2*b.pause, p.Most)
	case b.open:
		return
	default:
		b.failures = append(b.failures, now)
		if len(b.failures) > p.Failures {
			b.failures = append(b.failures[:0], b.failures[1:]...)
		}
		if len(b.failures) < p.Failures || p.Within > 0 && now.Sub(b.failures[0]) >= p.Within {
			return
		}
		b.open, b.pause = true, p.First
		b.failures = b.failures[:0]
	}
	b.trial = false
	b.until = now.Add(b.pause)
}
