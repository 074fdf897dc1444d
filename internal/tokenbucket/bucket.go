// Package tokenbucket has a token bucket that is a value: it is told the time, needs no lock and no goroutine, and the zero
// value of its state is a full bucket. It does not wait, and is for one goroutine at a time.
package tokenbucket

import "time"

// Bucket bounds how often something is done: Burst times at once, and then once in each Interval.
type Bucket struct {
	Burst    int
	Interval time.Duration

	full time.Time // when all tokens are there again: each that was taken is an Interval of it
}

// Next returns when there is a token. That is a time in the past if there is one now.
func (b *Bucket) Next() time.Time { return b.full.Add(-time.Duration(b.Burst-1) * b.Interval) }

// Reserve takes the next token, and returns how long it is until that is there.
func (b *Bucket) Reserve(now time.Time) time.Duration {
	wait := max(0, b.Next().Sub(now))
	if b.full.Before(now) {
		b.full = now
	}
	b.full = b.full.Add(b.Interval)
	return wait
}

// Take reports whether there is a token, and takes it. If the clock was set back, what was taken until then does not count,
// or there would be no token for as long.
func (b *Bucket) Take(now time.Time) bool {
	if b.full.Sub(now) > time.Duration(b.Burst)*b.Interval {
		b.full = now
	}
	if b.Next().After(now) {
		return false
	}
	b.Reserve(now)
	return true
}

// Full reports whether all tokens are there.
func (b *Bucket) Full(now time.Time) bool { return !b.full.After(now) }
