package workload

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAWorkloadIsTheSameForASeedAndFollowsItsConfig(t *testing.T) {
	c := Config{Seed: 1, Length: time.Hour, Actions: 500, Zipf: 1.1, PerSecond: 5}
	w := New(c)
	require.Equal(t, w, New(c))
	require.InEpsilon(t, 5*3600, len(w.Calls), 0.4)
	byAction := make([]int, 500)
	for i, call := range w.Calls {
		require.Less(t, call.At, time.Hour+2*time.Second)
		require.True(t, i == 0 || call.At >= w.Calls[i-1].At)
		byAction[call.Action]++
	}
	called := 0
	for _, n := range byAction {
		if n > 0 {
			called++
		}
	}
	require.Greater(t, called, 400)
	first, last := 0, 0
	for i := range 50 {
		first += byAction[i]
		last += byAction[450+i]
	}
	require.Greater(t, first, 10*last)

	c.Change = func(at time.Duration) float64 {
		if at < 30*time.Minute {
			return 1
		}
		return 0.1
	}
	before, after := 0, 0
	for _, call := range New(c).Calls {
		if call.At < 30*time.Minute {
			before++
		} else {
			after++
		}
	}
	require.InDelta(t, 0.1, float64(after)/float64(before), 0.05)
}

func TestStartTimesAreThoseThatWereMeasured(t *testing.T) {
	var sum time.Duration
	for n := range 1000 {
		d := StartTime("nodejs:20", n)
		require.InDelta(t, 0.75, d.Seconds(), 0.45)
		require.Equal(t, d, StartTime("nodejs:20", n))
		sum += d
	}
	require.InDelta(t, 0.707, (sum / 1000).Seconds(), 0.02)
}

func TestEventsHappenInOrder(t *testing.T) {
	var e Events
	var seen []int
	e.After(2, func() { seen = append(seen, 3) })
	e.After(1, func() {
		seen = append(seen, 1)
		e.After(0, func() { seen = append(seen, 2) })
		e.After(100, func() { seen = append(seen, 4) })
	})
	e.Run(50)
	require.Equal(t, []int{1, 2, 3}, seen)
	require.Equal(t, time.Duration(50), e.Now)
	e.Run(200)
	require.Equal(t, []int{1, 2, 3, 4}, seen)
}

func TestAReportCountsWaitsAndMemory(t *testing.T) {
	var r Report
	for i := range 100 {
		how := Warm
		if i == 7 {
			how = Cold
		}
		if i == 8 {
			how = Recreated
		}
		r.Served(how, time.Duration(i)*time.Millisecond)
	}
	r.Holds(0, 256)
	r.Holds(10*time.Second, 256)
	r.Holds(20*time.Second, -512)
	r.Holds(time.Hour, 0)
	require.InDelta(t, 0.02, r.ColdShare(), 1e-9)
	require.Equal(t, 98*time.Millisecond, r.Wait(0.99))
	require.InDelta(t, 256*10+512*10, r.MemorySeconds(), 1e-9)
	require.Equal(t, "| ours | 100 | 98.00 % | 0.00 % | 2.00 % | 0 | 0.0 | 0.5 | 50ms | 98ms | 99ms |", r.Row("ours"))
}
