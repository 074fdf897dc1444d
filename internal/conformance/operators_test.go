package conformance

import (
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

const operator need = "needs an operator who drains agents and plans maintenance"

func meetingOperators() []behaviour {
	one := mesostest.Config{Agents: []mesostest.Agent{{}}}
	const host = "agent1.example"
	draining := document("maintenance", "Automatic Node Draining")
	primitives := document("maintenance", "How does it work?")
	return []behaviour{
		{
			name:    "a task on an agent that is drained is killed, and can be launched again",
			sources: []source{draining, recording("drain_agent")},
			needs:   operator, cluster: one,
			run: func(w *world) {
				w.launch(sleeper("a"))
				require.NoError(w, w.fake.DrainAgent(host, -1, false))
				over := w.untilOver("a")
				require.Equal(w, task.StateKilled, over.State)
				require.Equal(w, mesos.REASON_AGENT_DRAINING, over.Status.GetReason())
				require.True(w, (&scheduler.TaskError{Task: over}).Retryable())
				w.acknowledged("a")
			},
		},
		{
			name:    "a task on an agent that is drained for good is gone by operator",
			sources: []source{draining, recording("drain_agent")},
			needs:   operator, cluster: one,
			run: func(w *world) {
				w.launch(sleeper("a"))
				require.NoError(w, w.fake.DrainAgent(host, -1, true))
				require.Equal(w, task.StateGoneByOperator, w.untilOver("a").State)
			},
		},
		{
			name:    "a task on an agent that was marked gone is gone by operator",
			sources: []source{document("high-availability-framework-guide", "Dealing with Partitioned or Failed Agents"), recording("mark_agent_gone")},
			needs:   operator, cluster: one,
			run: func(w *world) {
				w.launch(sleeper("a"))
				require.NoError(w, w.fake.MarkAgentGone(host))
				over := w.untilOver("a")
				require.Equal(w, task.StateGoneByOperator, over.State)
				require.True(w, (&scheduler.TaskError{Task: over}).Retryable())
			},
		},
		{
			name:    "an unreachable task whose agent is marked gone is gone by operator",
			sources: []source{document("high-availability-framework-guide", "Dealing with Partitioned or Failed Agents"), recording("mark_agent_gone")},
			needs:   operator, cluster: one,
			run: func(w *world) {
				w.launch(sleeper("a"))
				w.fake.LoseAgent(host)
				w.untilState("a", task.StateUnreachable)
				require.NoError(w, w.fake.MarkAgentGone(host))
				require.Equal(w, task.StateGoneByOperator, w.untilOver("a").State)
			},
		},
		{
			name:    "tasks wait while their only agent is deactivated, and those there run on",
			sources: []source{document("maintenance", "Deactivating an Agent"), recording("deactivate_agent")},
			needs:   operator, cluster: one,
			run: func(w *world) {
				w.launch(sleeper("a"))
				require.NoError(w, w.fake.DeactivateAgent(host))
				w.submit(sleeper("b"))
				w.calm()
				require.Equal(w, task.StatePending, w.task("b").State)
				require.Equal(w, task.StateRunning, w.task("a").State)
				require.NoError(w, w.fake.ReactivateAgent(host))
				w.untilState("b", task.StateRunning)
			},
		},
		{
			name:    "a scheduled maintenance is reported, and declined while something runs on the agent",
			sources: []source{primitives, recording("maintenance")},
			needs:   operator, cluster: one,
			run: func(w *world) {
				w.launch(sleeper("a"))
				require.NoError(w, w.fake.UpdateMaintenanceSchedule(mesostest.Window{
					Hostnames: []string{host}, Start: time.Now().Add(time.Hour), Duration: time.Hour,
				}))
				w.untilMade(calls.Call_DECLINE_INVERSE_OFFERS, 1)
				var told scheduler.InverseOfferEvent
				w.until("it is told", func() bool {
					entries, _ := w.read()
					return slices.ContainsFunc(entries, func(e entry) (ok bool) { told, ok = e.told.(scheduler.InverseOfferEvent); return ok })
				})
				require.False(w, told.Accepted)
				require.Equal(w, []string{"a"}, told.Offer.Tasks)
				require.Equal(w, time.Hour, told.Offer.Duration)
			},
		},
		{
			name:    "a task on a machine that goes down for maintenance is lost",
			sources: []source{document("maintenance", "Starting maintenance"), recording("maintenance")},
			needs:   operator, cluster: one,
			run: func(w *world) {
				w.launch(sleeper("a"))
				require.NoError(w, w.fake.UpdateMaintenanceSchedule(mesostest.Window{Hostnames: []string{host}, Start: time.Now().Add(time.Hour)}))
				require.NoError(w, w.fake.StartMaintenance(host))
				require.Equal(w, task.StateLost, w.untilOver("a").State)
			},
		},
		{
			name:    "a service avoids an agent with planned maintenance, a task that ends before does not",
			sources: []source{primitives, recording("maintenance")},
			needs:   operator, cluster: mesostest.Config{Agents: []mesostest.Agent{{Resources: "cpus:4;mem:2048"}, {Resources: "cpus:4;mem:4096"}}},
			config: scheduler.Config{Offers: scheduler.OfferPolicy{AcceptInverse: func(scheduler.InverseOffer) bool { return false }}},
			run: func(w *world) {
				require.NoError(w, w.fake.UpdateMaintenanceSchedule(mesostest.Window{Hostnames: []string{host}, Start: time.Now().Add(time.Minute)}))
				require.NotEqual(w, host, w.launch(sleeper("service")).Hostname)
				job := sleeper("job")
				job.MaxCompletionTime = 20 * time.Second
				require.Equal(w, host, w.launch(job).Hostname)
			},
		},
	}
}
