package scheduler_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// inRacks returns a cluster with so many agents in rack r0, and one in each of r1 and r2.
func inRacks(seed uint64, inR0 int, other string) mesostest.Config {
	c := mesostest.Config{Seed: seed}
	for range inR0 {
		c.Agents = append(c.Agents, mesostest.Agent{Attributes: "rack:r0", Resources: "cpus:8;mem:8192;disk:1000"})
	}
	for _, rack := range []string{"r1", "r2"} {
		c.Agents = append(c.Agents, mesostest.Agent{Hostname: rack, Attributes: "rack:" + rack, Resources: other})
	}
	return c
}

// inGroup returns a task with these constraints.
func inGroup(id string, constraints ...string) task.Spec {
	s := sleeper(id)
	for _, text := range constraints {
		c, err := task.ParseConstraint(text, " ")
		if err != nil {
			panic(err)
		}
		s.Constraints = append(s.Constraints, c)
	}
	return s
}

// submitSpread submits n tasks with these constraints.
func (h *harness) submitSpread(ctx context.Context, n int, constraints ...string) {
	for i := range n {
		require.NoError(h, h.sched.Submit(ctx, inGroup(fmt.Sprint("t", i), constraints...)))
	}
}

// onRacks returns how many tasks of the scheduler are on each rack.
func (h *harness) onRacks(ctx context.Context) map[string]int {
	synctest.Wait()
	racks := map[string]string{}
	agents, err := h.sched.Agents(ctx)
	require.NoError(h, err)
	for _, a := range agents {
		for _, attribute := range a.Agent.Attributes {
			if attribute.Name == "rack" {
				racks[a.Agent.ID] = attribute.Text.Value
			}
		}
	}
	tasks, err := h.sched.Tasks(ctx)
	require.NoError(h, err)
	counts := map[string]int{}
	for _, info := range tasks {
		if info.State != task.StatePending {
			counts[racks[info.AgentID]]++
		}
	}
	return counts
}

// Of many agents only ten are at hand, mostly of one rack. Tasks with GROUP_BY wait for the others, which are offered
// again at once.
func TestGroupByWithHeldOffers(t *testing.T) {
	for seed := range uint64(8) {
		for _, hold := range []time.Duration{0, time.Minute} {
			config := scheduler.Config{Offers: scheduler.OfferPolicy{Hold: hold}}
			withHarness(t, inRacks(seed, 58, "cpus:8;mem:8192;disk:1000"), config, func(ctx context.Context, h *harness) {
				h.at(10 * time.Second)
				h.submitSpread(ctx, 9, "rack GROUP_BY")
				h.at(10*time.Second + 200*time.Millisecond)
				require.Equal(h, map[string]int{"r0": 3, "r1": 3, "r2": 3}, h.onRacks(ctx), "seed %d, Hold %v", seed, hold)
			})
		}
	}
}

// The same with tasks that come one after the other.
func TestGroupByWithHeldOffersOneByOne(t *testing.T) {
	for seed := range uint64(4) {
		config := scheduler.Config{Offers: scheduler.OfferPolicy{Hold: time.Minute}}
		withHarness(t, inRacks(seed, 58, "cpus:8;mem:8192;disk:1000"), config, func(ctx context.Context, h *harness) {
			h.at(10 * time.Second)
			for i := range 9 {
				_, err := h.sched.Launch(ctx, inGroup(fmt.Sprint("t", i), "rack GROUP_BY"))
				require.NoError(h, err)
			}
			require.Equal(h, map[string]int{"r0": 3, "r1": 3, "r2": 3}, h.onRacks(ctx), "seed %d", seed)
			require.Less(h, time.Since(h.began), 15*time.Second)
		})
	}
}

// The master was asked for offers while those of r1 and r2 were at hand, which it did not make again. That was not the chance of
// these racks: they are waited for when their offers were declined.
func TestGroupByWhenOffersWereAskedForWhileARackWasAtHand(t *testing.T) {
	for seed := range uint64(8) {
		cluster := inRacks(seed, 17, "cpus:8;mem:8192;disk:1000")
		cluster.Agents = append(cluster.Agents, mesostest.Agent{Hostname: "big", Attributes: "rack:r0", Resources: "cpus:64;mem:8192;disk:1000"})
		config := scheduler.Config{Offers: scheduler.OfferPolicy{Hold: 3 * time.Minute, Refuse: time.Minute}}
		withHarness(t, cluster, config, func(ctx context.Context, h *harness) {
			for i := range 2 {
				h.at(time.Duration(10+2*i) * time.Second)
				s := inGroup(fmt.Sprint("big", i), "hostname IS big")
				s.Group, s.CPUs = "other", 32
				require.NoError(h, h.sched.Submit(ctx, s))
			}
			h.at(17 * time.Second)
			h.submitSpread(ctx, 9, "rack GROUP_BY")
			h.at(18 * time.Second)
			require.Equal(h, map[string]int{"r0": 5, "r1": 3, "r2": 3}, h.onRacks(ctx), "seed %d", seed)
		})
	}
}

