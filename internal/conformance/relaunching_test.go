package conformance

import (
	"slices"
	"sync/atomic"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

func relaunching() []behaviour {
	life := document("high-availability-framework-guide", "The Life Cycle of a Task")
	hasty := scheduler.Config{LaunchTimeout: 2 * time.Second, MaxLaunches: 2}
	return []behaviour{
		{
			name:    "an offer whose launch was lost is not kept",
			sources: []source{life, document("scheduler-http-api", "Overview")},
			config:  hasty, cluster: mesostest.Config{Agents: []mesostest.Agent{{}}},
			run: func(w *world) {
				w.untilConnected(1)
				w.wire.once(calls.Call_ACCEPT, swallow)
				w.launch(sleeper("a"))
				require.Equal(w, 2, w.launchesOf("a"))
				w.nothingHeld()
			},
		},
		{
			name:    "a launch without an update is reconciled, and made again under the same ID when the master does not know it",
			sources: []source{life, document("high-availability-framework-guide", "Mesos Architecture"), recording("reconcile_staging")},
			config:  hasty,
			run: func(w *world) {
				w.untilConnected(1)
				w.loseLaunches(1)
				w.launch(sleeper("a"))
				require.Contains(w, asked(w.made(calls.Call_RECONCILE)[0]), "a")
				require.Equal(w, 2, w.launchesOf("a"))
			},
		},
		{
			name:    "a launch that is lost again and again fails with a retryable error",
			sources: []source{life, document("task-state-reasons", "REASON_RECONCILIATION")},
			config:  hasty,
			run: func(w *world) {
				w.untilConnected(1)
				w.loseLaunches(-1)
				_, err := w.sched.Launch(w.ctx, sleeper("a"))
				var failed *scheduler.TaskError
				require.ErrorAs(w, err, &failed)
				require.Error(w, failed.Err)
				require.True(w, failed.Retryable())
				require.Equal(w, 2, w.launchesOf("a"))
			},
		},
		{
			name:    "a launch that is only slow is not made again",
			sources: []source{life, recording("reconcile_staging")},
			config:  hasty,
			run: func(w *world) {
				w.untilConnected(1)
				var wanted atomic.Int32
				w.wire.calls(func(c *calls.Call) verdict {
					if c.Type == calls.Call_RECONCILE {
						wanted.Add(1)
					}
					return pass
				})
				w.wire.events(func(e *calls.Event) []*calls.Event {
					if u := e.GetUpdate(); u != nil && len(u.Status.UUID) > 0 && wanted.Load() < 1 {
						return nil // it is sent again, as it was not acknowledged
					}
					return []*calls.Event{e}
				})
				w.launch(sleeper("a"))
				require.Equal(w, 1, w.launchesOf("a"))
			},
		},
		{
			name:    "a launch whose ACCEPT was cut off is reconciled soon",
			sources: []source{life, document("high-availability-framework-guide", "Mesos Architecture")},
			run: func(w *world) {
				w.untilConnected(1)
				w.wire.once(calls.Call_ACCEPT, cut)
				w.launch(sleeper("a"))
				require.Equal(w, 2, w.launchesOf("a"))
			},
		},
		{
			name:    "a launch that was lost with its stream is made again after the next subscription",
			sources: []source{document("reconciliation", "When To Reconcile"), life},
			run: func(w *world) {
				w.untilConnected(1)
				w.wire.calls(func(c *calls.Call) verdict {
					if c.Type == calls.Call_ACCEPT && len(w.made(calls.Call_SUBSCRIBE)) == 1 {
						w.wire.cut()
						return swallow
					}
					return pass
				})
				w.launch(sleeper("a"))
				require.Equal(w, 2, w.launchesOf("a"))
			},
		},
		{
			name:    "a task that was dropped before it ran is pending again",
			sources: []source{document("high-availability-framework-guide", "Dealing with Partitioned or Failed Agents"), recording("accept_invalid_offers")},
			run: func(w *world) {
				w.untilConnected(1)
				w.loseLaunches(1)
				w.running.Go(func() {
					launch := w.untilMade(calls.Call_ACCEPT, 1)
					e := masterStatus("a", launches(launch)[0].AgentID.Value, task.StateDropped)
					e.Update.Status.Reason = mesos.REASON_AGENT_DISCONNECTED.Enum()
					w.wire.inject(e)
				})
				w.launch(sleeper("a"))
				require.Equal(w, 2, w.launchesOf("a"))
				require.False(w, slices.Contains(w.states("a"), task.StateDropped), "nobody is told that it failed")
			},
		},
	}
}
