// Package keepalive learns how long the containers of a key are idle between two uses, in order to say how long an idle
// one should be kept, and what it is worth.
//
// A [Histogram] counts idle times by the minute, up to 4 hours. It has no lock, clock or goroutine, and takes at most 2 KiB.
package keepalive

import (
	"math"
	"time"
)

const (
	bin  = time.Minute
	bins = 4 * 60
	// Limit is the longest time that a histogram says to keep a container.
	Limit = bins * bin
	// enough is from how many idle times on a histogram is believed.
	enough = 10
	// forget halves all counts when there are so many, so that what was long ago counts less and less.
	forget = 1 << 12
)

// Histogram counts idle times. The zero value is empty.
type Histogram struct {
	counts []uint16 // by the minute; the last one is for all that are longer; nil before the first
	total  int
}

// Add counts the time for which a container was idle before it was used again.
func (h *Histogram) Add(idle time.Duration) {
	if h.counts == nil {
		h.counts = make([]uint16, bins+1)
	}
	h.counts[index(idle)]++
	h.total++
	if h.total >= forget {
		h.total = 0
		for i := range h.counts {
			h.counts[i] /= 2
			h.total += int(h.counts[i])
		}
	}
}

// index returns the bin of an idle time.
func index(idle time.Duration) int { return int(min(max(idle, 0)/bin, bins)) }

// Count returns how many idle times are counted.
func (h *Histogram) Count() int { return h.total }

// Quantile returns a time, in whole minutes, that at least the share p of the idle times are shorter than, at most [Limit]. 0 if there
// are none.
func (h *Histogram) Quantile(p float64) time.Duration {
	rank := max(int(math.Ceil(p*float64(h.total))), 1)
	seen := 0
	for i, n := range h.counts {
		if seen += int(n); seen >= rank {
			return min(time.Duration(i+1)*bin, Limit)
		}
	}
	return 0
}

// Keep returns for how long an idle container should be kept: the 99th percentile of the idle times, or, before there are ten of them,
// the time otherwise.
func (h *Histogram) Keep(otherwise time.Duration) time.Duration {
	if h.total < enough {
		return otherwise
	}
	return h.Quantile(0.99)
}

// Soon returns how likely a container that has been idle for some time is used again within the next minute. Before there are ten
// idle times, that is a guess: 1 after no time, 1/2 after a minute, 1/3 after two.
func (h *Histogram) Soon(idle time.Duration) float64 {
	idle = max(idle, 0)
	if h.total < enough {
		return 1 / (1 + idle.Minutes())
	}
	at := index(idle)
	// The part of the present minute that is over, and of the next one that is not within a minute, are taken as spread evenly.
	over := float64(idle%bin) / float64(bin)
	shorter := 0
	for _, n := range h.counts[:at] {
		shorter += int(n)
	}
	here := float64(h.counts[at])
	longer := float64(h.total-shorter) - here*over
	if longer <= 0 || at == bins {
		return 0
	}
	soon := here * (1 - over)
	if at+1 < bins {
		soon += float64(h.counts[at+1]) * over
	}
	return soon / longer
}
