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

// Agents returns what was offered last and what is taken. What was offered is forgotten after a while.
func TestAgents(t *testing.T) {
	cluster := mesostest.Config{Agents: []mesostest.Agent{
		{Resources: "cpus:4;mem:1000;disk:100;gpus:0;ports:[31000-31009];bandwidth:10", Attributes: "rack:r1", Domain: "eu/eu-1"}, {Resources: "cpus:1;mem:500;disk:10;ports:[1-3]"},
	}}
	policy := scheduler.OfferPolicy{StatsTTL: time.Minute}
	withHarness(t, cluster, scheduler.Config{Offers: policy}, func(ctx context.Context, h *harness) {
		h.at(time.Second)
		all, err := h.sched.Agents(ctx)
		require.NoError(h, err)
		require.Empty(h, all, "nothing is pending, so nothing is offered")

		spec := sleeper("a")
		spec.CPUs, spec.Mem, spec.Ports, spec.Scalars = 0.1, 600, make([]task.Port, 2), map[string]float64{"bandwidth": 0.3}
		_, err = h.sched.Launch(ctx, spec)
		require.NoError(h, err)
		launched := time.Now()
		all, err = h.sched.Agents(ctx)
		require.NoError(h, err)
		require.Len(h, all, 2)
		first := all[0]
		require.Equal(h, "agent1.example", first.Agent.Hostname)
		require.Equal(h, [2]string{"eu", "eu-1"}, [2]string{first.Agent.Region, first.Agent.Zone})
		require.Equal(h, "r1", first.Agent.Attributes[0].Text.Value)
		require.Equal(h, []string{"*"}, first.Roles)
		require.Equal(h, scheduler.Amounts{CPUs: 4, Mem: 1000, Disk: 100, Ports: 10, Scalars: map[string]float64{"bandwidth": 10}}, first.Offered)
		require.Equal(h, scheduler.Amounts{CPUs: 3.9, Mem: 400, Disk: 100, Ports: 8, Scalars: map[string]float64{"bandwidth": 9.7}}, first.Free)
		require.Equal(h, 1, first.Tasks)
		require.Equal(h, scheduler.Amounts{CPUs: 0.1, Mem: 600, Ports: 2, Scalars: map[string]float64{"bandwidth": 0.3}}, first.Taken)
		require.Zero(h, all[1].Tasks)
		require.Equal(h, scheduler.Amounts{CPUs: 1, Mem: 500, Disk: 10, Ports: 3}, all[1].Offered)
		require.Equal(h, all[1].Offered, all[1].Free)
		offered := all[1].OfferedAt
		require.LessOrEqual(h, launched.Sub(offered), time.Second)

		time.Sleep(time.Until(offered.Add(time.Minute - 1)))
		all, err = h.sched.Agents(ctx)
		require.NoError(h, err)
		require.Len(h, all, 2)
		time.Sleep(time.Nanosecond)
		all, err = h.sched.Agents(ctx)
		require.NoError(h, err)
		require.Len(h, all, 1)
		require.Equal(h, scheduler.AgentStats{Agent: first.Agent, Tasks: 1, Taken: first.Taken}, all[0])
	})
}

// noting is a matcher that records the running tasks that it gets.
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

func (n *noting) presence() []task.Presence {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.running
}

// A matcher gets the running tasks of those groups that have pending tasks, with what is known of their agents.
func TestPresence(t *testing.T) {
	cluster := mesostest.Config{Agents: []mesostest.Agent{
		{Attributes: "rack:r1", Domain: "eu/eu-1", Resources: "cpus:2;mem:1000"}, {Attributes: "rack:r2;slots:[1-4]", Resources: "cpus:2;mem:2000"},
	}}
	matcher := &noting{}
	withHarness(t, cluster, scheduler.Config{Matcher: matcher}, func(ctx context.Context, h *harness) {
		grouped := func(id, group string, cpus float64) task.Spec {
			spec := sleeper(id)
			spec.Group, spec.CPUs = group, cpus
			return spec
		}
		for _, spec := range []task.Spec{grouped("web1", "web", 1), grouped("web2", "web", 1), grouped("web3", "web", 1), grouped("db1", "db", 1)} {
			_, err := h.sched.Launch(ctx, spec)
			require.NoError(h, err)
		}
		require.NoError(h, h.sched.Submit(ctx, grouped("web4", "web", 4)))
		h.at(time.Minute)
		presence := matcher.presence()
		require.Len(h, presence, 2, "and nothing of the other group")
		require.Equal(h, []string{"web", "web"}, []string{presence[0].Group, presence[1].Group})
		require.Equal(h, []int{2, 1}, []int{presence[0].Tasks, presence[1].Tasks})
		require.Equal(h, []string{"agent1.example", "agent2.example"}, []string{presence[0].Agent.Hostname, presence[1].Agent.Hostname})
		require.Equal(h, [2]string{"eu", "eu-1"}, [2]string{presence[0].Agent.Region, presence[0].Agent.Zone})
		require.Equal(h, "r2", presence[1].Agent.Attributes[0].Text.Value)
		matcher.mu.Lock()
		require.Greater(h, len(matcher.seeds), 1, "each cycle has one of its own")
		matcher.mu.Unlock()
	})
}
