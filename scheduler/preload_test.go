package scheduler_test

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// A replica that lies, by states that are not, tasks that do not exist, damage, or silence, changes nothing: what is led is
// what the store of the term has.
func TestPreloadedLies(t *testing.T) {
	for name, lie := range map[string]func(records map[string][]byte){
		"the truth": func(map[string][]byte) {},
		"another state": func(r map[string][]byte) {
			r["task/a"], r["task/b"] = r["task/b"], r["task/a"]
		},
		"an ended task":      func(r map[string][]byte) { r["task/a"] = []byte(`{"version":2,"state":"TASK_KILLED"}`) },
		"an unknown task":    func(r map[string][]byte) { r["task/c"], r["spec/c"] = r["task/a"], r["spec/a"] },
		"a missing task":     func(r map[string][]byte) { delete(r, "task/a"); delete(r, "spec/a") },
		"another spec":       func(r map[string][]byte) { r["spec/a"] = []byte(`{"version":2,"spec":{"cpus":1000}}`) },
		"damage":             func(r map[string][]byte) { r["task/a"], r["spec/b"] = []byte("?"), []byte{} },
		"another framework":  func(r map[string][]byte) { r["framework"] = []byte(`{"version":2,"id":"other"}`) },
		"nothing whatsoever": func(r map[string][]byte) { clear(r) },
	} {
		t.Run(name, func(t *testing.T) {
			s := &testStore{}
			withIdleHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{}, func(ctx context.Context, h *harness) {
				h.lead(ctx, scheduler.Term{Number: 1, Store: s})
				for _, id := range []string{"a", "b"} {
					_, err := h.sched.Launch(ctx, sleeper(id))
					require.NoError(h, err)
				}
				h.at(time.Second)
				want, err := h.sched.Tasks(ctx)
				require.NoError(h, err)
				h.stop()
				require.ErrorIs(h, h.end(), context.Canceled)

				told, err := s.Load(ctx)
				require.NoError(h, err)
				told = maps.Clone(told)
				lie(told)
				h.sched.Preload(ctx, func(yield func(map[string][]byte) bool) {
					_ = yield(told) && yield(map[string][]byte{"task/b": told["task/b"]}) && yield(nil)
				})
				d := h.keep()
				h.lead(ctx, scheduler.Term{Number: 2, Store: s})
				synctest.Wait()
				got, err := h.sched.Tasks(ctx)
				require.NoError(h, err)
				require.Equal(h, stripped(want), stripped(got))
				require.Equal(h, []string{"SUBSCRIBE", "RECONCILE", "RECONCILE"}, d.take())
				h.at(time.Minute)
				require.Equal(h, []task.State{task.StatePending, task.StateStaging, task.StateStarting, task.StateRunning}, h.states("a"))
				snapshot := h.master.Snapshot()
				require.Len(h, snapshot.Frameworks, 1)
				require.Len(h, snapshot.Running, 2)
			})
		})
	}
}

// stripped returns tasks as they come from a store: their times in UTC.
func stripped(tasks []task.Info) []task.Info {
	for i := range tasks {
		t := &tasks[i]
		t.Submitted, t.Updated = t.Submitted.UTC(), t.Updated.UTC()
	}
	return tasks
}

// What was decoded is used, once, and not what an earlier Preload has. To see that, the test breaks the rule that values are not
// modified: it decodes a command of the same length as that on record, and writes that one over it.
func TestPreloadIsUsed(t *testing.T) {
	for name, c := range map[string]struct {
		again, used bool
	}{"once": {false, true}, "then with nothing": {true, false}} {
		t.Run(name, func(t *testing.T) {
			s := &testStore{}
			withIdleHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{}, func(ctx context.Context, h *harness) {
				shell := func(term uint64) string {
					h.lead(ctx, scheduler.Term{Number: term, Store: s})
					synctest.Wait()
					tasks, err := h.sched.Tasks(ctx)
					require.NoError(h, err)
					h.stop()
					require.ErrorIs(h, h.end(), context.Canceled)
					return tasks[0].Spec.Command.Shell
				}
				h.lead(ctx, scheduler.Term{Number: 1, Store: s})
				synctest.Wait()
				require.NoError(h, h.sched.Submit(ctx, sleeper("a")))
				h.at(time.Second)
				h.stop()
				require.ErrorIs(h, h.end(), context.Canceled)

				told, err := s.Load(ctx)
				require.NoError(h, err)
				spec := bytes.Clone(told["spec/a"])
				other := bytes.Replace(spec, []byte("sleep 3600"), []byte("sleep 3601"), 1)
				require.NotEqual(h, spec, other)
				told = maps.Clone(told)
				told["spec/a"] = other
				h.sched.Preload(ctx, slices.Values([]map[string][]byte{told}))
				copy(other, spec)
				if c.again {
					h.sched.Preload(ctx, slices.Values([]map[string][]byte{}))
				}
				require.Equal(h, c.used, shell(2) == "sleep 3601")
				require.Equal(h, "sleep 3600", shell(3), "it is forgotten after the first term")
			})
		})
	}
}

// Preload takes what comes until its context ends.
func TestPreloadEnds(t *testing.T) {
	s, err := scheduler.New(scheduler.Config{Master: address, Framework: scheduler.Framework{Name: "test"}})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	taken := 0
	s.Preload(ctx, func(yield func(map[string][]byte) bool) {
		for yield(map[string][]byte{"task/a": []byte("?")}) {
			if taken++; taken == 3 {
				cancel()
			}
		}
	})
	require.Equal(t, 3, taken)
}
