package conformance

import (
	"net/http"
	"os/user"
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

func subscribing() []behaviour {
	return []behaviour{
		{
			name:    "the first subscription names no framework ID and takes the master's",
			sources: []source{document("scheduler-http-api", "SUBSCRIBE"), recording("subscribe_basic")},
			run: func(w *world) {
				w.untilConnected(1)
				require.Empty(w, w.made(calls.Call_SUBSCRIBE)[0].GetFrameworkID().GetValue())
				require.Empty(w, w.made(calls.Call_SUBSCRIBE)[0].Subscribe.FrameworkInfo.GetID().GetValue())
				f, known := w.view()
				require.True(w, known)
				told, _ := w.connections()
				require.Equal(w, f.ID, told[0].FrameworkID)
			},
		},
		{
			name:    "the framework has its name, a failover timeout of a minute, since it has no store, and checkpointing, and runs as the user of its process",
			sources: []source{document("high-availability-framework-guide", "Recommendations for Highly Available Frameworks"), document("agent-recovery", "Framework Configuration"), document("scheduler-http-api", "Disconnections")},
			run: func(w *world) {
				w.untilConnected(1)
				me, err := user.Current()
				require.NoError(w, err)
				f, _ := w.view()
				require.Equal(w, w.name, f.Name)
				require.Equal(w, me.Username, f.User)
				require.InDelta(w, 60, f.FailoverTimeout, 0)
				require.True(w, f.Checkpoint)
				require.Equal(w, []string{"*"}, f.Roles)
			},
		},
		{
			name:    "it has the capabilities for several roles, reservations, partition awareness and TASK_KILLING",
			sources: []source{recording("capabilities_offer_format"), recording("kill_no_killing_state"), document("high-availability-framework-guide", "Dealing with Partitioned or Failed Agents")},
			run: func(w *world) {
				w.untilConnected(1)
				f, _ := w.view()
				for _, c := range []string{"MULTI_ROLE", "RESERVATION_REFINEMENT", "PARTITION_AWARE", "TASK_KILLING_STATE"} {
					require.Contains(w, f.Capabilities, c)
				}
			},
		},
		{
			name:    "all roles of the framework are subscribed to",
			sources: []source{document("roles", "Associating frameworks with roles"), recording("two_roles")},
			config:  scheduler.Config{Framework: scheduler.Framework{Roles: []string{"conformance-a", "conformance-b"}}},
			run: func(w *world) {
				w.untilConnected(1)
				f, _ := w.view()
				require.ElementsMatch(w, []string{"conformance-a", "conformance-b"}, f.Roles)
			},
		},
		{
			name:    "while nothing is pending it subscribes with all roles suppressed and gets no offers",
			sources: []source{document("scheduler-http-api", "SUPPRESS"), recording("suppressed_roles")},
			config:  scheduler.Config{Framework: scheduler.Framework{Roles: []string{"conformance-a", "conformance-b"}}},
			run: func(w *world) {
				w.untilConnected(1)
				require.ElementsMatch(w, []string{"conformance-a", "conformance-b"}, w.made(calls.Call_SUBSCRIBE)[0].Subscribe.SuppressedRoles)
				w.calm()
				require.Empty(w, w.offers())
			},
		},
		{
			name:      "with something pending it subscribes for offers",
			sources:   []source{document("scheduler-http-api", "SUBSCRIBE"), recording("suppressed_roles")},
			unstarted: true,
			run: func(w *world) {
				w.startInVain()
				w.submit(sleeper("a"))
				w.wire.restore()
				w.untilState("a", task.StateRunning)
				require.Empty(w, w.made(calls.Call_SUBSCRIBE)[0].Subscribe.SuppressedRoles)
			},
		},
		{
			name:    "it speaks JSON as well",
			sources: []source{document("scheduler-http-api", "Overview"), recording("task_finished")},
			config:  scheduler.Config{JSON: true},
			run: func(w *world) {
				w.launch(sleeper("a"))
				require.Equal(w, task.StateKilled, w.kill("a").State)
			},
		},
		{
			name:    "it makes no difference how the bytes of events are split",
			sources: []source{document("scheduler-http-api", "RecordIO response format"), recording("pb_large_offer")},
			run: func(w *world) {
				w.wire.change(func() { w.wire.shredded = true })
				w.untilConnected(1)
				w.wire.cut()
				w.untilConnected(2)
				w.launch(sleeper("a"))
			},
		},
		{
			name:    "calls go over other connections than the subscription's and none is made before SUBSCRIBED",
			sources: []source{document("scheduler-http-api", "SUBSCRIBE"), recording("subscribe_basic")},
			run: func(w *world) {
				w.launch(sleeper("a")) // checkCalls checks the order; a call on the connection of the subscription would hang
			},
		},
		{
			name:    "a framework that the master refuses is not tried again",
			sources: []source{recording("bad_framework_info"), document("scheduler-http-api", "ERROR")},
			config:  scheduler.Config{Framework: scheduler.Framework{Roles: []string{"/a"}}},
			run: func(w *world) {
				var refused *scheduler.SubscribeError
				require.ErrorAs(w, w.end(), &refused)
				require.Equal(w, "'FrameworkInfo.roles' contains invalid role: Role '/a' cannot start with a slash", refused.Message)
				w.calm()
				require.Len(w, w.made(calls.Call_SUBSCRIBE), 1)
				require.ErrorIs(w, w.sched.Submit(w.ctx, sleeper("a")), scheduler.ErrNotRunning)
			},
		},
		{
			name:    "a role that the master refuses ends Run with the master's message",
			sources: []source{recording("bad_framework_info"), document("roles", "Roles and access control")},
			needs:   roleList,
			cluster: fakeWithRoles("web"),
			config:  scheduler.Config{Framework: scheduler.Framework{Roles: []string{"db"}}},
			run: func(w *world) {
				var refused *scheduler.SubscribeError
				require.ErrorAs(w, w.end(), &refused)
				require.Equal(w, "Roles { db } are not present in the master's --roles", refused.Message)
			},
		},
		{
			name:    "a master that is still recovering is tried again",
			sources: []source{document("scheduler-http-api", "Master detection"), document("high-availability-framework-guide", "Dealing with Partitioned or Failed Masters")},
			run: func(w *world) {
				w.untilConnected(1)
				w.wire.times(4, calls.Call_SUBSCRIBE, http.StatusServiceUnavailable)
				w.wire.cut()
				w.untilConnected(2)
				require.Len(w, w.made(calls.Call_SUBSCRIBE), 6)
			},
		},
		{
			name:    "it is not subscribed under an ID that is not its own, and tries again",
			sources: []source{document("scheduler-http-api", "SUBSCRIBE"), document("high-availability-framework-guide", "Recommendations for Highly Available Frameworks")},
			run: func(w *world) {
				w.untilConnected(1)
				f, _ := w.view()
				w.wire.events(func(e *calls.Event) []*calls.Event {
					if e.Type == calls.Event_SUBSCRIBED {
						other := *e.Subscribed
						other.FrameworkID = &mesos.FrameworkID{Value: f.ID + "0"}
						e = &calls.Event{Type: calls.Event_SUBSCRIBED, Subscribed: &other}
					}
					return []*calls.Event{e}
				})
				w.wire.cut()
				var wrong *scheduler.FrameworkIDError
				w.until("three attempts", func() bool {
					told, _ := w.connections()
					return len(told) >= 5
				})
				told, _ := w.connections()
				require.ErrorAs(w, told[4].Err, &wrong)
				require.Equal(w, scheduler.FrameworkIDError{Master: wrong.Master, FrameworkID: f.ID, Subscribed: f.ID + "0"}, *wrong)
				w.wire.events(nil)
				w.untilConnected(2)
				again, _ := w.view()
				require.Equal(w, f.ID, again.ID)
			},
		},
		{
			name:      "a first attempt that fails is followed by another",
			sources:   []source{document("high-availability-framework-guide", "Dealing with Partitioned or Failed Masters")},
			unstarted: true,
			run: func(w *world) {
				w.wire.fail()
				w.start()
				w.until("three attempts", func() bool {
					told, _ := w.connections()
					return len(told) >= 3
				})
				w.wire.restore()
				w.untilConnected(1)
				w.launch(sleeper("a"))
			},
		},
		{
			name:    "while no master leads, the pauses between attempts grow up to one or two seconds, and differ",
			sources: []source{document("scheduler-http-api", "Master detection"), document("high-availability-framework-guide", "Dealing with Partitioned or Failed Masters")},
			needs:   hours,
			config:  scheduler.Config{Framework: scheduler.Framework{FailoverTimeout: 24 * time.Hour}},
			run: func(w *world) {
				w.untilConnected(1)
				w.wire.fail()
				w.wait(time.Hour)
				told, at := w.connections()
				require.Greater(w, len(told), 1800)
				seen := map[time.Duration]bool{}
				for i, c := range told[1:] {
					pause := c.NextAttempt.Sub(w.began.Add(at[i+1]))
					require.Less(w, pause, 2*time.Second)
					require.True(w, i < 5 || pause >= time.Second, pause)
					seen[pause] = true
				}
				require.Greater(w, len(seen), 1700, "pauses that differ")
				w.wire.restore()
				w.untilConnected(2)
			},
		},
		{
			name:    "pauses between attempts that a master refuses are drawn at random below a bound that doubles from 100 ms up to 15 s",
			sources: []source{document("scheduler-http-api", "Network partitions"), document("scheduler-http-api", "Disconnections")},
			needs:   hours,
			config:  scheduler.Config{Framework: scheduler.Framework{FailoverTimeout: 24 * time.Hour}},
			run: func(w *world) {
				w.untilConnected(1)
				w.wire.always(calls.Call_SUBSCRIBE, http.StatusInternalServerError)
				w.wire.cut()
				w.wait(time.Hour)
				told, at := w.connections()
				require.Greater(w, len(told), 100)
				seen, longest := map[time.Duration]bool{}, time.Duration(0)
				for i, c := range told[1:] {
					bound := min(100*time.Millisecond<<min(i, 20), 15*time.Second)
					pause := c.NextAttempt.Sub(w.began.Add(at[i+1]))
					require.LessOrEqual(w, pause, bound)
					seen[pause], longest = true, max(longest, pause)
				}
				require.Greater(w, longest, 10*time.Second)
				require.Greater(w, at[20]-at[8], 5*time.Second, "they do not grow late")
				require.Greater(w, len(seen), 90, "pauses that differ")
				w.wire.calls(nil)
				w.untilConnected(2)
			},
		},
		{
			name:    "attempts are made when they were announced, with pauses that grow",
			sources: []source{document("scheduler-http-api", "Network partitions"), document("scheduler-http-api", "Disconnections")},
			run: func(w *world) {
				w.untilConnected(1)
				w.wire.times(3, calls.Call_SUBSCRIBE, http.StatusServiceUnavailable)
				w.wire.cut()
				w.untilConnected(2)
				told, at := w.connections()
				lost := slices.DeleteFunc(slices.Clone(told), func(c scheduler.ConnectionEvent) bool { return c.Connected })
				require.Len(w, lost, 4)
				entries, _ := w.read()
				var attempts []time.Duration
				for _, e := range entries {
					if e.call.GetType() == calls.Call_SUBSCRIBE {
						attempts = append(attempts, e.at)
					}
				}
				for i, c := range lost {
					require.Error(w, c.Err)
					require.LessOrEqual(w, c.NextAttempt.Sub(w.began), attempts[i+1])
					require.LessOrEqual(w, c.NextAttempt.Sub(w.began.Add(at[i+1])), 100*time.Millisecond<<i)
				}
			},
		},
		{
			name:    "an answer that would be the same for every attempt ends Run",
			sources: []source{document("authentication", "Framework"), recording("bad_framework_info")},
			run: func(w *world) {
				w.untilConnected(1)
				w.wire.once(calls.Call_SUBSCRIBE, http.StatusForbidden)
				w.wire.cut()
				var refused *scheduler.SubscribeError
				require.ErrorAs(w, w.end(), &refused)
				require.Equal(w, http.StatusForbidden, refused.Status)
			},
		},
	}
}

// subscribeAs returns the call with which another scheduler takes over a framework.
func subscribeAs(id, name string) *calls.Call {
	framework := &mesos.FrameworkID{Value: id}
	return &calls.Call{
		Type: calls.Call_SUBSCRIBE, FrameworkID: framework,
		Subscribe: &calls.Call_Subscribe{FrameworkInfo: &mesos.FrameworkInfo{
			ID: framework, Name: name, User: "root", Roles: []string{"*"},
			Capabilities: []mesos.FrameworkInfo_Capability{{Type: mesos.FrameworkInfo_Capability_MULTI_ROLE}},
		}},
	}
}
