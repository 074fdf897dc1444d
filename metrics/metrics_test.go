package metrics_test

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/metrics"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// elector is an elector whose status is always the same.
type elector struct{ status ha.Status }

func (e elector) Run(context.Context, func(context.Context, scheduler.Term) error) error {
	return errors.New("not to be run")
}
func (e elector) Status() ha.Status                         { return e.status }
func (e elector) Watch(context.Context) iter.Seq[ha.Status] { return func(func(ha.Status) bool) {} }

func newScheduler(t testing.TB, name string) *scheduler.Scheduler {
	s, err := scheduler.New(scheduler.Config{
		Master: "127.0.0.1:5050", Framework: scheduler.Framework{Name: name}, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	return s
}

func TestNamesFollowPrometheus(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	require.NoError(t, metrics.Register(registry, metrics.Sources{Scheduler: newScheduler(t, "one"), Elector: elector{}}))
	problems, err := testutil.GatherAndLint(registry)
	require.NoError(t, err)
	require.Empty(t, problems)
}

func TestTwoFrameworksInOneProcess(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	one := metrics.NewCollector(metrics.Sources{Scheduler: newScheduler(t, "one")})
	require.NoError(t, registry.Register(one))
	require.NoError(t, metrics.Register(registry, metrics.Sources{Scheduler: newScheduler(t, "two")}))
	again := metrics.Register(registry, metrics.Sources{Scheduler: newScheduler(t, "one")})
	require.ErrorAs(t, again, &prometheus.AlreadyRegisteredError{})
	require.NoError(t, metrics.Register(registry, metrics.Sources{Scheduler: newScheduler(t, "one"), Framework: "another"}))
	const running = `# HELP mesos_actor_running 1 while the scheduler of this process runs the framework: on the leader, if there is an election.
# TYPE mesos_actor_running gauge
mesos_actor_running{framework="another"} 0
mesos_actor_running{framework="one"} 0
mesos_actor_running{framework="two"} 0
`
	require.NoError(t, testutil.GatherAndCompare(registry, strings.NewReader(running), "mesos_actor_running"))
	require.True(t, registry.Unregister(one))
	require.Error(t, testutil.GatherAndCompare(registry, strings.NewReader(running), "mesos_actor_running"), "a control")
}

func TestNothingToRegister(t *testing.T) {
	require.Error(t, metrics.Register(prometheus.NewRegistry(), metrics.Sources{Framework: "one"}))
}
