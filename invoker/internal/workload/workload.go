// Package workload makes up calls of actions as a serverless platform sees them, to compare the rules of pools: the same calls, start
// times and agents for each. A seed always gives the same workload.
//
// How often an action is called follows Zipf's law. Some are called at random, some by the clock, and some in bursts.
package workload

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// Action is an action, and what its containers are like.
type Action struct {
	Name   string
	Kind   string
	Memory int // MiB
	Init   time.Duration
}

// Call is one call of an action.
type Call struct {
	At     time.Duration // since the beginning
	Action int
	Run    time.Duration
}

// Workload is calls in the order of their times.
type Workload struct {
	Actions []Action
	Calls   []Call
	Length  time.Duration
}

// Config says how much there is to do.
type Config struct {
	Seed      uint64
	Length    time.Duration
	Actions   int
	Zipf      float64 // the exponent
	PerSecond float64 // calls of all actions, on average
	// Change, if set, scales the rate of calls at a time.
	Change func(at time.Duration) float64
}

// New returns a workload.
func New(c Config) *Workload {
	r := rand.New(rand.NewPCG(c.Seed, 8))
	w := &Workload{Length: c.Length}
	total := 0.0
	for i := range c.Actions {
		total += math.Pow(float64(i+1), -c.Zipf)
	}
	for i := range c.Actions {
		w.Actions = append(w.Actions, newAction(r, i))
		rate := c.PerSecond * math.Pow(float64(i+1), -c.Zipf) / total
		typical := time.Duration(math.Exp(math.Log(100)+r.NormFloat64()) * float64(time.Millisecond)) // median 100 ms
		for _, at := range times(r, rate, c.Length) {
			if c.Change != nil && r.Float64() >= c.Change(at) {
				continue
			}
			run := time.Duration(float64(typical) * math.Exp(r.NormFloat64()/2))
			w.Calls = append(w.Calls, Call{At: at, Action: i, Run: min(max(run, time.Millisecond), 30*time.Second)})
		}
	}
	slices.SortStableFunc(w.Calls, func(a, b Call) int { return int(a.At - b.At) })
	return w
}

// newAction makes up an action of one of three kinds and of the usual sizes.
func newAction(r *rand.Rand, i int) Action {
	kinds := []string{"nodejs:20", "nodejs:20", "nodejs:20", "python:3.11", "python:3.11", "java:8"}
	sizes := []int{256, 256, 256, 128, 512}
	return Action{
		Name: fmt.Sprint("action-", i), Kind: kinds[r.IntN(len(kinds))], Memory: sizes[r.IntN(len(sizes))],
		Init: time.Duration(20+r.IntN(100)) * time.Millisecond,
	}
}

// times returns the times of the calls of an action.
func times(r *rand.Rand, perSecond float64, length time.Duration) []time.Duration {
	switch p := r.Float64(); {
	case p < 0.6:
		return poisson(r, perSecond, length)
	case p < 0.8:
		return clock(r, perSecond, length)
	}
	// A burst is 10 to 40 calls within a second.
	var all []time.Duration
	for _, burst := range poisson(r, perSecond/25, length) {
		for range 10 + r.IntN(31) {
			all = append(all, burst+time.Duration(r.Int64N(int64(time.Second))))
		}
	}
	return all
}

func poisson(r *rand.Rand, perSecond float64, length time.Duration) []time.Duration {
	var all []time.Duration
	for at := 0.0; ; {
		at += r.ExpFloat64() / perSecond
		if at >= length.Seconds() {
			return all
		}
		all = append(all, time.Duration(at*float64(time.Second)))
	}
}

// clock returns calls at full minutes, as a timer makes them: each 1, 2, 5, 10, 15 or 30 minutes, as many at once as the rate wants.
func clock(r *rand.Rand, perSecond float64, length time.Duration) []time.Duration {
	periods := []int{1, 2, 5, 10, 15, 30}
	each := float64(periods[len(periods)-1])
	for _, p := range periods {
		if perSecond*60*float64(p) >= 1 {
			each = float64(p)
			break
		}
	}
	period := time.Duration(each) * time.Minute
	offset := time.Duration(r.IntN(int(each))) * time.Minute
	var all []time.Duration
	for at := offset; at < length; at += period {
		for range max(1, int(perSecond*period.Seconds()+0.5)) {
			all = append(all, at+time.Duration(r.Int64N(int64(2*time.Second))))
		}
	}
	return all
}

// StartTime returns how long the n-th container of a kind takes to start: OpenWhisk's cold minus warm latency with Docker was
// 713 ms at the median, and 980 ms at the 99th percentile. Virtual machines of languages take longer.
func StartTime(kind string, n int) time.Duration {
	r := rand.New(rand.NewPCG(uint64(n), 9))
	median := 0.7
	if kind == "java:8" {
		median = 1.2
	}
	return time.Duration(median * math.Exp(0.14*r.NormFloat64()) * float64(time.Second))
}
