package scheduler_test

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/internal/zktest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// With a real ZooKeeper and fake masters the scheduler finds the leader, follows the
// election to the next one, and keeps its subscription when ZooKeeper is lost.
func TestZooKeeper(t *testing.T) {
	server := zktest.Start(t)
	client := server.Connect(t)
	client.Put("/mesos", "")

	var running sync.WaitGroup
	defer running.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	master, err := mesostest.New(mesostest.Config{Agents: agents(1), SessionTimeout: 1, Recovery: 1, Reregistration: 1})
	require.NoError(t, err)
	var listeners []net.Listener
	for range 3 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		listeners = append(listeners, l)
	}
	elections := make(chan []mesostest.Candidate, 100)
	running.Go(func() { _ = master.Run(ctx, listeners[0], listeners[1:]...) })
	master.WatchElection(func(c []mesostest.Candidate) { elections <- c })
	nodes := map[string]bool{}
	showElection := func() {
		present := map[string]bool{}
		for _, c := range <-elections {
			path := fmt.Sprintf("/mesos/json.info_%010d", c.Sequence)
			present[path] = true
			if !nodes[path] {
				client.Put(path, string(c.Info))
				nodes[path] = true
			}
		}
		for path := range nodes {
			if !present[path] {
				client.Remove(path)
				delete(nodes, path)
			}
		}
	}
	for len(nodes) < 3 {
		showElection()
	}
	first := slices.Min(slices.Collect(maps.Keys(nodes)))

	s, err := scheduler.New(scheduler.Config{
		Master: "zk://" + server.Address + "/mesos", Framework: scheduler.Framework{Name: "test"},
		Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	events := s.Watch(ctx)
	running.Go(func() { _ = s.Run(ctx) })
	info, err := s.Launch(ctx, sleeper("a"))
	require.NoError(t, err)
	require.Equal(t, task.StateRunning, info.State)

	// The leader hangs: only ZooKeeper detects it.
	require.True(t, master.FreezeMaster(0))
	subscriptions := 0
	for e := range events {
		c, ok := e.(scheduler.ConnectionEvent)
		if ok && c.Connected {
			if subscriptions++; subscriptions == 2 {
				break
			}
			for nodes[first] {
				showElection()
			}
		}
	}
	require.NoError(t, s.Reconcile(ctx))

	// ZooKeeper is lost: the stream stays.
	server.Kill()
	_, err = s.Launch(ctx, sleeper("b"))
	require.NoError(t, err)
	_, err = s.Kill(ctx, "a")
	require.NoError(t, err)
	require.NoError(t, s.Teardown(ctx))
	require.Equal(t, 1, master.Leader())
}

// There is nothing at ZooKeeper's path, then no master, then one: the attempts say so, and the news of the master ends the
// pause.
func TestZooKeeperWithoutMasters(t *testing.T) {
	server := zktest.Start(t)
	client := server.Connect(t)
	var running sync.WaitGroup
	defer running.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s, err := scheduler.New(scheduler.Config{
		Master: "zk://" + server.Address + "/mesos", Framework: scheduler.Framework{Name: "test"},
		Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	next, stop := iter.Pull(s.Watch(ctx))
	defer stop()
	running.Go(func() { _ = s.Run(ctx) })
	says := func(text string) {
		for {
			e, ok := next()
			require.True(t, ok)
			if c, ok := e.(scheduler.ConnectionEvent); ok && c.Err != nil && strings.Contains(c.Err.Error(), text) {
				require.ErrorContains(t, c.Err, "no leading master is known yet")
				return
			}
		}
	}
	says("list /mesos: zk: node does not exist")
	client.Put("/mesos", "")
	says("no master is a candidate in /mesos")

	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	master, err := mesostest.New(mesostest.Config{Agents: agents(1), SessionTimeout: 1, Recovery: 1, Reregistration: 1})
	require.NoError(t, err)
	running.Go(func() { _ = master.Run(ctx, l) })
	elections := make(chan []mesostest.Candidate, 100)
	master.WatchElection(func(c []mesostest.Candidate) { elections <- c })
	client.Put("/mesos/json.info_0000000000", string((<-elections)[0].Info))
	_, err = s.Launch(ctx, sleeper("a"))
	require.NoError(t, err)
}
