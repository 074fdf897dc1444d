package controlapi_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/ha/electiontest"
	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// BenchmarkFollower measures what it takes to have a follower pass a call on, over loopback TCP, with two members and the client
// in one process. Calls to the leader and through the follower alternate, so that both see the same machine. The figures are
// medians.
func BenchmarkFollower(b *testing.B) {
	leader, follower := twoMembers(b)
	ctx := context.Background()
	_, err := leader.Launch(ctx, spec("web"))
	require.NoError(b, err)
	n := 0
	for _, call := range []struct {
		name string
		make func(c *controlapi.Client) error
	}{
		{"Task", func(c *controlapi.Client) error { _, err := c.Task(ctx, "web"); return err }},
		{"Explain", func(c *controlapi.Client) error { _, err := c.Explain(ctx, "web"); return err }},
		{"Submit", func(c *controlapi.Client) error {
			n++
			s := spec(fmt.Sprint("large-", n))
			s.CPUs = 1000 // it stays pending
			return c.Submit(ctx, s)
		}},
	} {
		b.Run(call.name, func(b *testing.B) {
			var took [2][]time.Duration
			for b.Loop() {
				for i, c := range []*controlapi.Client{leader, follower} {
					began := time.Now()
					require.NoError(b, call.make(c))
					took[i] = append(took[i], time.Since(began))
				}
			}
			p50 := func(all []time.Duration) float64 {
				slices.Sort(all)
				return float64(all[len(all)/2].Microseconds())
			}
			b.ReportMetric(p50(took[0]), "leader-µs")
			b.ReportMetric(p50(took[1]), "follower-µs")
			b.ReportMetric(p50(took[1])-p50(took[0]), "added-µs")
		})
	}
}

// twoMembers starts two members, and returns a client of the one that leads and of the other one.
func twoMembers(b *testing.B) (leader, follower *controlapi.Client) {
	cluster := mesosfake.Start(b, mesosfake.Config{})
	var listeners []net.Listener
	var api []string
	for range 2 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(b, err)
		listeners, api = append(listeners, l), append(api, l.Addr().String())
	}
	election := electiontest.New(electiontest.Config{Members: 2, API: api})
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	b.Cleanup(func() { stop(); running.Wait() })
	for i, l := range listeners {
		s, err := scheduler.New(scheduler.Config{
			Master: cluster.Master(), DialContext: cluster.DialContext, Framework: scheduler.Framework{Name: "shop"}, Logger: slog.New(slog.DiscardHandler),
		})
		require.NoError(b, err)
		server, err := controlapi.New(controlapi.Config{Framework: s, Elector: election.Member(i)})
		require.NoError(b, err)
		running.Go(func() { _ = server.Serve(ctx, l) })
		running.Go(func() { _ = ha.Run(ctx, election.Member(i), s) })
	}
	clients := map[bool]*controlapi.Client{}
	for status := range election.Member(0).Watch(ctx) {
		if status.Leader == "" {
			continue
		}
		for i := range 2 {
			c, err := controlapi.NewClient(controlapi.ClientConfig{Addresses: []string{api[i]}})
			require.NoError(b, err)
			b.Cleanup(c.Close)
			clients[status.Leader == fmt.Sprint("member-", i)] = c
		}
		break
	}
	return clients[true], clients[false]
}
