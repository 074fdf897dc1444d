package mesostest

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"
)

// Each fault of a call, for certain: what the client sees of a DECLINE, and whether the offer is gone.
func TestChancesOfCalls(t *testing.T) {
	for _, test := range []struct {
		name    string
		chances Chances
		want    string // the status, or why there is none
		at      time.Duration
		effect  bool
	}{
		{"unavailable", Chances{Unavailable: 1}, "503", 0, false},
		{"hang", Chances{Hang: 1}, "context deadline exceeded", time.Minute, false},
		{"cut", Chances{Cut: 1}, "connection reset", 0, false},
		{"hang after", Chances{HangAfter: 1}, "context deadline exceeded", time.Minute, true},
		{"cut after", Chances{CutAfter: 1}, "connection reset", 0, true},
		{"delay of no more than 1 ns", Chances{Delay: 1, MaxDelay: 1}, "202", 1, true},
		{"none", Chances{}, "202", 0, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
				s := c.subscribe(withFailoverTimeout(time.Hour))
				c.client.Timeout = time.Minute
				c.at(time.Second)
				require.NoError(t, c.master.Disturb(test.chances))
				decline := &scheduler.Call_Decline{OfferIDs: []mesos.OfferID{s.offers()[0].ID}, Filters: &mesos.Filters{RefuseSeconds: ptr(3600.0)}}
				got := ""
				response, err := c.tryPost(&scheduler.Call{Type: scheduler.Call_DECLINE, FrameworkID: s.fid, Decline: decline}, s.id)
				if err != nil {
					got = err.Error()
				} else {
					got = fmt.Sprint(response.StatusCode)
					require.NoError(t, response.Body.Close())
				}
				require.Contains(t, got, test.want)
				require.Equal(t, time.Second+test.at, time.Since(c.start))
				require.Equal(t, test.effect, len(c.master.Snapshot().Offers) == 0)
			})
		})
	}
}

// A SUBSCRIBE whose answer is lost subscribes, and its end is noticed.
func TestChancesOfSubscribe(t *testing.T) {
	inBubble(t, Config{}, func(c *cluster) {
		require.NoError(t, c.master.Disturb(Chances{HangAfter: 1}))
		c.client.Timeout = time.Minute
		_, err := c.tryPost(&scheduler.Call{Type: scheduler.Call_SUBSCRIBE, Subscribe: &scheduler.Call_Subscribe{FrameworkInfo: withFailoverTimeout(time.Hour)}}, "")
		require.ErrorContains(t, err, "context deadline exceeded")
		c.at(time.Minute)
		require.Len(t, c.master.Snapshot().Frameworks, 1)
		require.False(t, c.master.Snapshot().Frameworks[0].Connected)
		require.NoError(t, c.master.Disturb(Chances{Delay: 1, MaxDelay: 1}))
		require.Equal(t, []string{"60.000000001 SUBSCRIBED", "60.000000001 HEARTBEAT"}, c.subscribe(frameworkInfo()).log())
	})
}

func TestChancesOfEvents(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
		s := c.subscribe(withFailoverTimeout(time.Hour))
		c.at(time.Second)
		require.NoError(t, c.master.Disturb(Chances{Drop: 1, Duplicate: 1}))
		o := s.offers()[0]
		s.accept(o, 3600, taskInfo(o, "t", "sleep 600"))
		c.at(2 * time.Second)
		s.reconcile()
		require.Equal(t, []string{"1.1 t TASK_STARTING", "1.1 t TASK_STARTING"}, s.since(time.Second), "an answer without uuid is dropped")

		require.NoError(t, c.master.Disturb(Chances{CutStream: 1}))
		s.reconcile()
		lines := s.since(2 * time.Second)
		require.Len(t, lines, 1)
		require.Contains(t, lines[0], "2 end: ")
		require.False(t, c.master.Snapshot().Frameworks[0].Connected)
	})
}

// Late updates come in another order than they were sent, but never those of one task.
func TestLateUpdates(t *testing.T) {
	const tasks = 20
	run := func(seed uint64) []string {
		var lines []string
		inBubble(t, Config{Agents: oneAgent(), Seed: seed}, func(c *cluster) {
			s := c.subscribe(withFailoverTimeout(time.Hour))
			require.NoError(t, c.master.Disturb(Chances{Late: 0.5, Duplicate: 0.2, MaxDelay: 3 * time.Second}))
			o := s.offers()[0]
			var list []mesos.TaskInfo
			for i := range tasks {
				list = append(list, taskInfo(o, fmt.Sprintf("t%02d", i), "sleep 600"))
			}
			s.accept(o, 3600, list...)
			for i := range 8 {
				c.at(time.Duration(i+1) * 250 * time.Millisecond)
				s.reconcile()
			}
			c.at(8 * time.Second)
			lines = updatesOnly(s.log())
		})
		return lines
	}
	lines := run(1)
	require.Equal(t, lines, run(1), "the same seed, the same faults")
	require.NotEqual(t, lines, run(2))
	position := func(id, what string) int {
		return slices.IndexFunc(lines, func(line string) bool { return strings.HasSuffix(line, what) && strings.Contains(line, " "+id+" ") })
	}
	overtaken := 0
	for i := range tasks {
		id := fmt.Sprintf("t%02d", i)
		starting := position(id, "TASK_STARTING")
		require.Less(t, starting, position(id, "Latest task state"), id)
		if next := position(fmt.Sprintf("t%02d", (i+1)%tasks), "TASK_STARTING"); next < starting && i+1 < tasks {
			overtaken++
		}
	}
	require.Positive(t, overtaken)
}

func TestChancesFaults(t *testing.T) {
	m, err := New(Config{})
	require.NoError(t, err)
	for _, test := range []struct {
		chances Chances
		want    string
	}{
		{Chances{Cut: 1.1}, "mesostest: Chances.Cut is no probability: 1.1"},
		{Chances{Late: -1}, "mesostest: Chances.Late is no probability: -1"},
		{Chances{Drop: math.NaN()}, "mesostest: Chances.Drop is no probability: NaN"},
		{Chances{Cut: 0.6, Hang: 0.6}, "mesostest: Chances of calls add up to more than 1: 1.2"},
		{Chances{MaxDelay: -1}, "mesostest: Chances.MaxDelay is negative: -1ns"},
	} {
		require.EqualError(t, m.Disturb(test.chances), test.want)
	}
}
