package scheduler

import "time"

// HistogramBuckets is how many bounds a [Histogram] has.
const HistogramBuckets = 16

// Histogram counts durations. Its zero value is empty. A copy is a snapshot.
type Histogram struct {
	// Count is how many durations there were, and Sum all of them together.
	Count uint64
	Sum   time.Duration
	// Buckets[i] counts the durations that are at most bound i of [HistogramBounds] and longer than bound i-1. Durations longer
	// than the last bound are only in Count.
	Buckets [HistogramBuckets]uint64
}

// HistogramBounds returns the upper bounds of the buckets, which all histograms share: 100 µs, 300 µs, 1 ms, 3 ms and so
// on up to 3,000 s.
func HistogramBounds() (bounds [HistogramBuckets]time.Duration) {
	bound := firstBound
	for i := range bounds {
		bounds[i], bound = bound, nextBound(i, bound)
	}
	return bounds
}

const firstBound = 100 * time.Microsecond

// nextBound returns the bound after the one with this index: bounds begin with 1 and with 3 by turns.
func nextBound(index int, bound time.Duration) time.Duration {
	if index%2 == 0 {
		return 3 * bound
	}
	return bound / 3 * 10
}

// Observe adds a duration.
func (h *Histogram) Observe(d time.Duration) {
	d = max(0, d) // a clock may have been set back
	h.Count++
	h.Sum += d
	bound := firstBound
	for i := range h.Buckets {
		if d <= bound {
			h.Buckets[i]++
			return
		}
		bound = nextBound(i, bound)
	}
}
