package scheduler

import (
	"context"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// wrongIDs are IDs under which a framework with an ID of its own cannot be subscribed.
func wrongIDs() map[string]string {
	return map[string]string{
		"empty": "", "blank": " ", "another": "f-2", "longer": ownID + "0", "in capitals": "F-1", "a path": "../" + ownID, "binary": "\xff", "huge": strings.Repeat("x", 1<<20),
	}
}

// The ID on record is the framework's, whatever a stream says: the task on record is still there, and the next Run goes on
// with it.
func TestSubscribedAsAnotherFramework(t *testing.T) {
	for name, id := range wrongIDs() {
		for _, renew := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				store := recordedStore(t)
				synctest.Test(t, func(t *testing.T) {
					master := &oddMaster{subscribe: func(a *exchange) { a.stream(true, subscribedEvent(id)) }}
					run := master.runWith(t, Config{Store: store, RenewFramework: renew}, 3, nil, nil)
					require.ErrorIs(t, run.err, context.DeadlineExceeded)
					require.Greater(t, len(run.events), 5)
					for _, e := range run.events {
						var wrong *FrameworkIDError
						require.ErrorAs(t, e.Err, &wrong)
						require.Equal(t, "http://"+oddAddress, wrong.Master)
						require.Equal(t, ownID, wrong.FrameworkID)
						require.True(t, name == "binary" || strings.HasPrefix(id, wrong.Subscribed))
						require.Contains(t, e.Err.Error(), `"`+ownID+`"`)
						require.Less(t, len(e.Err.Error()), 400)
						require.False(t, e.NextAttempt.IsZero())
					}
					require.Empty(t, master.calls[scheduler.Call_RECONCILE], "no call is made under another ID")
				})
				requireRecord(t, store)
				synctest.Test(t, func(t *testing.T) {
					master := &oddMaster{subscribe: func(a *exchange) { a.stream(true, subscribedEvent(ownID)) }}
					run := master.runWith(t, Config{Store: store}, 1, nil, nil)
					require.ErrorIs(t, run.err, context.DeadlineExceeded)
					require.True(t, run.events[0].Connected)
					require.Equal(t, ownID, run.events[0].FrameworkID)
				})
				requireRecord(t, store)
			})
		}
	}
}

// requireRecord requires that a store has what recordedStore has put there.
func requireRecord(t *testing.T, store mapStore) {
	f, tasks, err := record.Decode(store)
	require.NoError(t, err)
	require.Equal(t, record.Active, f.State)
	require.Equal(t, ownID, f.ID)
	require.Len(t, tasks, 1)
	require.Equal(t, task.StateRunning, tasks[0].Info.State)
}

// A new framework does not take for its ID what can be none, and is registered by the next master that makes sense.
func TestRegisteredUnderNoID(t *testing.T) {
	for name, id := range map[string]string{
		"empty": "", "a path": "a/b", "binary": "\xff", "a line": "a\nb", "huge": strings.Repeat("x", 1<<20), "long": strings.Repeat("x", 256), "dots": "..",
	} {
		t.Run(name, func(t *testing.T) {
			store := mapStore{}
			synctest.Test(t, func(t *testing.T) {
				master := &oddMaster{subscribe: func(a *exchange) { a.stream(true, subscribedEvent(id)) }}
				run := master.runWith(t, Config{Store: store}, 3, nil, nil)
				var wrong *FrameworkIDError
				require.ErrorAs(t, run.events[0].Err, &wrong)
				require.Empty(t, wrong.FrameworkID)
				require.LessOrEqual(t, len(wrong.Subscribed), 255)
			})
			f, _, err := record.Decode(store)
			require.NoError(t, err)
			require.Equal(t, record.Registering, f.State)
			synctest.Test(t, func(t *testing.T) {
				longest := strings.Repeat("x", 255)
				master := &oddMaster{subscribe: func(a *exchange) { a.stream(true, subscribedEvent(longest)) }}
				run := master.runWith(t, Config{Store: store}, 1, nil, nil)
				require.Equal(t, longest, run.events[0].FrameworkID)
			})
		})
	}
}