// Racks whose agents are too small are not waited for.
func TestGroupByWithHeldOffersAndSmallRacks(t *testing.T) {
	config := scheduler.Config{Offers: scheduler.OfferPolicy{Hold: time.Minute}}
	withHarness(t, inRacks(1, 58, "cpus:0.5;mem:8192;disk:1000"), config, func(ctx context.Context, h *harness) {
		h.at(10 * time.Second)
		h.submitSpread(ctx, 9, "rack GROUP_BY")
		h.at(10*time.Second + 200*time.Millisecond)
		require.Equal(h, map[string]int{"r0": 9}, h.onRacks(ctx))
	})
}

// Another framework has taken all of a rack since it was offered to us: the tasks wait for three seconds, and Explain says
// for what. Then they run elsewhere.
func TestGroupByWhenAnotherFrameworkTookARack(t *testing.T) {
	config := scheduler.Config{Offers: scheduler.OfferPolicy{Hold: time.Minute}}
	withHarness(t, inRacks(3, 58, "cpus:8;mem:8192;disk:1000"), config, func(ctx context.Context, h *harness) {
		other, err := scheduler.New(scheduler.Config{Master: address, Framework: scheduler.Framework{Name: "other"}, DialContext: h.dial})
		require.NoError(h, err)
		go func() { _ = other.Run(ctx) }()
		h.at(10 * time.Second)
		for _, host := range []string{"r1", "r2"} {
			s := inGroup("other-"+host, "hostname IS "+host)
			s.CPUs, s.Mem = 8, 8192
			_, err = other.Launch(ctx, s)
			require.NoError(h, err)
		}
		require.Less(h, time.Since(h.began), 11*time.Second, "neither rack is among what is held")
		h.at(20 * time.Second)
		revives := h.master.Snapshot().Calls[mesos.Call_REVIVE]
		h.submitSpread(ctx, 9, "rack GROUP_BY")
		h.at(20*time.Second + 10*time.Millisecond)
		require.Equal(h, map[string]int{"r0": 1}, h.onRacks(ctx))
		require.Equal(h, revives+1, h.master.Snapshot().Calls[mesos.Call_REVIVE])
		x, err := h.sched.Explain(ctx, "t5")
		require.NoError(h, err)
		require.Contains(h, x.String(), "waiting for an offer of r1")
		h.at(23*time.Second - 1)
		require.Equal(h, map[string]int{"r0": 1}, h.onRacks(ctx))
		h.at(23*time.Second + 20*time.Millisecond)
		require.Equal(h, map[string]int{"r0": 9}, h.onRacks(ctx))

		// Now it is known: the next tasks do not wait.
		require.NoError(h, h.sched.Submit(ctx, inGroup("later", "rack GROUP_BY")))
		h.at(24 * time.Second)
		require.Equal(h, map[string]int{"r0": 10}, h.onRacks(ctx))

		// When the other framework is done the rack counts again.
		_, err = other.Kill(ctx, "other-r1")
		require.NoError(h, err)
		h.at(90 * time.Second)
		for i := range 3 {
			require.NoError(h, h.sched.Submit(ctx, inGroup(fmt.Sprint("last", i), "rack GROUP_BY")))
		}
		h.at(95 * time.Second)
		require.Equal(h, map[string]int{"r0": 10, "r1": 3}, h.onRacks(ctx))
	})
}

// A rack that is full of our own tasks is not waited for: what was launched on it is known.
func TestGroupByWhenARackIsFullOfOurTasks(t *testing.T) {
	config := scheduler.Config{Offers: scheduler.OfferPolicy{Hold: time.Minute}}
	withHarness(t, inRacks(1, 20, "cpus:2;mem:8192;disk:1000"), config, func(ctx context.Context, h *harness) {
		h.at(10 * time.Second)
		h.submitSpread(ctx, 12, "rack GROUP_BY")
		h.at(10*time.Second + 200*time.Millisecond)
		require.Equal(h, map[string]int{"r0": 8, "r1": 2, "r2": 2}, h.onRacks(ctx))
		require.NoError(h, h.sched.Submit(ctx, inGroup("later", "rack GROUP_BY")))
		h.at(10*time.Second + 400*time.Millisecond)
		require.Equal(h, map[string]int{"r0": 9, "r1": 2, "r2": 2}, h.onRacks(ctx))
	})
}

// Offers are refused for a short time only, the master cannot filter them, and most agents are excluded.
func TestGroupByAmongFewAgentsOfMany(t *testing.T) {
	cluster := mesostest.Config{Version: "1.10.0"}
	for i := range 22 {
		dc := "west"
		if i%11 == 0 {
			dc = "east"
		}
		cluster.Agents = append(cluster.Agents, mesostest.Agent{Attributes: fmt.Sprintf("dc:%s;rack:r%d", dc, i)})
	}
	withHarness(t, cluster, scheduler.Config{Offers: scheduler.OfferPolicy{Refuse: 5 * time.Second}}, func(ctx context.Context, h *harness) {
		h.at(10 * time.Second)
		h.submitSpread(ctx, 6, "dc IS east", "rack GROUP_BY")
		h.at(11 * time.Second)
		require.Equal(h, map[string]int{"r0": 3, "r11": 3}, h.onRacks(ctx))
	})
}
