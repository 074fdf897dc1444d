package invoker

import (
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker/internal/keepalive"
)

// KeepAlive returns for how long an idle container of an action is kept, from what is known of the action. It is called while the pool
// is locked: it must return at once, depend on nothing else, and not call the [Invoker].
type KeepAlive func(IdleTimes) time.Duration

// IdleTimes are the times for which the containers of an action were idle between two uses, those of long ago counting less. The zero
// value has none.
type IdleTimes struct{ histogram *keepalive.Histogram }

// Count returns how many times are known.
func (t IdleTimes) Count() int { return t.known().Count() }

// Quantile returns a time, in whole minutes and at most 4 h, such that at least the share p, from 0 to 1, of the idle times are shorter.
// It returns 0 if none are known.
func (t IdleTimes) Quantile(p float64) time.Duration { return t.known().Quantile(p) }

// KeepFixed keeps idle containers for a fixed time, as OpenWhisk does.
func KeepFixed(d time.Duration) KeepAlive {
	return func(IdleTimes) time.Duration { return d }
}

// KeepByHistogram keeps idle containers for the 99th percentile of the idle times of their action, which is from 1 min to 4 h, or, while
// fewer than ten are known, for the time otherwise.
func KeepByHistogram(otherwise time.Duration) KeepAlive {
	return func(t IdleTimes) time.Duration { return t.known().Keep(otherwise) }
}

func (t IdleTimes) known() *keepalive.Histogram {
	if t.histogram == nil {
		return &keepalive.Histogram{}
	}
	return t.histogram
}
