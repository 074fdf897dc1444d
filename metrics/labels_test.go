package metrics_test

import (
	"slices"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/metrics"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// labels returns the values of a label of a metric, of a scheduler that has done nothing.
func labels(t *testing.T, metric, label string) (values []string) {
	registry := prometheus.NewRegistry()
	require.NoError(t, metrics.Register(registry, metrics.Sources{Scheduler: newScheduler(t, "one")}))
	families, err := registry.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() != metric {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == label && !slices.Contains(values, l.GetValue()) {
					values = append(values, l.GetValue())
				}
			}
		}
	}
	slices.Sort(values)
	return values
}

// Each type of event and call, and each state of a task, is there from the beginning.
func TestEachValueHasASample(t *testing.T) {
	var events, calls, states, ended []string
	for _, name := range mesos.Event_Type_name {
		events = append(events, name)
	}
	for kind, name := range mesos.Call_Type_name {
		if kind := mesos.Call_Type(kind); kind != mesos.Call_UNKNOWN && kind != mesos.Call_SUBSCRIBE {
			calls = append(calls, name)
		}
	}
	for state := task.StatePending; state <= task.StateUnknown; state++ {
		states = append(states, state.String())
		if state.Terminal() {
			ended = append(ended, state.String())
		}
	}
	require.ElementsMatch(t, events, labels(t, "mesos_actor_events_total", "type"))
	require.ElementsMatch(t, calls, labels(t, "mesos_actor_calls_total", "type"))
	require.ElementsMatch(t, states, labels(t, "mesos_actor_tasks", "state"))
	require.ElementsMatch(t, ended, labels(t, "mesos_actor_tasks_ended_total", "state"))
	require.Equal(t, []string{"accepted", "refused", "stale", "unclear", "unsent"}, labels(t, "mesos_actor_calls_total", "outcome"))
	require.Equal(t, []string{"accept", "place", "run", "store"}, labels(t, "mesos_actor_launch_phase_duration_seconds", "phase"))
}
