package workload

import (
	"fmt"
	"slices"
	"time"
)

// How a call was served.
const (
	Warm      = "warm"
	Prewarmed = "prewarmed"
	Cold      = "cold"
	Recreated = "recreated"
)

// Report is how a pool did.
type Report struct {
	calls  map[string]int
	waits  []time.Duration
	held   float64 // MiB × s
	memory int     // MiB now
	last   time.Duration
	peak   int
	Starts int // of containers
}

// Served says how a call was served, and how long it waited for its container.
func (r *Report) Served(how string, wait time.Duration) {
	if r.calls == nil {
		r.calls = map[string]int{}
	}
	r.calls[how]++
	r.waits = append(r.waits, wait)
}

// Holds says that from now on so many MiB more are held, or less.
func (r *Report) Holds(now time.Duration, delta int) {
	r.held += float64(r.memory) * (now - r.last).Seconds()
	r.last = now
	r.memory += delta
	r.peak = max(r.peak, r.memory)
}

// Counts returns how many calls were served in which way.
func (r *Report) Counts() map[string]int { return r.calls }

// Calls returns how many calls were served.
func (r *Report) Calls() int { return len(r.waits) }

// ColdShare returns the share of calls that waited for a container that was started for one of them.
func (r *Report) ColdShare() float64 {
	return float64(r.calls[Cold]+r.calls[Recreated]) / float64(len(r.waits))
}

// MemorySeconds returns the MiB that were held, times the seconds.
func (r *Report) MemorySeconds() float64 { return r.held }

// Wait returns a percentile of the waits.
func (r *Report) Wait(p float64) time.Duration {
	slices.Sort(r.waits)
	return r.waits[int(p*float64(len(r.waits)-1)+0.5)]
}

// Header is the first two lines of a table of reports in Markdown.
const Header = `| pool | calls | warm | prewarmed | cold | starts | GiB × h | peak GiB | wait p50 | p99 | p99.9 |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |`

// Row is a line of the table.
func (r *Report) Row(name string) string {
	share := func(n int) string { return fmt.Sprintf("%.2f %%", 100*float64(n)/float64(len(r.waits))) }
	return fmt.Sprintf("| %s | %d | %s | %s | %s | %d | %.1f | %.1f | %v | %v | %v |", name, len(r.waits), share(r.calls[Warm]), share(r.calls[Prewarmed]),
		share(r.calls[Cold]+r.calls[Recreated]), r.Starts, r.held/1024/3600, float64(r.peak)/1024,
		r.Wait(0.5).Round(time.Millisecond), r.Wait(0.99).Round(time.Millisecond), r.Wait(0.999).Round(time.Millisecond))
}
