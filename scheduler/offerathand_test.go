package scheduler_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// Offers that no task takes can be looked at while they are at hand: what is offered, by whom, for whom, and since when.
func TestOffersAtHand(t *testing.T) {
	cluster := mesostest.Config{Agents: []mesostest.Agent{
		{Hostname: "h1", Resources: "cpus:2;mem:1024;disk:0;ports:[31000-31009];licences:3"}, {Hostname: "h2", Resources: "cpus:1;mem:512;disk:100;ports:[1-1]"},
	}}
	config := scheduler.Config{Offers: scheduler.OfferPolicy{Hold: time.Minute}}
	withHarness(t, cluster, config, func(ctx context.Context, h *harness) {
		h.at(3 * time.Second)
		offers, err := h.sched.Offers(ctx)
		require.NoError(h, err)
		require.Len(h, offers, 2)
		for i := range offers {
			require.NotEmpty(h, offers[i].ID)
			require.Equal(h, "*", offers[i].Role)
		}
		require.Equal(h, []string{"h1", "h2"}, []string{offers[0].Agent.Hostname, offers[1].Agent.Hostname}, "ordered by agent")
		require.Equal(h, scheduler.Amounts{CPUs: 2, Mem: 1024, Disk: 10000, Ports: 10, Scalars: map[string]float64{"licences": 3}}, offers[0].Resources)
		require.Equal(h, scheduler.Amounts{CPUs: 1, Mem: 512, Disk: 100, Ports: 1}, offers[1].Resources)
		require.Equal(h, h.began.UTC(), offers[0].Since.UTC())
		require.Equal(h, h.began.UTC(), offers[1].Since.UTC())
		require.True(h, h.master.LoseAgent("h2"))
		h.at(4 * time.Second)
		offers, err = h.sched.Offers(ctx)
		require.NoError(h, err)
		require.Len(h, offers, 1)
		h.at(2 * time.Minute)
		offers, err = h.sched.Offers(ctx)
		require.NoError(h, err)
		require.NotNil(h, offers)
	})
}
