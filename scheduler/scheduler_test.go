package scheduler_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

func TestMainJob(t *testing.T) {
	withHarness(t, mesostest.Config{Agents: agents(3)}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		info, err := h.sched.Launch(ctx, sleeper("a"))
		require.NoError(h, err)
		require.Equal(h, task.StateRunning, info.State)
		require.NotEmpty(h, info.AgentID)
		require.Equal(h, 100*time.Millisecond, time.Since(h.began), "the agent's time to start an executor, nothing else")
		require.NoError(h, h.sched.Submit(ctx, sleeper("b")))
		_, err = h.sched.Launch(ctx, sleeper("c"))
		require.NoError(h, err)

		var ids []string
		all, err := h.sched.Tasks(ctx)
		require.NoError(h, err)
		for _, info := range all {
			ids = append(ids, info.Spec.ID)
		}
		require.Equal(h, []string{"a", "b", "c"}, ids)

		killed, err := h.sched.Kill(ctx, "a")
		require.NoError(h, err)
		require.Equal(h, task.StateKilled, killed.State)
		require.Equal(h, []task.State{task.StatePending, task.StateStaging, task.StateStarting, task.StateRunning, task.StateKilling, task.StateKilled}, h.states("a"))
		again, err := h.sched.Kill(ctx, "a")
		require.NoError(h, err, "a task that has ended")
		require.Equal(h, killed, again)

		h.at(time.Second)
		state := h.master.Snapshot()
		require.Len(h, state.Frameworks, 1)
		require.Empty(h, state.Offers, "nothing is kept from others")
		require.Equal(h, []string{"*"}, state.Frameworks[0].Suppressed, "nothing is pending, so nothing is asked for")
		for _, running := range state.Frameworks[0].Tasks {
			require.Equal(h, mesos.TASK_RUNNING, running.State)
			require.Zero(h, running.Unacked)
		}

		require.NoError(h, h.sched.Teardown(ctx))
		require.NoError(h, h.end())
		require.Empty(h, h.master.Snapshot().Frameworks)
		_, err = h.sched.Task(ctx, "a")
		require.ErrorIs(h, err, scheduler.ErrNotRunning)
	})
}

func TestManyTasksAreAllAcknowledged(t *testing.T) {
	cluster := mesostest.Config{}
	for range 20 {
		cluster.Agents = append(cluster.Agents, mesostest.Agent{Resources: "cpus:100;mem:100000"})
	}
	withHarness(t, cluster, scheduler.Config{}, func(ctx context.Context, h *harness) {
		const n = 500
		for i := range n {
			require.NoError(h, h.sched.Submit(ctx, sleeper("t"+string(rune('a'+i%26))+string(rune('a'+i/26)))))
		}
		h.at(time.Minute)
		state := h.master.Snapshot()
		require.Len(h, state.Frameworks[0].Tasks, n)
		for _, running := range state.Frameworks[0].Tasks {
			require.Equal(h, mesos.TASK_RUNNING, running.State)
			require.Zero(h, running.Unacked)
		}
		require.Equal(h, 2*n, state.Calls[calls.Call_ACKNOWLEDGE], "STARTING and RUNNING of each, once")
	})
}

func TestLaunchGivenUp(t *testing.T) {
	withHarness(t, mesostest.Config{Agents: agents(1), Launch: time.Minute}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		launch := func(spec task.Spec) error {
			short, cancel := context.WithTimeout(ctx, 5*time.Second)
			defer cancel()
			_, err := h.sched.Launch(short, spec)
			return err
		}
		big := sleeper("big")
		big.CPUs = 64
		require.ErrorIs(h, launch(big), context.DeadlineExceeded)
		synctest.Wait()
		require.Equal(h, []task.State{task.StatePending, task.StateKilled}, h.states("big"), "withdrawn")

		require.ErrorIs(h, launch(sleeper("slow")), context.DeadlineExceeded)
		h.at(5 * time.Minute)
		require.Equal(h, []task.State{task.StatePending, task.StateStaging, task.StateKilled}, h.states("slow"), "killed")
		require.Empty(h, h.master.Snapshot().Frameworks[0].Tasks)
	})
}

func TestTaskThatFails(t *testing.T) {
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		spec := sleeper("a")
		spec.Command.Shell = "no-such-command"
		spec.Ports = make([]task.Port, 1)
		spec.HealthCheck = &task.HealthCheck{}
		_, err := h.sched.Launch(ctx, spec)
		var failed *scheduler.TaskError
		require.ErrorAs(h, err, &failed)
		require.Equal(h, task.StateFailed, failed.Task.State)
		require.Contains(h, failed.Error(), "Command exited with status 127")
	})
}

func TestRunEndsForGood(t *testing.T) {
	withHarness(t, mesostest.Config{Roles: []string{"web"}}, scheduler.Config{Framework: scheduler.Framework{Roles: []string{"db"}}}, func(ctx context.Context, h *harness) {
		err := h.end()
		var refused *scheduler.SubscribeError
		require.ErrorAs(h, err, &refused)
		require.Equal(h, "Roles { db } are not present in the master's --roles", refused.Message)
		require.ErrorIs(h, h.sched.Submit(ctx, sleeper("a")), scheduler.ErrNotRunning)
		tasks, err := h.sched.Tasks(ctx)
		require.ErrorIs(h, err, scheduler.ErrNotRunning, "not: there are none")
		require.Nil(h, tasks)
		require.ErrorAs(h, h.sched.Submit(ctx, sleeper("a")), &refused, "and it says why")
	})
}

