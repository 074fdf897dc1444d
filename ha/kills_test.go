package ha_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/ha/electiontest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// kills is a world whose leader is killed again and again while a user submits tasks.
type kills struct {
	*world
	random   *rand.Rand
	accepted []string // tasks of which a member said that they are on record
	broken   error    // the first promise that was broken
}

// submit submits a task to whoever leads, until it is on record. A call that ends otherwise than with its process leaves
// nothing behind, and the task is submitted again under another ID.
func (k *kills) submit(name string) {
	for attempt := 0; k.ctx.Err() == nil; attempt++ {
		id := fmt.Sprintf("%s.%d", name, attempt)
		for k.ctx.Err() == nil {
			p := k.leader()
			if p == nil {
				time.Sleep(10 * time.Millisecond)
				continue
			}
			ctx, cancel := context.WithTimeout(k.ctx, 5*time.Second)
			err := p.sched.Submit(ctx, sleeper(id))
			cancel()
			if err == nil || errors.Is(err, scheduler.ErrDuplicateTask) {
				k.accepted = append(k.accepted, id)
				return
			}
			if errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, scheduler.ErrNotRunning) {
				break // withdrawn
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// users submits tasks until told to stop, and checks every now and then that no task runs twice.
func (k *kills) users(stop <-chan struct{}, random *rand.Rand) {
	for n := 0; k.broken == nil; n++ {
		select {
		case <-stop:
			return
		case <-k.ctx.Done():
			return
		case <-time.After(time.Duration(random.IntN(500)) * time.Millisecond):
		}
		k.submit(fmt.Sprint("task-", n))
		k.broken = k.single()
	}
}

// single returns an error if a task runs twice, or tasks run under several frameworks.
func (k *kills) single() error {
	seen, owners := map[string]bool{}, map[string]bool{}
	for _, r := range k.master.Snapshot().Running {
		if seen[r.ID] {
			return fmt.Errorf("%s runs twice", r.ID)
		}
		seen[r.ID], owners[r.FrameworkID] = true, true
	}
	if len(owners) > 1 {
		return fmt.Errorf("tasks run under %d frameworks", len(owners))
	}
	return nil
}

// killLeader kills the leader some time after it was elected: at any instant of its first milliseconds, in which it loads,
// subscribes and reconciles, or at any of its first seconds.
func (k *kills) killLeader() {
	p := k.leader()
	for ; p == nil; p = k.leader() {
		time.Sleep(time.Millisecond)
	}
	within := 20 * time.Millisecond
	if k.random.IntN(2) == 0 {
		within = 3 * time.Second
	}
	time.Sleep(time.Duration(k.random.Int64N(int64(within))))
	if p = k.leader(); p == nil {
		return
	}
	p.kill()
	if k.random.IntN(3) > 0 { // otherwise two are dead for a while
		time.Sleep(time.Duration(k.random.Int64N(int64(3 * time.Second))))
	}
	k.revive(p.member)
}

// killed kills the leader at so many random instants, and returns the first promise that was broken.
func killed(t *testing.T, seed uint64, times int, forgetful bool) (broken error) {
	inWorld(t, electiontest.Config{Latency: 4 * time.Millisecond}, func(w *world) {
		w.forgetful = forgetful
		k := &kills{world: w, random: rand.New(rand.NewPCG(seed, 1))}
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			k.users(stop, rand.New(rand.NewPCG(seed, 2)))
		}()
		for range times {
			k.killLeader()
		}
		close(stop)
		<-stopped
		if broken = k.broken; broken == nil {
			time.Sleep(30 * time.Minute) // launches in doubt are asked about after a minute
			synctest.Wait()
			broken = k.complete()
		}
	})
	return broken
}

// The leader is killed at 100 random instants. No task that was on record is lost, none runs twice, and the framework stays
// the same.
func TestKilledAtAnyInstant(t *testing.T) {
	seeds := uint64(4)
	if testing.Short() {
		seeds = 1
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { require.NoError(t, killed(t, seed, 25, false)) })
	}
}

// With a store that each term finds empty, the check must fail.
func TestKilledControl(t *testing.T) {
	require.ErrorContains(t, killed(t, 0, 25, true), "tasks run under")
}

// complete returns an error unless everything that was accepted runs, and nothing else.
func (k *kills) complete() error {
	snapshot := k.master.Snapshot()
	all, err := k.leader().sched.Tasks(k.ctx)
	if err != nil {
		return err
	}
	var running, table []string
	for _, r := range snapshot.Running {
		running = append(running, r.ID)
	}
	for _, info := range all {
		if info.State == task.StateRunning {
			table = append(table, info.Spec.ID)
		} else if slices.Contains(k.accepted, info.Spec.ID) {
			return fmt.Errorf("%s is on record as %v", info.Spec.ID, info.State)
		}
	}
	for _, ids := range [][]string{running, table, k.accepted} {
		slices.Sort(ids)
	}
	switch {
	case len(k.accepted) == 0:
		return errors.New("nothing was accepted")
	case len(snapshot.Frameworks) != 1:
		return fmt.Errorf("%d frameworks", len(snapshot.Frameworks))
	case !slices.Equal(table, k.accepted):
		return fmt.Errorf("on record is %v, and was accepted: %v", table, k.accepted)
	case !slices.Equal(running, k.accepted):
		return fmt.Errorf("%v run, and were accepted: %v", running, k.accepted)
	}
	return k.single()
}
