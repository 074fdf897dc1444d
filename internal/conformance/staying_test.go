package conformance

import (
	"net/http"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

func stayingSubscribed() []behaviour {
	return []behaviour{
		{
			name:    "after a broken stream it subscribes again under the same ID, and its tasks run on",
			sources: []source{document("scheduler-http-api", "Disconnections"), recording("resubscribe_after_disconnect")},
			run: func(w *world) {
				w.launch(sleeper("a"))
				w.wire.cut()
				w.untilConnected(2)
				told, _ := w.connections()
				require.Equal(w, told[0].FrameworkID, told[2].FrameworkID)
				again := w.made(calls.Call_SUBSCRIBE)[1]
				require.Equal(w, told[0].FrameworkID, again.GetFrameworkID().GetValue())
				require.Equal(w, told[0].FrameworkID, again.Subscribe.FrameworkInfo.GetID().GetValue())
				require.Equal(w, task.StateRunning, w.task("a").State)
				w.launch(sleeper("b"))
			},
		},
		{
			name:    "a stream that the master ends is noticed although its connection stays",
			sources: []source{recording("resubscribe_live"), document("scheduler-http-api", "Disconnections")},
			run: func(w *world) {
				w.untilConnected(1)
				w.wire.end()
				w.untilConnected(2)
				w.launch(sleeper("a"))
			},
		},
		{
			name:    "a subscription replaces an older one that the master still considers connected",
			sources: []source{recording("resubscribe_live"), document("scheduler-http-api", "Network partitions")},
			run: func(w *world) {
				w.launch(sleeper("a"))
				w.wire.change(func() { w.wire.halfOpen = true })
				w.wire.cut()
				w.untilConnected(2)
				w.launch(sleeper("b"))
				require.Equal(w, task.StateRunning, w.task("a").State)
			},
		},
		{
			name:    "events of an old stream are ignored",
			sources: []source{recording("pb_failed_over"), document("scheduler-http-api", "ERROR")},
			run: func(w *world) {
				w.untilConnected(1)
				w.wire.inject(errorEvent("something passing"), errorEvent("Framework failed over"))
				w.untilConnected(2)
				w.launch(sleeper("a"))
			},
		},
		{
			name:    "an ERROR of the master that is neither eviction nor removal is answered with another subscription",
			sources: []source{document("scheduler-http-api", "ERROR"), recording("update_framework")},
			run: func(w *world) {
				w.untilConnected(1)
				w.wire.inject(errorEvent("something passing"))
				w.untilConnected(2)
				told, _ := w.connections()
				require.ErrorContains(w, told[1].Err, "something passing")
			},
		},
		{
			name:    "a master that misses several heartbeats counts as lost, by the interval that it announced",
			sources: []source{document("scheduler-http-api", "HEARTBEAT"), document("scheduler-http-api", "Network partitions")},
			config:  scheduler.Config{MissedHeartbeats: 3},
			run: func(w *world) {
				heartbeatsEvery(w, 1)
				w.untilConnected(1)
				w.wire.cut()
				w.untilConnected(2)
				w.wire.change(func() { w.wire.silent = true })
				w.until("the silence is noticed", func() bool {
					told, _ := w.connections()
					return len(told) >= 4 && !told[3].Connected
				})
				_, at := w.connections()
				require.GreaterOrEqual(w, at[3]-at[2], 3*time.Second)
				w.wire.events(nil)
				w.wire.change(func() { w.wire.silent = false })
				w.untilConnected(3)
			},
		},
		{
			name:    "a master that accepts a subscription and sends nothing counts as lost",
			sources: []source{document("scheduler-http-api", "Network partitions"), document("scheduler-http-api", "HEARTBEAT")},
			config:  scheduler.Config{MissedHeartbeats: 2},
			run: func(w *world) {
				w.untilConnected(1)
				w.wire.once(calls.Call_SUBSCRIBE, hang)
				w.wire.cut()
				w.untilConnected(2)
				told, _ := w.connections()
				require.Len(w, told, 4)
			},
		},
		{
			name:    "heartbeats alone keep a subscription",
			sources: []source{document("scheduler-http-api", "HEARTBEAT"), recording("subscribe_basic")},
			needs:   hours,
			run: func(w *world) {
				w.wait(24 * time.Hour)
				told, _ := w.connections()
				require.Len(w, told, 1)
			},
		},
		{
			name:    "a call that the master refuses for want of a subscription is followed by a new subscription",
			sources: []source{recording("bad_stream_id"), document("scheduler-http-api", "SUBSCRIBE")},
			run: func(w *world) {
				w.untilConnected(1)
				w.wire.once(calls.Call_REVIVE, http.StatusForbidden)
				w.launch(sleeper("a"))
				w.untilConnected(2)
			},
		},
		{
			name:    "a call that a busy master refuses is made again on the same subscription",
			sources: []source{document("scheduler-http-api", "Overview")},
			run: func(w *world) {
				w.untilConnected(1)
				w.wire.times(2, calls.Call_REVIVE, http.StatusServiceUnavailable)
				w.launch(sleeper("a"))
				require.Len(w, w.made(calls.Call_SUBSCRIBE), 1)
			},
		},
		{
			name:    "a call without an answer times out and is made again",
			sources: []source{document("high-availability-framework-guide", "Mesos Architecture")},
			run: func(w *world) {
				w.untilConnected(1)
				w.wire.once(calls.Call_REVIVE, hang)
				w.launch(sleeper("a"))
			},
		},
		{
			name:    "a failure of the authorizer may pass: it subscribes again, and says why it is not subscribed",
			sources: []source{document("authorization", "Authorization"), document("scheduler-http-api", "ERROR")},
			run: func(w *world) {
				w.untilConnected(1)
				const failure = "Authorization failure: could not create ObjectApprovers for a framework: Connection refused"
				w.wire.inject(errorEvent(failure))
				w.untilConnected(2)
				told, _ := w.connections()
				require.ErrorContains(w, told[1].Err, failure)
				require.False(w, told[1].NextAttempt.IsZero())
				w.launch(sleeper("a"))
			},
		},
		{
			name:    "an event of an unknown type is skipped",
			sources: []source{document("versioning", "API Compatibility")},
			run: func(w *world) {
				w.untilConnected(1)
				w.wire.inject(&calls.Event{Type: calls.Event_UNKNOWN})
				w.wire.inject(&calls.Event{Type: 99})
				w.launch(sleeper("a"))
				require.Len(w, w.made(calls.Call_SUBSCRIBE), 1)
			},
		},
		{
			name:    "an event without a part that it must have is skipped",
			sources: []source{document("scheduler-http-api", "Events")},
			durable: true,
			run: func(w *world) {
				w.untilConnected(1)
				w.launch(sleeper("a"))
				for number := range calls.Event_Type_name {
					w.wire.injectBytes([]byte{8, byte(number)}) // the type alone
				}
				for _, e := range []*calls.Event{
					{Type: calls.Event_SUBSCRIBED, Subscribed: &calls.Event_Subscribed{FrameworkID: &mesos.FrameworkID{}}},
					{Type: calls.Event_UPDATE, Update: &calls.Event_Update{Status: mesos.TaskStatus{State: mesos.TASK_LOST.Enum()}}},
					{Type: calls.Event_OFFERS, Offers: &calls.Event_Offers{Offers: []mesos.Offer{{}}}},
					{Type: calls.Event_RESCIND, Rescind: &calls.Event_Rescind{}},
					{Type: calls.Event_FAILURE, Failure: &calls.Event_Failure{}},
				} {
					w.wire.injectBytes(encode(e, false))
				}
				w.launch(sleeper("b"))
				require.Equal(w, task.StateRunning, w.task("a").State)
				require.Len(w, w.made(calls.Call_SUBSCRIBE), 2, "the second one with the ID on record")
			},
		},
		{
			name:    "a second SUBSCRIBED on a stream changes nothing, not the framework ID either",
			sources: []source{document("scheduler-http-api", "SUBSCRIBED")},
			durable: true,
			run: func(w *world) {
				w.untilConnected(1)
				told, _ := w.connections()
				again := &calls.Event{Type: calls.Event_SUBSCRIBED, Subscribed: &calls.Event_Subscribed{FrameworkID: &mesos.FrameworkID{Value: "other"}}}
				w.wire.injectBytes(encode(again, false))
				w.launch(sleeper("a"))
				for _, c := range w.made(calls.Call_ACCEPT) {
					require.Equal(w, told[0].FrameworkID, c.GetFrameworkID().GetValue())
				}
				for _, record := range w.store.snapshot() {
					require.NotContains(w, string(record), `"other"`)
				}
			},
		},
		{
			name:    "a record that is not an event is skipped",
			sources: []source{document("scheduler-http-api", "RecordIO response format")},
			run: func(w *world) {
				w.untilConnected(1)
				w.wire.injectBytes([]byte("no event"))
				w.wire.injectBytes(nil)
				w.launch(sleeper("a"))
				require.Len(w, w.made(calls.Call_SUBSCRIBE), 1)
			},
		},
	}
}

// heartbeatsEvery changes the heartbeat interval that the master announces, from the next subscription on.
func heartbeatsEvery(w *world, seconds float64) {
	w.wire.events(func(e *calls.Event) []*calls.Event {
		if e.Type == calls.Event_SUBSCRIBED {
			e.Subscribed.HeartbeatIntervalSeconds = &seconds
		}
		return []*calls.Event{e}
	})
}

func errorEvent(message string) *calls.Event {
	return &calls.Event{Type: calls.Event_ERROR, Error: &calls.Event_Error{Message: message}}
}
