package scheduler

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// herd returns machines whose subscriptions have failed that often since one moment, each with its own chance.
func herd(t *testing.T, size, failures int, err error) []*stage {
	all := make([]*stage, size)
	for i := range all {
		random := rand.New(rand.NewPCG(uint64(i), 1))
		all[i] = newStage(t)
		all[i].configure(func(set *settings) { set.random = random.Float64 })
		all[i].step(start{})
		for n := range failures {
			all[i].step(streamClosed{stream: all[i].machine.conn.stream, err: err})
			if n < failures-1 {
				all[i].now = all[i].machine.conn.retryAt
				all[i].step(wake{})
			}
		}
	}
	return all
}

// untilAttempts returns how long after now each machine makes its next attempt, in order.
func untilAttempts(all []*stage) []time.Duration {
	pauses := make([]time.Duration, len(all))
	for i, s := range all {
		pauses[i] = s.machine.conn.retryAt.Sub(s.now)
	}
	slices.Sort(pauses)
	return pauses
}

// A herd hears at one moment that another master leads. All of it subscribes within a second, or sooner if it has failed
// seldom, and evenly spread over that time.
func TestNewsOfALeaderSpreadsTheHerd(t *testing.T) {
	oneGoroutine(t)
	for failures, within := range map[int]time.Duration{
		1: 200 * time.Millisecond, 2: 400 * time.Millisecond, 3: 800 * time.Millisecond, 4: time.Second, 8: time.Second, 50: time.Second,
	} {
		all := herd(t, 1000, failures, errors.New("refused"))
		var early int
		for _, s := range all {
			if s.machine.conn.retryAt.Sub(s.now) < within/10 {
				early++ // they would have been so early without the news as well
			}
			s.step(leaderElected{})
		}
		pauses := untilAttempts(all)
		require.Less(t, pauses[len(pauses)-1], within, "%d failures", failures)
		if failures < 8 {
			continue // many pauses were short anyway
		}
		for tenth := range 10 {
			from := time.Duration(tenth) * within / 10
			n := 0
			for _, p := range pauses {
				if p >= from && p < from+within/10 {
					n++
				}
			}
			if tenth == 0 {
				n -= early
			}
			require.InDelta(t, 100, n, 60, "after %d failures, from %v on", failures, from)
		}
	}
}

// The control: without the news a herd that has failed often is spread over 15 s.
func TestWithoutNewsOfALeader(t *testing.T) {
	pauses := untilAttempts(herd(t, 1000, 9, errors.New("refused")))
	require.Greater(t, pauses[len(pauses)-1], 14*time.Second)
	require.Greater(t, pauses[len(pauses)/2], 5*time.Second)
}

// While no master leads, each pause is between one and two seconds once it has grown, for all of a herd.
func TestLeaderlessPauses(t *testing.T) {
	pauses := untilAttempts(herd(t, 1000, 8, &leaderlessError{errors.New("refused")}))
	require.GreaterOrEqual(t, pauses[0], time.Second)
	require.Less(t, pauses[len(pauses)-1], 2*time.Second)
	require.Less(t, pauses[100], 1200*time.Millisecond)
	require.Greater(t, pauses[900], 1800*time.Millisecond)
}

// However often ZooKeeper names another master, there is no storm of attempts: three short pauses, then a whole one.
func TestFlappingZooKeeper(t *testing.T) {
	for name, err := range map[string]error{"nobody answers": errors.New("refused"), "each attempt ends with the news": errNewLeader} {
		all := herd(t, 1, 8, err)
		s := all[0]
		attempts := 0
		for end := s.now.Add(10 * time.Minute); s.now.Before(end); s.now = s.now.Add(100 * time.Millisecond) {
			s.step(leaderElected{})
			s.step(wake{})
			if s.machine.conn.phase == connecting {
				attempts++
				s.step(streamClosed{stream: s.machine.conn.stream, err: err})
			}
		}
		require.Greater(t, attempts, 100, name)
		require.Less(t, attempts, 400, name)
	}
}
