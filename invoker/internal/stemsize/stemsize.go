// Package stemsize says how many stem cells of a shape should be ready: containers that are started before anybody asks for them, and
// bound to no action.
//
// A [Demand] follows what is used: so many as are used up while a replacement starts, with a margin. [Whisk] is the formula of
// OpenWhisk's reactive prewarming, for those who have tuned its numbers. [Lifetime] spreads the ends of stem cells that were started
// together.
//
// The package has no lock, clock or goroutine, and keeps a fixed amount of memory for each shape.
package stemsize

import (
	"math"
	"slices"
	"time"
)

// Whisk returns how many stem cells OpenWhisk would keep after a check: increment more for each full threshold of cold starts since
// the check before, between least and most; least if there was no cold start.
func Whisk(coldStarts, threshold, increment, least, most int) int {
	if coldStarts <= 0 {
		return least
	}
	return min(max(coldStarts/threshold*increment, least), most)
}

// The windows in which first uses are counted, in seconds, and how often the number of stem cells may be halved.
const (
	shortWindow = 6
	longWindow  = 60
	shrinkEvery = 10 * time.Second
)

// startTimes is how many of the last start times are looked at.
const startTimes = 32

// Demand sizes the stem cells of a shape by how often containers of the shape are used for the first time, and how long they take to
// start. If λ is the rate of first uses in the last 6 s or the last 60 s, whichever is higher, and L the 90th percentile of the
// last start times, then λL are used up while one starts, on average: as many are wanted, and 2√(λL) more, because calls come
// in groups. The number grows at once, and shrinks at most by half in 10 s.
//
// The zero value has seen nothing. Times must not go back.
type Demand struct {
	uses   [longWindow]int32 // in each of the last seconds, that of the last use at last%longWindow
	last   int64             // second
	starts [startTimes]time.Duration
	count  int           // of starts, ever
	start  time.Duration // their 90th percentile

	want   int
	halved time.Time // when want changed
}

// Used says that a container of the shape was used for the first time: a stem cell, or one that had to be started for it.
func (d *Demand) Used(now time.Time) {
	d.advance(now)
	d.uses[d.last%longWindow]++
}

// Started says how long a container of the shape took from the decision to start it until it was ready.
func (d *Demand) Started(took time.Duration) {
	d.starts[d.count%startTimes] = took
	d.count++
	n := min(d.count, startTimes)
	sorted := d.starts
	slices.Sort(sorted[:n])
	d.start = sorted[(n*9+9)/10-1]
}

// StartTime returns the 90th percentile of the last 32 start times, 0 if there were none.
func (d *Demand) StartTime() time.Duration { return d.start }

// Want returns how many stem cells should be there, starting or ready, between least and most.
func (d *Demand) Want(now time.Time, least, most int) int {
	d.advance(now)
	needed := min(max(size(d.rate(), d.StartTime()), least), most)
	switch {
	case needed > d.want:
		d.want, d.halved = needed, now
	case needed < d.want && now.Sub(d.halved) >= shrinkEvery:
		d.want, d.halved = max(needed, d.want/2), now
	}
	return min(max(d.want, least), most)
}

// size returns how many containers cover the uses while one starts, with a margin.
func size(perSecond float64, start time.Duration) int {
	load := perSecond * start.Seconds()
	return int(math.Ceil(load + 2*math.Sqrt(load)))
}

// rate returns the first uses per second.
func (d *Demand) rate() float64 {
	short, long := 0, 0
	for age := range int64(longWindow) {
		if d.last < age {
			break
		}
		n := int(d.uses[(d.last-age)%longWindow])
		long += n
		if age < shortWindow {
			short += n
		}
	}
	return max(float64(short)/shortWindow, float64(long)/longWindow)
}

// advance makes the present second the last one.
func (d *Demand) advance(now time.Time) {
	second := now.Unix()
	if second-d.last >= longWindow {
		d.uses = [longWindow]int32{}
		d.last = second
	}
	for d.last < second {
		d.last++
		d.uses[d.last%longWindow] = 0
	}
}

// Lifetime returns how long a stem cell with this ID is kept: between 90 % and 100 % of ttl, always the same for an ID, so that stem
// cells that were started together do not end together.
func Lifetime(id string, ttl time.Duration) time.Duration {
	hash := uint32(2166136261) // FNV-1a
	for i := range len(id) {
		hash = (hash ^ uint32(id[i])) * 16777619
	}
	return ttl - time.Duration(float64(ttl)/10*float64(hash)/math.MaxUint32)
}
