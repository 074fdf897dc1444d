package scheduler_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// launches returns the times of the launches of a task, since the beginning: submitted, placed, stored, accepted, running; -1
// for a time that is unknown.
func (h *harness) launches(id string) (all [][5]time.Duration) {
	synctest.Wait() // for the watcher
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.events {
		if e, ok := e.(scheduler.TaskEvent); ok && e.Task.Spec.ID == id && e.Launch != nil {
			require.Equal(h, task.StateRunning, e.Task.State)
			all = append(all, h.since(e.Launch))
		}
	}
	return all
}

func (h *harness) since(l *scheduler.LaunchTimes) (times [5]time.Duration) {
	for i, at := range [...]time.Time{l.Submitted, l.Placed, l.Stored, l.Accepted, l.Running} {
		if times[i] = -1; !at.IsZero() {
			times[i] = at.Sub(h.began)
		}
	}
	return times
}

// pausingStore takes a tenth of a second for each writing.
type pausingStore struct{ testStore }

func (s *pausingStore) Apply(ctx context.Context, records map[string][]byte) error {
	time.Sleep(100 * time.Millisecond)
	return s.testStore.Apply(ctx, records)
}

// The event that a task runs has the times of its launch: of the last one, if there were several.
func TestLaunchTimes(t *testing.T) {
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		lost  bool
		store scheduler.Store
		want  [5]time.Duration
	}{
		"with a store":        {false, &pausingStore{}, [5]time.Duration{1000 * ms, 1000 * ms, 1200 * ms, 1200 * ms, 1400 * ms}},
		"without a store":     {false, nil, [5]time.Duration{1000 * ms, 1000 * ms, 1000 * ms, 1000 * ms, 1100 * ms}},
		"after a lost launch": {true, nil, [5]time.Duration{1000 * ms, 11000 * ms, 11000 * ms, 11000 * ms, 11100 * ms}},
	} {
		t.Run(name, func(t *testing.T) {
			config := scheduler.Config{Store: c.store, LaunchTimeout: 10 * time.Second}
			withHarness(t, mesostest.Config{Agents: agents(1)}, config, func(ctx context.Context, h *harness) {
				h.at(time.Second)
				if c.lost {
					h.once(calls.Call_ACCEPT, mesostest.Swallow)
				}
				_, err := h.sched.Launch(ctx, sleeper("a"))
				require.NoError(h, err)
				h.at(time.Hour) // with reconciliations, which report the task as running
				require.Equal(h, [][5]time.Duration{c.want}, h.launches("a"))
			})
		})
	}
}

// A scheduler that takes over a launch does not know when its phases were, except for the first and the last.
func TestLaunchTimesAfterARestart(t *testing.T) {
	config := scheduler.Config{Store: &testStore{}}
	withHarness(t, mesostest.Config{Agents: agents(1)}, config, func(ctx context.Context, h *harness) {
		h.at(time.Second)
		require.NoError(h, h.sched.Submit(ctx, sleeper("a")))
		h.at(time.Second + 50*time.Millisecond)
		h.stop()
		require.ErrorIs(h, h.end(), context.Canceled)
		h.follow(ctx, config, func(s *scheduler.Scheduler) {
			for e := range s.Watch(ctx) {
				if e, ok := e.(scheduler.TaskEvent); ok && e.Task.State == task.StateRunning {
					require.Equal(h, [5]time.Duration{time.Second, -1, -1, -1, time.Since(h.began)}, h.since(e.Launch))
					return
				}
			}
		})
	})
}