// SUBSCRIBED comes first, so a first frame that is no event was meant to be it: the attempt has failed at once, as with an empty
// ID, and does not wait for 15 s of silence. What is on record stays, and the next Run goes on with it.
func TestFirstFrameIsNoEvent(t *testing.T) {
	for name, frame := range map[string]string{
		"empty": "", "garbage": "???", "SUBSCRIBED without a payload": "\x08\x01", "SUBSCRIBED with an empty payload": "\x08\x01\x12\x00",
		"SUBSCRIBED without the ID's value": "\x08\x01\x12\x02\x0a\x00", "SUBSCRIBED that breaks off": "\x08\x01\x12\x07\x0a\x05\x0a\x03f",
		"a type that is not known": "\x08\x63", "OFFERS without a payload": "\x08\x02",
	} {
		t.Run(name, func(t *testing.T) {
			store := recordedStore(t)
			synctest.Test(t, func(t *testing.T) {
				master := &oddMaster{subscribe: func(a *exchange) { a.frames(true, frame) }}
				run := master.runWith(t, Config{Store: store}, 3, nil, nil)
				require.ErrorIs(t, run.err, context.DeadlineExceeded)
				subscribes := master.calls[scheduler.Call_SUBSCRIBE]
				require.Less(t, subscribes[3], time.Second)
				require.InDelta(t, len(subscribes), len(run.events), 1)
				for _, e := range run.events {
					require.ErrorContains(t, e.Err, "scheduler: the answer to SUBSCRIBE is of no use: mesoshttp: Protobuf event of")
					require.ErrorContains(t, e.Err, "from http://"+oddAddress)
					require.False(t, e.NextAttempt.IsZero())
				}
			})
			requireRecord(t, store)
			synctest.Test(t, func(t *testing.T) {
				master := &oddMaster{subscribe: func(a *exchange) { a.stream(true, subscribedEvent(ownID)) }}
				run := master.runWith(t, Config{Store: store}, 1, nil, nil)
				require.True(t, run.events[0].Connected)
			})
			requireRecord(t, store)
		})
	}
}

// Intervals of heartbeats that no master can mean are not believed, which is said once for each subscription.
func TestOddHeartbeats(t *testing.T) {
	for _, row := range []struct {
		seconds float64
		want    time.Duration // of five heartbeats
		odd     bool
	}{
		{math.NaN(), 75 * time.Second, true},
		{math.Inf(1), 5 * time.Hour, true},
		{math.Inf(-1), 75 * time.Second, true},
		{-1, 75 * time.Second, true},
		{1e300, 5 * time.Hour, true},
		{3e9, 5 * time.Hour, true},
		{3601, 5 * time.Hour, true},
		{3600, 5 * time.Hour, false},
		{1, 5 * time.Second, false},
		{0.999, 5 * time.Second, true},
		{1e-9, 5 * time.Second, true},
		{math.SmallestNonzeroFloat64, 5 * time.Second, true},
		{0, 75 * time.Second, false},
		{math.Copysign(0, -1), 75 * time.Second, false},
		{2.5, 12500 * time.Millisecond, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			master := &oddMaster{subscribe: func(a *exchange) {
				e := subscribedEvent(ownID)
				e.Subscribed.HeartbeatIntervalSeconds = &row.seconds
				a.stream(true, e)
			}}
			run := master.runWith(t, Config{}, int(2*row.want/time.Minute)+2, nil, nil)
			times := master.calls[scheduler.Call_SUBSCRIBE]
			require.Greater(t, len(times), 2, "%g", row.seconds)
			require.GreaterOrEqual(t, times[1], row.want)
			require.Less(t, times[1], row.want+100*time.Millisecond, "%g", row.seconds)
			said := strings.Count(run.log.String(), "heartbeats come each")
			require.Equal(t, row.odd, said > 0, "%g", row.seconds)
			require.LessOrEqual(t, said, len(times))
		})
	}
}

// The product of heartbeats and their number is always a duration.
func TestMissedHeartbeatsLimit(t *testing.T) {
	config := Config{Master: "m", Framework: Framework{Name: "test"}, MissedHeartbeats: maxMissedHeartbeats}
	s, err := New(config)
	require.NoError(t, err)
	c := connection{missed: s.config.MissedHeartbeats, heartbeat: maxHeartbeat}
	require.Positive(t, c.maxSilence())
	for _, missed := range []int{maxMissedHeartbeats + 1, math.MaxInt, -1} {
		config.MissedHeartbeats = missed
		_, err = New(config)
		var wrong *ConfigError
		require.ErrorAs(t, err, &wrong)
		require.Equal(t, "MissedHeartbeats", wrong.Field)
	}
}
