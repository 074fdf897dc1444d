package invoker

import (
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker/internal/keepalive"
)

// KeepAlive returns for how long an idle container of an action is kept, from what is known of the action. It is called often, and
// must be fast, depend on nothing else, and not use the [Invoker].
type KeepAlive func(IdleTimes) time.Duration

// IdleTimes says how long the containers of an action were idle between two uses: the last few thousand times. The zero value
// knows of none.
type IdleTimes struct{ histogram *keepalive.Histogram }

// Count returns how many times are known.
func (t IdleTimes) Count() int { return t.known().Count() }

// Quantile returns a time that at least the share p of the idle times are shorter than, in whole minutes, at most 4 hours; 0 if none are
// known.
func (t IdleTimes) Quantile(p float64) time.Duration { return t.known().Quantile(p) }

// KeepFixed keeps idle containers for a fixed time, as OpenWhisk does.
func KeepFixed(d time.Duration) KeepAlive {
	return func(IdleTimes) time.Duration { return d }
}

// KeepByHistogram keeps idle containers until the 99th percentile of the idle times of their action, between a minute and 4 hours, and
// for the time otherwise while fewer than ten are known.
func KeepByHistogram(otherwise time.Duration) KeepAlive {
	return func(t IdleTimes) time.Duration { return t.known().Keep(otherwise) }
}

func (t IdleTimes) known() *keepalive.Histogram {
	if t.histogram == nil {
		return &keepalive.Histogram{}
	}
	return t.histogram
}
