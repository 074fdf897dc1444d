package controlapi_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// watched collects the events of a client on another goroutine.
type watched struct {
	stop context.CancelFunc
	done chan struct{}

	mu     sync.Mutex
	events []scheduler.Event
}

func watch(c *controlapi.Client) *watched {
	ctx, cancel := context.WithCancel(context.Background())
	w := &watched{stop: cancel, done: make(chan struct{})}
	events := c.Watch(ctx)
	go func() {
		defer close(w.done)
		for e := range events {
			w.mu.Lock()
			w.events = append(w.events, e)
			w.mu.Unlock()
		}
	}()
	return w
}

// states returns the states that a task was seen in.
func (w *watched) states(id string) (all []task.State) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		if e, is := e.(scheduler.TaskEvent); is && e.Task.Spec.ID == id {
			all = append(all, e.Task.State)
		}
	}
	return all
}

func (w *watched) lags() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		if _, is := e.(scheduler.LagEvent); is {
			n++
		}
	}
	return n
}

// A client sees all that happens from its call on, as beside the scheduler, at the leader and at a follower.
func TestWatch(t *testing.T) {
	inFleet(t, func(t *testing.T, f *fleet) {
		ctx, cancel := within(5 * time.Minute)
		defer cancel()
		_, err := f.client.Launch(ctx, spec("before"))
		require.NoError(t, err)
		for _, p := range []*peer{f.leader(), f.follower()} {
			id := fmt.Sprint("web-", p.n)
			w := watch(f.at(p))
			require.NoError(t, f.client.Submit(ctx, spec(id)), "at once")
			_, err = f.client.Kill(ctx, id)
			require.NoError(t, err)
			require.NoError(t, f.client.Forget(ctx, id))
			sleep(time.Second)
			states := w.states(id)
			require.Equal(t, task.StatePending, states[0])
			require.Equal(t, task.StateKilled, states[len(states)-1])
			require.Empty(t, w.states("before"))
			require.Zero(t, w.lags())
			require.True(t, slices.ContainsFunc(w.events, func(e scheduler.Event) bool { r, is := e.(scheduler.RemovedEvent); return is && r.Tasks[0] == id }))
			w.stop()
			<-w.done
		}
	})
}

// A client that watches goes on with the next leader, and is told what it has missed.
func TestWatchOverAChangeOfTheLeader(t *testing.T) {
	inFleet(t, func(t *testing.T, f *fleet) {
		ctx, cancel := within(5 * time.Minute)
		defer cancel()
		leader := f.leader()
		w := watch(f.newClient(apiOf(leader.n), apiOf(f.follower().n)))
		defer func() { w.stop(); <-w.done }()
		_, err := f.client.Launch(ctx, spec("one"))
		require.NoError(t, err)
		sleep(time.Second)
		require.Equal(t, task.StateRunning, slices.Max(w.states("one")))
		require.Zero(t, w.lags())
		leader.kill()
		sleep(20 * time.Second)
		_, err = f.client.Launch(ctx, spec("two"))
		require.NoError(t, err)
		sleep(time.Second)
		require.Equal(t, []task.State{task.StatePending, task.StateStaging, task.StateStarting, task.StateRunning}, w.states("two"))
		require.LessOrEqual(t, w.lags(), 1)
	})
}

// A reader who takes his time is told what he has missed, and then goes on.
func TestSlowWatcher(t *testing.T) {
	inFleet(t, func(t *testing.T, f *fleet) {
		ctx, cancel := within(time.Hour)
		defer cancel()
		events := f.client.Watch(ctx)
		leader := f.leader()
		leader.kill() // while nobody reads
		sleep(time.Minute)
		_, err := f.client.Launch(ctx, spec("one"))
		require.NoError(t, err)
		sleep(time.Minute)
		lagged := false
		for e := range events {
			if _, is := e.(scheduler.LagEvent); is {
				lagged = true
				require.NoError(t, f.client.Submit(ctx, spec("two")))
			}
			if e, is := e.(scheduler.TaskEvent); is && e.Task.Spec.ID == "two" {
				require.True(t, lagged)
				return
			}
		}
		require.Fail(t, "it has ended")
	})
}

// Watch ends with its context, also when nobody reads, and when a server refuses it.
func TestWatchEnds(t *testing.T) {
	inFleetWith(t, func(_ int, c *controlapi.Config) { c.Tokens = []string{"hush"} }, func(t *testing.T, f *fleet) {
		for range f.client.Watch(context.Background()) {
			require.Fail(t, "without the token")
		}
		c, err := controlapi.NewClient(controlapi.ClientConfig{Addresses: []string{apiOf(0)}, Token: "hush", DialContext: f.host.DialContext})
		require.NoError(t, err)
		defer c.Close()
		ctx, cancel := context.WithCancel(context.Background())
		unread, read := c.Watch(ctx), c.Watch(ctx)
		time.AfterFunc(5*time.Minute, cancel)
		began := time.Now()
		for range read {
		}
		require.Equal(t, 5*time.Minute, time.Since(began))
		for range unread {
			require.Fail(t, "after the end of ctx")
		}
	})
}
