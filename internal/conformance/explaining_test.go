package conformance

import (
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

func explaining() []behaviour {
	offer := document("scheduler-http-api", "OFFERS")
	return []behaviour{
		{
			name:    "a task that nothing fits can be explained: what is short, where, and by how much",
			sources: []source{offer, document("attributes-resources", "")},
			run: func(w *world) {
				spec := oversized("a")
				spec.CPUs, spec.Mem = 0.01, 1e9
				w.submit(spec)
				w.until("offers were looked at", func() bool { return w.explain("a").Cycles > 0 })
				e := w.explain("a")
				require.True(w, e.Subscribed)
				found, _ := e.Widest()
				at := slices.IndexFunc(found.Reasons, func(r task.Reason) bool { return r.Kind == task.ReasonShortage && r.Resource == "mem" })
				require.GreaterOrEqual(w, at, 0, e.String())
				short := found.Reasons[at]
				require.Positive(w, short.Agents)
				require.LessOrEqual(w, short.Agents, found.Offers)
				require.InDelta(w, 1e9, short.Short, 1e8)
				require.NotEmpty(w, short.Hostname)

				w.launch(sleeper("b"))
				require.Equal(w, task.StateRunning, w.explain("b").Task.State)
				require.Empty(w, w.explain("b").Findings)
			},
		},
		{
			name:    "a task without a place in the given number of offer cycles fails with a retryable error, and others run",
			sources: []source{offer, document("scheduler-http-api", "DECLINE")},
			config:  scheduler.Config{Offers: scheduler.OfferPolicy{MaxCycles: 2, Refuse: time.Second}},
			run: func(w *world) {
				capacity := w.launchInVain(oversized("a"))
				require.Equal(w, 2, capacity.Cycles)
				require.NotEmpty(w, capacity.Rejection.Reasons)
				require.Equal(w, task.StateRunning, w.launch(sleeper("b")).State)
				w.nothingHeld()
			},
		},
		{
			name:    "a task that is pending for too long fails, whatever is offered",
			sources: []source{offer},
			config:  scheduler.Config{Offers: scheduler.OfferPolicy{MaxWait: 2 * time.Second}},
			run: func(w *world) {
				capacity := w.launchInVain(oversized("a"))
				require.GreaterOrEqual(w, capacity.Waited, 2*time.Second)
				require.Less(w, capacity.Waited, 4*time.Second)
				w.untilState("a", task.StateFailed)
				require.Equal(w, []task.State{task.StatePending, task.StateFailed}, w.states("a"))
			},
		},
		{
			name:    "Agents returns what each agent offered last, and what the tasks there use",
			sources: []source{offer, document("attributes-resources", "")},
			run: func(w *world) {
				info := w.launch(sleeper("a"))
				all, err := w.sched.Agents(w.ctx)
				require.NoError(w, err)
				at := slices.IndexFunc(all, func(a scheduler.AgentStats) bool { return a.Agent.ID == info.AgentID })
				require.GreaterOrEqual(w, at, 0)
				agent := all[at]
				require.Equal(w, info.Hostname, agent.Agent.Hostname)
				require.GreaterOrEqual(w, agent.Offered.CPUs, info.Spec.CPUs)
				require.GreaterOrEqual(w, agent.Offered.Mem, info.Spec.Mem)
				require.NotEmpty(w, agent.Roles)
				require.Equal(w, 1, agent.Tasks)
				require.Equal(w, scheduler.Amounts{CPUs: info.Spec.CPUs, Mem: info.Spec.Mem}, agent.Taken)
			},
		},
		{
			name:    "no two tasks of a group are on one host, if a constraint says so, also when one was launched by another process",
			sources: []source{document("high-availability-framework-guide", "Recommendations for Highly Available Frameworks")}, durable: true,
			config: scheduler.Config{Offers: scheduler.OfferPolicy{Refuse: time.Second}},
			run: func(w *world) {
				first := w.launch(alone("a0"))
				w.die()
				w.goOn(w.store.snapshot())
				taken := map[string]bool{first.Hostname: true}
				for _, id := range []string{"a1", "a2", "a3", "a4", "a5"} {
					w.submit(alone(id))
				}
				w.calmInOffers()
				all, err := w.sched.Tasks(w.ctx)
				require.NoError(w, err)
				for _, info := range all {
					if info.State == task.StatePending || info.Spec.ID == "a0" {
						continue
					}
					require.False(w, taken[info.Hostname], "%s is beside another one on %s", info.Spec.ID, info.Hostname)
					taken[info.Hostname] = true
				}
			},
		},
	}
}

// alone is a task whose constraint excludes other tasks of its group from its host.
func alone(id string) task.Spec {
	spec := sleeper(id)
	spec.Group, spec.Constraints = "group", []task.Constraint{{Attribute: task.AttributeHostname, Operator: task.OpUnique}}
	return spec
}

// explain returns why a task is not launched.
func (w *world) explain(id string) scheduler.Explanation {
	w.Helper()
	e, err := w.sched.Explain(w.ctx, id)
	require.NoError(w, err)
	return e
}

// launchInVain launches a task that fails for want of capacity, and returns its error.
func (w *world) launchInVain(spec task.Spec) *scheduler.CapacityError {
	w.Helper()
	w.untilConnected(1)
	done := w.background(func() error {
		_, err := w.sched.Launch(w.ctx, spec)
		return err
	})
	err := w.result(done)
	var failed *scheduler.TaskError
	require.ErrorAs(w, err, &failed)
	require.Equal(w, task.StateFailed, failed.Task.State)
	require.True(w, failed.Retryable())
	var capacity *scheduler.CapacityError
	require.ErrorAs(w, err, &capacity)
	return capacity
}
