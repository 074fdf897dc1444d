package scheduler_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// removals returns what watchers were told of tasks that have left the record.
func (h *harness) removals() (all []scheduler.RemovedEvent) {
	synctest.Wait() // for the watcher
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.events {
		if e, ok := e.(scheduler.RemovedEvent); ok {
			all = append(all, e)
		}
	}
	return all
}

// Watchers are told which tasks have left the record, in the order of the changes of tasks: those that were forgotten, a
// whole pod at once, and those that fall out of the history.
func TestRemovedTasks(t *testing.T) {
	for name, store := range map[string]scheduler.Store{"without a store": nil, "with one": &testStore{}} {
		t.Run(name, func(t *testing.T) {
			withHarness(t, mesostest.Config{}, scheduler.Config{History: 3, Store: store}, func(ctx context.Context, h *harness) {
				h.at(time.Second)
				for _, id := range []string{"a", "b"} {
					require.NoError(h, h.sched.Submit(ctx, sleeper(id)))
					_, err := h.sched.Kill(ctx, id)
					require.NoError(h, err)
				}
				require.Empty(h, h.removals())
				require.NoError(h, h.sched.Forget(ctx, "b"))
				require.NoError(h, h.sched.SubmitPod(ctx, trio("p")...))
				_, err := h.sched.Kill(ctx, "p-1")
				require.NoError(h, err)
				require.NoError(h, h.sched.Forget(ctx, "p-1"))
				require.NoError(h, h.sched.Submit(ctx, sleeper("b")), "a forgotten ID may be used again")
				require.NoError(h, h.sched.Forget(ctx, "a"), "what is only remembered has left the record before")
				removed := h.removals()
				require.Len(h, removed, 3)
				require.Equal(h, []string{"b"}, removed[0].Tasks)
				require.Equal(h, []string{"a"}, removed[1].Tasks, "three members of a pod have ended since")
				require.Equal(h, []string{"p-0", "p-1", "p-2"}, removed[2].Tasks)
				requireOrder(h)
				again, err := h.sched.Task(ctx, "b")
				require.NoError(h, err)
				require.Greater(h, again.Version, removed[0].Version, "it is another task")
			})
		})
	}
}

// requireOrder requires that the versions of all events rise.
func requireOrder(h *harness) {
	h.mu.Lock()
	defer h.mu.Unlock()
	last := uint64(0)
	for _, e := range h.events {
		version := last + 1
		switch e := e.(type) {
		case scheduler.TaskEvent:
			version = e.Task.Version
		case scheduler.RemovedEvent:
			version = e.Version
		}
		require.Greater(h, version, last, "%v", e)
		last = version
	}
}

// Who lists the tasks once and follows the events knows the tasks on record at any time.
func TestListAndWatchKnowsWhatIsOnRecord(t *testing.T) {
	withHarness(t, mesostest.Config{Agents: agents(2)}, scheduler.Config{History: 4, Store: &testStore{}}, func(ctx context.Context, h *harness) {
		known := map[string]task.State{}
		h.at(time.Second)
		for i := range 30 {
			spec := job(string(rune('a'+i%26)) + "-" + string(rune('a'+i/26)))
			require.NoError(h, h.sched.Submit(ctx, spec))
			h.at(time.Duration(i+2) * time.Second)
			if i%5 == 4 {
				_ = h.sched.Forget(ctx, spec.ID)
			}
			synctest.Wait()
			clear(known)
			h.mu.Lock()
			for _, e := range h.events {
				switch e := e.(type) {
				case scheduler.TaskEvent:
					known[e.Task.Spec.ID] = e.Task.State
				case scheduler.RemovedEvent:
					for _, id := range e.Tasks {
						delete(known, id)
					}
				}
			}
			h.mu.Unlock()
			tasks, err := h.sched.Tasks(ctx)
			require.NoError(h, err)
			listed := map[string]task.State{}
			for _, info := range tasks {
				listed[info.Spec.ID] = info.State
			}
			require.Equal(h, listed, known)
		}
		require.Greater(h, len(h.removals()), 10)
	})
}
