//go:build integration && failover

package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/ha/cluster"
	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// How long tasks take from their submission until they run, with the store in a file and with that of three members, all in
// this process and on the same disk.
func TestFailoverSubmit(t *testing.T) {
	const rounds, alone, together = 5, 20, 1000
	times := map[string]map[string][]time.Duration{"file": {}, "cluster": {}}
	for range rounds {
		for store, begin := range map[string]func(*testing.T, scheduler.Config) *scheduler.Scheduler{"file": withFile, "cluster": withCluster} {
			t.Run(store, func(t *testing.T) {
				s := begin(t, scheduler.Config{
					Master: manyAgents(t, together), Framework: scheduler.Framework{Name: "submit"}, Logger: slog.New(slog.DiscardHandler),
				})
				at := time.Now()
				for i := range alone {
					launchAll(t, s, []string{fmt.Sprint("alone-", i)})
				}
				times[store]["20 tasks one after the other"] = append(times[store]["20 tasks one after the other"], time.Since(at))
				var ids []string
				for i := range together {
					ids = append(ids, fmt.Sprint("together-", i))
				}
				at = time.Now()
				launchAll(t, s, ids)
				times[store]["1000 tasks at once"] = append(times[store]["1000 tasks at once"], time.Since(at))
			})
		}
	}
	for _, what := range []string{"20 tasks one after the other", "1000 tasks at once"} {
		median := func(store string) time.Duration {
			slices.Sort(times[store][what])
			return times[store][what][rounds/2].Round(time.Millisecond)
		}
		file, members := median("file"), median("cluster")
		fmt.Printf("| submit → running, %s: file %v, three members %v | × %.2f |\n", what, file, members, float64(members)/float64(file))
	}
}

// manyAgents runs a fake master with room for so many tasks and returns its URL.
func manyAgents(t *testing.T, tasks int) string {
	agents := make([]mesostest.Agent, 8)
	for i := range agents {
		agents[i].Resources = fmt.Sprintf("cpus:%d;mem:%d;disk:10000;ports:[31000-32000]", 4+tasks/50, 4096+tasks*8)
	}
	master, err := mesostest.New(mesostest.Config{Agents: agents})
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	background(t, func(ctx context.Context) { _ = master.Run(ctx, listener) })
	return "http://" + listener.Addr().String()
}

// background runs f until the end of the test.
func background(t *testing.T, f func(context.Context)) {
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { f(ctx) })
	t.Cleanup(func() { stop(); running.Wait() })
}

// launchAll launches tasks and waits until they run.
func launchAll(t *testing.T, s *scheduler.Scheduler, ids []string) {
	var launches sync.WaitGroup
	failed := make(chan error, len(ids))
	for _, id := range ids {
		launches.Go(func() {
			_, err := s.Launch(t.Context(), task.Spec{ID: id, CPUs: 0.1, Mem: 32, Command: task.Command{Shell: "sleep 3600"}})
			failed <- err
		})
	}
	launches.Wait()
	for range ids {
		require.NoError(t, <-failed)
	}
}

func withFile(t *testing.T, c scheduler.Config) *scheduler.Scheduler {
	store, err := ha.OpenFile(filepath.Join(t.TempDir(), "store"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	c.Store = store
	s, err := scheduler.New(c)
	require.NoError(t, err)
	background(t, func(ctx context.Context) { _ = s.Run(ctx) })
	launchAll(t, s, []string{"first"})
	return s
}

func withCluster(t *testing.T, c scheduler.Config) *scheduler.Scheduler {
	var gossip []string
	addresses := freeAddresses(6)
	gossip = addresses[:3]
	type member struct {
		*cluster.Member
		*scheduler.Scheduler
	}
	var members []member
	for i := range 3 {
		m, err := cluster.New(cluster.Config{
			Name: "submit", Dir: t.TempDir(), GossipBind: gossip[i], RaftBind: addresses[3+i], Seeds: gossip,
		})
		require.NoError(t, err)
		s, err := scheduler.New(c)
		require.NoError(t, err)
		members = append(members, member{m, s})
	}
	for _, m := range members {
		background(t, func(ctx context.Context) { _ = ha.Run(ctx, m.Member, m.Scheduler) })
	}
	for status := range members[0].Member.Watch(t.Context()) {
		for _, m := range members {
			if status.Leader != "" && status.Leader == m.Member.Status().Self {
				launchAll(t, m.Scheduler, []string{"first"})
				return m.Scheduler
			}
		}
	}
	return nil
}
