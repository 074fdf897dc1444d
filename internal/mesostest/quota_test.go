package mesostest

import (
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
)

// some of each resource.
type some = map[string]float64

// The operator acts at 0.1 s, while the first framework holds the agent.
func TestQuota(t *testing.T) {
	for _, test := range []struct {
		reason, role       string
		guarantees, limits some
		want               []string
	}{
		{"a limit", "test", nil, some{"cpus": 1.5, "mem": 512}, []string{"0.1 RESCIND", "1 OFFERS agent1.example=ports:[31000-31999]; cpus:1.5; mem:512; disk:10000"}},
		{"a limit of nothing", "test", nil, some{"cpus": 0}, []string{"0.1 RESCIND", "1 OFFERS agent1.example=ports:[31000-31999]; mem:4096; disk:10000"}},
		{"a limit that is kept", "test", nil, some{"cpus": 4}, nil},
		{"a limit for others", "other", nil, some{"cpus": 1}, nil},
		{"a guarantee for others is held back", "other", some{"cpus": 2}, some{"cpus": 2}, []string{"0.1 RESCIND", "1 OFFERS agent1.example=ports:[31000-31999]; cpus:2; mem:4096; disk:10000"}},
		{"a guarantee that is met", "test", some{"cpus": 2}, nil, nil},
		{"a guarantee that leaves too little", "other", some{"cpus": 4, "mem": 4096}, nil, []string{"0.1 RESCIND"}},
	} {
		t.Run(test.reason, func(t *testing.T) {
			inBubble(t, Config{Agents: oneAgent(), HeartbeatInterval: time.Hour}, func(c *cluster) {
				s := c.subscribe(frameworkInfo())
				c.at(100 * time.Millisecond)
				require.NoError(t, c.master.UpdateQuota(test.role, test.guarantees, test.limits))
				c.at(5 * time.Second)
				require.Equal(t, test.want, s.since(100*time.Millisecond))
				require.NoError(t, c.master.UpdateQuota(test.role, nil, nil))
				c.at(10 * time.Second)
				require.Equal(t, "{}", c.master.Snapshot().Agents[0].Free, "all is offered again")
			})
		})
	}
}

// No more offers are rescinded than it takes.
func TestQuotaRescindsNoMoreThanNeeded(t *testing.T) {
	for _, test := range []struct {
		reason, role       string
		guarantees, limits some
	}{
		{"a limit", "test", nil, some{"cpus": 4}},
		{"a guarantee", "other", some{"cpus": 4}, nil},
	} {
		t.Run(test.reason, func(t *testing.T) {
			inBubble(t, Config{Agents: make([]Agent, 3)}, func(c *cluster) {
				s := c.subscribe(frameworkInfo())
				others := c.subscribe(frameworkInfo("others"))
				for _, o := range s.offers()[:1] {
					s.decline(o, refuse(1e6))
				}
				c.at(time.Second)
				require.Len(t, others.offers(), 1)
				require.NoError(t, c.master.UpdateQuota(test.role, test.guarantees, test.limits))
				c.at(time.Second)
				require.Len(t, append(s.since(time.Second), others.since(time.Second)...), 1+1, "the offer to the others, and one RESCIND")
			})
		})
	}
}

// Guarantees are served before everybody else's turn, in as many offers as it takes, and no further.
func TestGuaranteesAreServedFirst(t *testing.T) {
	inBubble(t, Config{Agents: []Agent{{Resources: "cpus:2;mem:1024;disk:100;ports:[1-2]"}, {Resources: "cpus:2;mem:1024;disk:100;ports:[1-2]"}}}, func(c *cluster) {
		greedy := c.subscribe(frameworkInfo("greedy"))
		prod := c.subscribe(frameworkInfo("prod"))
		require.Len(t, greedy.offers(), 2)
		require.NoError(t, c.master.UpdateQuota("prod", some{"cpus": 3}, some{"cpus": 3, "mem": 1500}))
		c.at(time.Second)
		require.Len(t, prod.offers(), 2)
		var cpus, mem int64
		for _, o := range prod.offers() {
			rs := resources.New(o.Resources)
			cpus, mem = cpus+rs.Milli("cpus"), mem+rs.Milli("mem")
		}
		require.EqualValues(t, 3000, cpus)
		require.EqualValues(t, 1500_000, mem)
		left := resources.New(greedy.offers()[2].Resources)
		require.Len(t, greedy.offers(), 3)
		require.EqualValues(t, 1000, left.Milli("cpus"))
		require.EqualValues(t, 548_000, left.Milli("mem"))
	})
}

// What a role uses and what is reserved for it counts, also below it.
func TestConsumption(t *testing.T) {
	agents := []Agent{{Resources: "cpus:4;mem:4096;disk:10000;ports:[31000-31999];cpus(test/x):1"}}
	inBubble(t, Config{Agents: agents}, func(c *cluster) {
		s := launchedGroup(c, frameworkInfo("test/y"), "sleep 600", "sleep 600")
		requireRefused(t, 400, "Invalid QuotaConfig: Role 'test' is already consuming 'cpus:1.3; disk:10; mem:96'; this is more than the requested"+
			" limits 'cpus:1' (use 'force' flag to bypass this check)", c.master.UpdateQuota("test", nil, some{"cpus": 1}))
		requireRefused(t, 400, "Invalid QuotaConfig: total quota guarantees 'cpus:6' exceed cluster capacity 'cpus:5; disk:10000; mem:4096'"+
			" (use 'force' flag to bypass this check)", c.master.UpdateQuota("other", some{"cpus": 6}, nil))
		require.NoError(t, c.master.UpdateQuota("test", nil, some{"cpus": 1.3}))
		c.at(5 * time.Second)
		require.Empty(t, s.offers()[1:])
	})
}

// With twice the weight a role gets twice as many of six agents.
func TestWeights(t *testing.T) {
	inBubble(t, Config{Agents: make([]Agent, 6)}, func(c *cluster) {
		light := c.subscribe(frameworkInfo("light"))
		heavy := c.subscribe(frameworkInfo("heavy"))
		require.Len(t, light.offers(), 6)
		c.master.must(func() {
			require.NoError(t, c.master.updateWeights([]mesos.WeightInfo{{Role: ptr("unknown"), Weight: 5}}))
		})
		c.at(time.Second)
		require.Len(t, light.log(), 3, "nobody has that role")
		c.master.must(func() {
			require.NoError(t, c.master.updateWeights([]mesos.WeightInfo{{Role: ptr("heavy"), Weight: 2}}))
		})
		c.at(2 * time.Second)
		require.Len(t, heavy.offers(), 4)
		require.Len(t, light.offers(), 6+2)
	})
}
