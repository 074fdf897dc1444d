package scheduler

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

func TestHistogram(t *testing.T) {
	bounds := HistogramBounds()
	require.Equal(t, [HistogramBuckets]time.Duration{
		100 * time.Microsecond, 300 * time.Microsecond, time.Millisecond, 3 * time.Millisecond, 10 * time.Millisecond, 30 * time.Millisecond,
		100 * time.Millisecond, 300 * time.Millisecond, time.Second, 3 * time.Second, 10 * time.Second, 30 * time.Second,
		100 * time.Second, 300 * time.Second, 1000 * time.Second, 3000 * time.Second,
	}, bounds)
	var h Histogram
	for _, bound := range bounds {
		h.Observe(bound)
		h.Observe(bound + 1)
	}
	h.Observe(-time.Second)
	require.EqualValues(t, 33, h.Count)
	require.Equal(t, [HistogramBuckets]uint64{2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2}, h.Buckets, "the longest is in none")
}

// Each type of event and call has a number of its own, and each outcome. What a later version of Mesos adds is counted as unknown.
func TestTallyKnowsEachType(t *testing.T) {
	for kind := range scheduler.Event_Type_name {
		tally := newTally("", &watchers{})
		tally.event(time.Now(), &scheduler.Event{Type: scheduler.Event_Type(kind)})
		require.Less(t, int(kind), len(tally.metrics.Events))
		require.EqualValues(t, 1, tally.metrics.Events[kind])
	}
	for kind := range scheduler.Call_Type_name {
		tally := newTally("", &watchers{})
		tally.call(callDone{call: &scheduler.Call{Type: scheduler.Call_Type(kind)}})
		require.Less(t, int(kind), len(tally.metrics.Calls))
		require.EqualValues(t, 1, tally.metrics.Calls[kind].Accepted)
	}
	for _, unknown := range []int32{-1, 99, math.MinInt32, math.MaxInt32} {
		tally := newTally("", &watchers{})
		tally.event(time.Now(), &scheduler.Event{Type: scheduler.Event_Type(unknown)})
		tally.call(callDone{call: &scheduler.Call{Type: scheduler.Call_Type(unknown)}})
		require.EqualValues(t, 1, tally.metrics.Events[scheduler.Event_UNKNOWN])
		require.EqualValues(t, 1, tally.metrics.Calls[scheduler.Call_UNKNOWN].Accepted)
	}
	var c CallMetrics
	seen := map[*uint64]outcome{}
	for o := accepted; o <= stale; o++ {
		before, taken := seen[c.of(o)]
		require.False(t, taken, "%v and %v", o, before)
		seen[c.of(o)] = o
	}
	require.Contains(t, (stale + 1).String(), "outcome(", "a new outcome needs a number")
	require.Contains(t, task.State(taskStates).String(), "State(", "so does a new state")
}

// A call that was not sent has an outcome, and no latency.
func TestTallyOfCalls(t *testing.T) {
	tally := newTally("", &watchers{})
	kill := &scheduler.Call{Type: scheduler.Call_KILL}
	tally.call(callDone{call: kill, outcome: unsent, took: time.Hour})
	tally.call(callDone{call: kill, outcome: unclear, took: 10 * time.Second})
	tally.call(callDone{call: kill, outcome: refused, took: time.Second})
	of := tally.metrics.Calls[scheduler.Call_KILL]
	require.Equal(t, [3]uint64{1, 1, 1}, [3]uint64{of.Unsent, of.Unclear, of.Refused})
	require.EqualValues(t, 2, of.Latency.Count)
	require.Equal(t, 11*time.Second, of.Latency.Sum)
}

// What a machine has dropped is counted over its subscriptions, each of which begins at 0.
func TestTallyOfDroppedCalls(t *testing.T) {
	now := time.Unix(0, 0)
	m := pendingMachine(now, 0, "")
	tally := newTally("", &watchers{})
	tally.beginRun(now, m, nil)
	for range 3 {
		m.backoff.drop(ackCalls)
	}
	tally.fold(m, now, wake{}, nil)
	m.backoff.reset(now)
	m.backoff.drop(killCalls)
	tally.fold(m, now, wake{}, nil)
	require.EqualValues(t, 4, tally.snapshot().Dropped)
}

func TestTallyOfWatchers(t *testing.T) {
	ws := &watchers{}
	tally := newTally("", ws)
	slow := ws.add(&ws.all, queueLimit{events: 2, bytes: 1 << 20})
	ws.add(&ws.all, watchLimit())
	ws.add(&ws.raw, rawLimit())
	for range 5 {
		ws.publish(StoreEvent{})
	}
	m := tally.snapshot()
	require.Equal(t, 3, m.Watchers.Watching)
	require.Equal(t, 5, m.Watchers.Behind)
	require.EqualValues(t, 3, m.Watchers.Missed)
	slow.take()
	ws.publish(StoreEvent{})
	ws.remove(slow)
	tally.notified(time.Now(), LagEvent{Missed: 7}) // of the store, for all
	m = tally.snapshot()
	require.Equal(t, 2, m.Watchers.Watching)
	require.EqualValues(t, 10, m.Watchers.Missed, "what is gone is counted nevertheless")
}

// A write in several parts is counted part by part, and a failure ends it.
func TestTallyOfWrites(t *testing.T) {
	now := time.Unix(100, 0)
	m := pendingMachine(now, 0, "")
	tally := newTally("", &watchers{})
	tally.beginRun(now, m, nil)
	tally.fold(m, now, wake{}, []action{store{}})
	tally.fold(m, now.Add(time.Second), stored{records: 10}, nil)
	tally.fold(m, now.Add(3*time.Second), stored{records: 5}, nil)
	tally.fold(m, now.Add(9*time.Second), stored{err: errors.New("full")}, nil)
	of := tally.snapshot().Store
	require.EqualValues(t, 2, of.Writes.Count)
	require.Equal(t, 3*time.Second, of.Writes.Sum)
	require.EqualValues(t, 15, of.Records)
	require.EqualValues(t, 1, of.Failed)
}

// The counts of tasks by state are those of the tasks on record, after any inputs.
func TestTaskCountsAreTrue(t *testing.T) {
	m := pendingMachine(time.Unix(0, 0), 10, "1")
	require.Equal(t, 10, m.tasks.counts.states[task.StatePending])
	m.tasks.counts.states[task.StatePending]++
	require.Panics(t, func() { recount(failing{}, m) }, "a control")
}

type failing struct{}

func (failing) Errorf(string, ...any) {}
func (failing) FailNow()              { panic("failed") }
