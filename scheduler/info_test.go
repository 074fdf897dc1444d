package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// Where a task runs and how its command ended is in its Info, and in that of the next process.
func TestInfoOfEndedTasks(t *testing.T) {
	store := &testStore{}
	exits := map[string]int{"true": 0, "exit 3": 3, "nosuchcommand": 127, "kill -9 $$": 137, "sleep 3600": 143}
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Store: store}, func(ctx context.Context, h *harness) {
		for command := range exits {
			spec := sleeper(command)
			spec.CPUs, spec.Command.Shell = 0.1, command
			require.NoError(h, h.sched.Submit(ctx, spec))
		}
		h.at(10 * time.Second)
		running, err := h.sched.Task(ctx, "sleep 3600")
		require.NoError(h, err)
		require.Nil(h, running.ExitStatus)
		require.Equal(h, "agent1.example:5051", running.AgentAddress)
		require.Equal(h, []string{running.Status.GetContainerStatus().NetworkInfos[0].IPAddresses[0].GetIPAddress()}, running.IPs)
		_, err = h.sched.Kill(ctx, "sleep 3600")
		require.NoError(h, err)
		h.stop()
		require.ErrorIs(h, h.end(), context.Canceled)
		next, _ := h.successor(ctx, store)
		for command, exit := range exits {
			info, err := next.Task(ctx, command)
			require.NoError(h, err)
			require.True(h, info.State.Terminal())
			require.NotNil(h, info.ExitStatus, command)
			require.Equal(h, exit, *info.ExitStatus, command)
			require.Equal(h, "agent1.example:5051", info.AgentAddress)
			require.Len(h, info.IPs, 1)
			require.NoError(h, info.Err)
		}
	})
}

// Why the scheduler ended a task is kept, also by the store; that of Mesos' own ends is in the status.
func TestInfoErr(t *testing.T) {
	store := &testStore{}
	config := scheduler.Config{Store: store, Offers: scheduler.OfferPolicy{MaxWait: time.Minute}}
	withHarness(t, mesostest.Config{Agents: agents(1)}, config, func(ctx context.Context, h *harness) {
		big := sleeper("big")
		big.CPUs = 1000
		_, err := h.sched.Launch(ctx, big)
		var capacity *scheduler.CapacityError
		require.ErrorAs(h, err, &capacity)
		info, err := h.sched.Task(ctx, "big")
		require.NoError(h, err)
		require.Equal(h, task.StateFailed, info.State)
		require.Equal(h, error(capacity), info.Err)
		h.stop()
		require.ErrorIs(h, h.end(), context.Canceled)
		next, _ := h.successor(ctx, store)
		restored, err := next.Task(ctx, "big")
		require.NoError(h, err)
		require.EqualError(h, restored.Err, capacity.Error())
		require.Equal(h, info.Version, restored.Version)
	})
}

// The version of each event is higher than that of the one before it, whatever task it is about. An event is newer than a list
// if its version is higher than the list's highest: a cache made that way is the same as the next list.
func TestListThenWatch(t *testing.T) {
	withHarness(t, mesostest.Config{Agents: agents(3)}, scheduler.Config{Store: &slowStore{}}, func(ctx context.Context, h *harness) {
		for i := range 20 {
			spec := sleeper(fmt.Sprintf("t%d", i))
			spec.CPUs, spec.Command.Shell = 0.1, "sleep 5"
			go func() { _ = h.sched.Submit(ctx, spec) }()
		}
		for _, at := range []time.Duration{time.Millisecond, 950 * time.Millisecond, 1060 * time.Millisecond, 6 * time.Second} {
			h.at(at)
			watching, stop := context.WithTimeout(ctx, 100*time.Millisecond)
			events := h.sched.Watch(watching)
			cache, newest := h.list(ctx, h.sched)
			last := uint64(0)
			for e := range events {
				if e, ok := e.(scheduler.TaskEvent); ok {
					require.Greater(h, e.Task.Version, last)
					if last = e.Task.Version; last > newest {
						require.Less(h, cache[e.Task.Spec.ID].Version, last)
						cache[e.Task.Spec.ID] = e.Task
					} else {
						require.LessOrEqual(h, last, cache[e.Task.Spec.ID].Version)
					}
				}
			}
			stop()
			again, _ := h.list(ctx, h.sched)
			require.Equal(h, again, cache)
		}
		h.at(time.Minute)
	})
}

// list returns all tasks and the highest version.
func (h *harness) list(ctx context.Context, s *scheduler.Scheduler) (tasks map[string]task.Info, newest uint64) {
	infos, err := s.Tasks(ctx)
	require.NoError(h, err)
	tasks = map[string]task.Info{}
	for _, info := range infos {
		tasks[info.Spec.ID] = info
		newest = max(newest, info.Version)
	}
	return tasks, newest
}

// Somebody sees a version that is not stored any more, since the store fails until the end of the process, or whose task is
// dropped. The next leader's versions are higher nevertheless, and so are those of the next run without a store.
func TestVersionsNeverGoBack(t *testing.T) {
	for name, store := range map[string]*testStore{"a store": {}, "memory": nil} {
		t.Run(name, func(t *testing.T) {
			withIdleHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{History: -1}, func(ctx context.Context, h *harness) {
				term := scheduler.Term{}
				if store != nil {
					term.Store = store
				}
				seen := uint64(0)
				for n := range uint64(5) {
					if store != nil {
						term.Number = n + 1
						store.fail(nil)
					}
					h.lead(ctx, term)
					synctest.Wait()
					_, err := h.sched.Launch(ctx, sleeper(fmt.Sprintf("t%d", n)))
					require.NoError(h, err)
					tasks, newest := h.list(ctx, h.sched)
					require.Greater(h, tasks[fmt.Sprintf("t%d", n)].Version, seen)
					require.NoError(h, h.sched.Submit(ctx, sleeper(fmt.Sprintf("u%d", n))))
					withdrawn, err := h.sched.Kill(ctx, fmt.Sprintf("u%d", n))
					require.NoError(h, err)
					require.Greater(h, withdrawn.Version, newest)
					if store != nil {
						store.fail(errors.New("disk full"))
					}
					require.True(h, h.master.LoseAgent("agent1.example"))
					h.at(time.Since(h.began) + 2*time.Minute)
					_, seen = h.list(ctx, h.sched)
					require.Greater(h, seen, withdrawn.Version)
					require.Less(h, seen, uint64(1)<<53)
					require.True(h, h.master.ReturnAgent("agent1.example"))
					h.stop()
					require.ErrorIs(h, h.end(), context.Canceled)
				}
			})
		})
	}
}

// A store may have versions from a time that is ahead of this machine's clock.
func TestVersionsAfterClockWasSetBack(t *testing.T) {
	future := uint64(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro())
	spec := sleeper("old")
	ahead := record.Task{Info: record.NewInfo(task.Info{Spec: spec, State: task.StateFinished, Version: future})}
	store := &testStore{records: map[string][]byte{}}
	var err error
	store.records["task/old"], err = record.EncodeTask(&ahead)
	require.NoError(t, err)
	store.records["spec/old"], err = record.EncodeSpec(&spec)
	require.NoError(t, err)
	withHarness(t, mesostest.Config{}, scheduler.Config{Store: store}, func(ctx context.Context, h *harness) {
		require.NoError(h, h.sched.Submit(ctx, sleeper("new")))
		info, err := h.sched.Task(ctx, "new")
		require.NoError(h, err)
		require.Equal(h, future+1, info.Version)
	})
}
