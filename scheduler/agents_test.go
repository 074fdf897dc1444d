package scheduler_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

// Agents tells what was offered last and what is taken, and forgets after a while.
func TestAgents(t *testing.T) {
	cluster := mesostest.Config{Agents: []mesostest.Agent{
		{Resources: "cpus:4;mem:1000;disk:100;gpus:0;ports:[31000-31009];bandwidth:10", Attributes: "rack:r1", Domain: "eu/eu-1"}, {Resources: "cpus:1;mem:500;disk:10;ports:[1-3]"},
	}}
	policy := scheduler.OfferPolicy{StatsTTL: time.Minute}
	inWorld(t, cluster, scheduler.Config{Offers: policy}, func(ctx context.Context, w *world) {
		w.at(time.Second)
		all, err := w.sched.Agents(ctx)
		require.NoError(w, err)
		require.Empty(w, all, "nothing is pending, so nothing is offered")

		spec := sleeper("a")
		spec.CPUs, spec.Mem, spec.Ports, spec.Scalars = 0.1, 600, make([]task.Port, 2), map[string]float64{"bandwidth": 0.3}
		_, err = w.sched.Launch(ctx, spec)
		require.NoError(w, err)
		launched := time.Now()
		all, err = w.sched.Agents(ctx)
		require.NoError(w, err)
		require.Len(w, all, 2)
		first := all[0]
		require.Equal(w, "agent1.example", first.Agent.Hostname)
		require.Equal(w, [2]string{"eu", "eu-1"}, [2]string{first.Agent.Region, first.Agent.Zone})
		require.Equal(w, "r1", first.Agent.Attributes[0].Text.Value)
		require.Equal(w, []string{"*"}, first.Roles)
		require.Equal(w, scheduler.Amounts{CPUs: 4, Mem: 1000, Disk: 100, Ports: 10, Scalars: map[string]float64{"bandwidth": 10}}, first.Offered)
		require.Equal(w, 1, first.Tasks)
		require.Equal(w, scheduler.Amounts{CPUs: 0.1, Mem: 600, Ports: 2, Scalars: map[string]float64{"bandwidth": 0.3}}, first.Taken)
		require.Zero(w, all[1].Tasks)
		require.Equal(w, scheduler.Amounts{CPUs: 1, Mem: 500, Disk: 10, Ports: 3}, all[1].Offered)
		offered := all[1].OfferedAt
		require.LessOrEqual(w, launched.Sub(offered), time.Second)

		time.Sleep(time.Until(offered.Add(time.Minute - 1)))
		all, err = w.sched.Agents(ctx)
		require.NoError(w, err)
		require.Len(w, all, 2)
		time.Sleep(time.Nanosecond)
		all, err = w.sched.Agents(ctx)
		require.NoError(w, err)
		require.Len(w, all, 1)
		require.Equal(w, scheduler.AgentStats{Agent: first.Agent, Tasks: 1, Taken: first.Taken}, all[0])
	})
}

// noting is a matcher that remembers what it was told of the tasks that run.
type noting struct {
	mu      sync.Mutex
	running []task.Presence
	seeds   map[uint64]bool
}

func (n *noting) Match(c task.Cycle) ([]task.Placement, []task.Rejection) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.running = slices.Clone(c.Running)
	if n.seeds == nil {
		n.seeds = map[uint64]bool{}
	}
	n.seeds[c.Seed] = true
	return taskmatcher.FirstFit{}.Match(c)
}

func (n *noting) told() []task.Presence {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.running
}

// A matcher is told of the tasks that run, with what is known of their agents: of the groups that pending
// tasks are in.
func TestPresence(t *testing.T) {
	cluster := mesostest.Config{Agents: []mesostest.Agent{
		{Attributes: "rack:r1", Domain: "eu/eu-1", Resources: "cpus:2;mem:1000"}, {Attributes: "rack:r2;slots:[1-4]", Resources: "cpus:2;mem:2000"},
	}}
	matcher := &noting{}
	inWorld(t, cluster, scheduler.Config{Matcher: matcher}, func(ctx context.Context, w *world) {
		grouped := func(id, group string, cpus float64) task.Spec {
			spec := sleeper(id)
			spec.Group, spec.CPUs = group, cpus
			return spec
		}
		for _, spec := range []task.Spec{grouped("web1", "web", 1), grouped("web2", "web", 1), grouped("web3", "web", 1), grouped("db1", "db", 1)} {
			_, err := w.sched.Launch(ctx, spec)
			require.NoError(w, err)
		}
		require.NoError(w, w.sched.Submit(ctx, grouped("web4", "web", 4)))
		w.at(time.Minute)
		told := matcher.told()
		require.Len(w, told, 2, "and nothing of the other group")
		require.Equal(w, []string{"web", "web"}, []string{told[0].Group, told[1].Group})
		require.Equal(w, []int{2, 1}, []int{told[0].Tasks, told[1].Tasks})
		require.Equal(w, []string{"agent1.example", "agent2.example"}, []string{told[0].Agent.Hostname, told[1].Agent.Hostname})
		require.Equal(w, [2]string{"eu", "eu-1"}, [2]string{told[0].Agent.Region, told[0].Agent.Zone})
		require.Equal(w, "r2", told[1].Agent.Attributes[0].Text.Value)
		matcher.mu.Lock()
		require.Greater(w, len(matcher.seeds), 1, "each cycle has one of its own")
		matcher.mu.Unlock()
	})
}
