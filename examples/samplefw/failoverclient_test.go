//go:build integration

package main

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// apiUsers make calls of a fleet's API, each through members of his choice, and note how long they take.
type apiUsers struct {
	fleet *fleet

	mu     sync.Mutex
	broken []string
	took   []time.Duration
	ran    []string // tasks that were launched
}

// call makes a call, which is to be answered without an error within a minute.
func (u *apiUsers) call(ctx context.Context, what string, f func(context.Context) error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	began := time.Now()
	err := f(ctx)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.took = append(u.took, time.Since(began))
	if err != nil {
		u.broken = append(u.broken, fmt.Sprintf("%s: after %v: %v", what, time.Since(began), err))
	}
}

// use submits, watches, lists, kills and forgets tasks until done is closed.
func (u *apiUsers) use(ctx context.Context, user int, done <-chan struct{}) {
	for n := 0; ; n++ {
		select {
		case <-done:
			return
		default:
		}
		api := u.fleet.peers[rand.IntN(len(u.fleet.peers))].api
		c, err := controlapi.NewClient(controlapi.ClientConfig{Addresses: []string{api, u.fleet.peers[n%len(u.fleet.peers)].api}})
		require.NoError(u.fleet, err)
		u.story(ctx, c, fmt.Sprintf("user%d-%d", user, n))
		c.Close()
	}
}

// story is what becomes of one task.
func (u *apiUsers) story(ctx context.Context, c *controlapi.Client, id string) {
	spec := task.Spec{ID: id, CPUs: 0.01, Mem: 1, Command: task.Command{Shell: "sleep 3600"}}
	if rand.IntN(2) == 0 {
		u.call(ctx, "launch "+id, func(ctx context.Context) error { _, err := c.Launch(ctx, spec); return err })
	} else {
		u.call(ctx, "submit "+id, func(ctx context.Context) error { return c.Submit(ctx, spec) })
		u.call(ctx, "wait for "+id, func(ctx context.Context) error { _, err := c.Wait(ctx, id, scheduler.UntilRunning); return err })
	}
	u.mu.Lock()
	u.ran = append(u.ran, id)
	u.mu.Unlock()
	u.call(ctx, "list", func(ctx context.Context) error {
		all, err := c.Tasks(ctx)
		if err == nil && !slices.ContainsFunc(all, func(i task.Info) bool { return i.Spec.ID == id }) {
			return fmt.Errorf("%s is not in the list", id)
		}
		return err
	})
	u.call(ctx, "kill "+id, func(ctx context.Context) error { _, err := c.Kill(ctx, id); return err })
	u.call(ctx, "forget "+id, func(ctx context.Context) error { return c.Forget(ctx, id) })
}

// report prints how long calls took.
func (u *apiUsers) report(what string) {
	slices.Sort(u.took)
	at := func(share float64) time.Duration {
		return u.took[min(int(share*float64(len(u.took))), len(u.took)-1)].Round(time.Millisecond)
	}
	u.fleet.Logf("%s: %d calls by 4 users, p50 %v, p99 %v, slowest %v", what, len(u.took), at(0.5), at(0.99), at(1))
}

// The leader is killed again and again while users make calls through all members. Whoever was talking to it gets one slow answer
// and no error, and no task is launched twice.
func TestFailoverClient(t *testing.T) {
	s := scaleOf(t)
	f := newFleet(t, fleetConfig{preset: s.preset, tasks: 1})
	f.begin()
	users, done := &apiUsers{fleet: f}, make(chan struct{})
	var running sync.WaitGroup
	stop := sync.OnceFunc(func() { close(done); running.Wait() })
	defer stop()
	for user := range 4 {
		running.Go(func() { users.use(t.Context(), user, done) })
	}
	term := uint64(0)
	for range s.kills {
		time.Sleep(time.Duration(100+rand.IntN(400)) * time.Millisecond) // the calls are somewhere
		victim := f.leads()
		victim.kill()
		require.NoError(t, until(t.Context(), wait, func(ctx context.Context) error {
			p, status, err := leader(ctx, f.peers, term)
			if err == nil && p != victim {
				term = cmp.Or(status.Term, term)
				return nil
			}
			return cmp.Or(err, fmt.Errorf("%s still leads", victim.name))
		}))
		require.NoError(t, victim.run(f.program, f.peers))
		require.NoError(t, until(t.Context(), wait, func(ctx context.Context) error { return allThere(ctx, f.peers) }))
	}
	stop()
	require.Empty(t, users.broken)
	require.True(t, f.harm().none(), "%+v", f.harm())
	launches := f.master.Snapshot().Launches
	for _, id := range users.ran {
		require.Equal(t, 1, launches[id], id)
	}
	users.report(fmt.Sprintf("%d kills of the leader, preset %s", s.kills, s.preset))
}