func TestEvicted(t *testing.T) {
	withHarness(t, mesostest.Config{}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		h.at(time.Second)
		id := &mesos.FrameworkID{Value: h.master.Snapshot().Frameworks[0].ID}
		other, err := mesoshttp.New(mesoshttp.Config{DialContext: h.network.DialContext})
		require.NoError(h, err)
		defer other.Close()
		stream, err := other.Subscribe(ctx, "http://"+address, &calls.Call{
			Type: calls.Call_SUBSCRIBE, FrameworkID: id,
			Subscribe: &calls.Call_Subscribe{FrameworkInfo: &mesos.FrameworkInfo{ID: id, Name: "thief", User: "root"}},
		}, nil)
		require.NoError(h, err)
		defer stream.Close()
		require.ErrorIs(h, h.end(), scheduler.ErrEvicted)
		h.at(time.Hour)
		require.Equal(h, 2, h.master.Snapshot().Calls[calls.Call_SUBSCRIBE], "it does not strike back")
	})
}

func TestFrameworkRemoved(t *testing.T) {
	withHarness(t, mesostest.Config{}, scheduler.Config{Framework: scheduler.Framework{FailoverTimeout: -1}}, func(ctx context.Context, h *harness) {
		h.at(time.Second)
		h.master.CutStreams()
		var removed *scheduler.FrameworkRemovedError
		require.ErrorAs(h, h.end(), &removed)
		require.NotEmpty(h, removed.FrameworkID)
	})
}

func TestRunAgain(t *testing.T) {
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		require.ErrorIs(h, func() error { h.at(0); return h.sched.Run(ctx) }(), scheduler.ErrRunning)
		_, err := h.sched.Launch(ctx, sleeper("a"))
		require.NoError(h, err)
		h.stop()
		require.ErrorIs(h, h.end(), context.Canceled)
		require.ErrorIs(h, h.sched.Submit(ctx, sleeper("b")), scheduler.ErrNotRunning)

		again := make(chan error, 1)
		go func() { again <- h.sched.Run(ctx) }()
		synctest.Wait()
		info, err := h.sched.Task(ctx, "a")
		require.NoError(h, err)
		require.Equal(h, task.StateRunning, info.State)
		_, err = h.sched.Kill(ctx, "a")
		require.NoError(h, err)
		require.Len(h, h.master.Snapshot().Frameworks, 1, "the same framework")
		require.NoError(h, h.sched.Teardown(ctx))
		require.NoError(h, <-again)
	})
}

// A call before the first Run waits for it.
func TestCallsBeforeRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := scheduler.New(scheduler.Config{Master: address, Framework: scheduler.Framework{Name: "test"},
			DialContext: new(virtualnet.Network).DialContext, Logger: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, s.Submit(short, sleeper("a")), context.DeadlineExceeded)

		submitted := make(chan error, 1)
		go func() { submitted <- s.Submit(t.Context(), sleeper("a")) }()
		synctest.Wait()
		ctx, stop := context.WithCancelCause(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		require.NoError(t, <-submitted)
		require.ErrorIs(t, s.Submit(t.Context(), sleeper("a")), scheduler.ErrDuplicateTask)
		because := errors.New("enough")
		stop(because)
		require.ErrorIs(t, <-ended, because)
	})
}

func TestBadSpec(t *testing.T) {
	withHarness(t, mesostest.Config{}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		spec := sleeper("a/b")
		spec.Role = "web"
		var field *task.FieldError
		require.ErrorAs(h, h.sched.Submit(ctx, spec), &field)
		require.Equal(h, "ID", field.Field)
		spec.ID = "ab"
		require.ErrorAs(h, h.sched.Submit(ctx, spec), &field)
		require.Equal(h, "Role", field.Field)
		all, err := h.sched.Tasks(ctx)
		require.NoError(h, err)
		require.Empty(h, all)
	})
}

// What the caller does with its spec afterwards changes nothing.
func TestSpecIsCopied(t *testing.T) {
	withHarness(t, mesostest.Config{}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		spec := sleeper("a")
		spec.Labels = map[string]string{"k": "v"}
		require.NoError(h, h.sched.Submit(ctx, spec))
		spec.Labels["k"] = "other"
		info, err := h.sched.Task(ctx, "a")
		require.NoError(h, err)
		require.Equal(h, map[string]string{"k": "v"}, info.Spec.Labels)
	})
}

// A watcher whose context goes on ends with Run, after everything that happened.
func TestWatchEndsWithRun(t *testing.T) {
	withHarness(t, mesostest.Config{}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		events := h.sched.Watch(context.Background())
		require.NoError(h, h.sched.Submit(ctx, sleeper("a")))
		require.NoError(h, h.sched.Teardown(ctx))
		require.NoError(h, h.end())
		var last scheduler.Event
		for e := range events {
			last = e
		}
		require.Equal(h, "task a killed", last.String())
	})
}

// GPU agents are offered to those who ask for them; a task that could never run is refused.
func TestGPUs(t *testing.T) {
	cluster := mesostest.Config{Agents: []mesostest.Agent{{Resources: "cpus:4;mem:1024;gpus:2"}}}
	spec := sleeper("a")
	spec.GPUs = 1
	withHarness(t, cluster, scheduler.Config{}, func(ctx context.Context, h *harness) {
		var field *task.FieldError
		require.ErrorAs(h, h.sched.Submit(ctx, spec), &field)
		require.Equal(h, "GPUs", field.Field)
	})
	withHarness(t, cluster, scheduler.Config{Framework: scheduler.Framework{GPUs: true}}, func(ctx context.Context, h *harness) {
		_, err := h.sched.Launch(ctx, spec)
		require.NoError(h, err)
	})
}
