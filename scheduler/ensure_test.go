package scheduler_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// A program that ensures a task and waits for its end can be started as often as one likes: the task runs once, and every
// start is told how it ended.
func TestProgramStartedAgain(t *testing.T) {
	for name, history := range map[string]int{"in the history": 0, "remembered": -1} {
		t.Run(name, func(t *testing.T) {
			config := scheduler.Config{Store: &testStore{}, History: history}
			withHarness(t, mesostest.Config{Agents: agents(1)}, config, func(ctx context.Context, h *harness) {
				spec := sleeper("job")
				spec.Command.Shell = "sleep 60; exit 3"
				program := func(s *scheduler.Scheduler, patience time.Duration) (task.Info, error) {
					ctx, cancel := context.WithTimeout(ctx, patience)
					defer cancel()
					if info, err := s.Ensure(ctx, spec); err != nil {
						return info, err
					}
					return s.Wait(ctx, "job", scheduler.UntilEnded)
				}
				_, err := program(h.sched, 10*time.Second)
				require.ErrorIs(h, err, context.DeadlineExceeded)
				h.stop()
				require.ErrorIs(h, h.end(), context.Canceled)
				for range 3 {
					h.follow(ctx, config, func(s *scheduler.Scheduler) {
						info, err := program(s, 2*time.Minute)
						require.NoError(h, err)
						require.Equal(h, task.StateFailed, info.State)
					})
				}
				require.Equal(h, 1, h.master.Snapshot().Calls[calls.Call_ACCEPT])
			})
		})
	}
}

// Whatever the state of a task, Ensure returns it as it is if the spec is the same.
func TestEnsure(t *testing.T) {
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		spec := sleeper("a")
		info, err := h.sched.Ensure(ctx, spec)
		require.NoError(h, err)
		require.Equal(h, task.StatePending, info.State)
		require.Equal(h, spec, info.Spec)
		h.at(time.Second)
		spec.Labels, spec.CPUs = map[string]string{}, 1.0001 // says the same
		info, err = h.sched.Ensure(ctx, spec)
		require.NoError(h, err)
		require.Equal(h, task.StateRunning, info.State)
		_, err = h.sched.Kill(ctx, "a")
		require.NoError(h, err)
		info, err = h.sched.Ensure(ctx, spec)
		require.NoError(h, err)
		require.Equal(h, task.StateKilled, info.State)
		require.Equal(h, 1, h.master.Snapshot().Calls[calls.Call_ACCEPT])

		var field *task.FieldError
		_, err = h.sched.Ensure(ctx, task.Spec{ID: "a/b", CPUs: 1})
		require.ErrorAs(h, err, &field)
		spec.Pod = "p"
		_, err = h.sched.Ensure(ctx, spec)
		require.ErrorAs(h, err, &field)
		require.Equal(h, "Pod", field.Field)
	})
}

// If the spec on record is another one, the error says in what.
func TestEnsureAnotherSpec(t *testing.T) {
	for name, history := range map[string]int{"on record": 0, "remembered": -1} {
		t.Run(name, func(t *testing.T) {
			withHarness(t, mesostest.Config{}, scheduler.Config{History: history}, func(ctx context.Context, h *harness) {
				spec := job("a")
				spec.CPUs, spec.Command.Env = 0.5, map[string]string{"PASSWORD": "swordfish"}
				_, err := h.sched.Ensure(ctx, spec)
				require.NoError(h, err)
				killed, err := h.sched.Kill(ctx, "a")
				require.NoError(h, err)
				_, err = h.sched.Ensure(ctx, spec)
				require.NoError(h, err)

				spec.CPUs, spec.Ports, spec.Command.Env = 1, make([]task.Port, 2), map[string]string{"PASSWORD": "shark"}
				info, err := h.sched.Ensure(ctx, spec)
				var differs *scheduler.SpecDiffError
				require.ErrorAs(h, err, &differs)
				require.ErrorIs(h, err, scheduler.ErrDuplicateTask)
				require.Equal(h, "a", differs.ID)
				require.Equal(h, killed.State, info.State)
				if history == 0 {
					require.Equal(h, killed, info)
					require.Equal(h, []scheduler.FieldDiff{
						{Field: "CPUs", OnRecord: "0.5", Wanted: "1"}, {Field: "Ports", OnRecord: "0", Wanted: "2"}, {Field: "Command.Env[PASSWORD]"},
					}, differs.Fields)
					require.EqualError(h, err, `scheduler: task "a" is on record with another spec: CPUs: 0.5 on record, 1 wanted; Ports: 0 on record, 2 wanted; Command.Env[PASSWORD] differs`)
					return
				}
				require.Empty(h, differs.Fields)
				require.EqualError(h, err, `scheduler: task "a" has ended, and its spec was another one`)
			})
		})
	}
}

// Ensure returns when the submission is stored, whoever made it. Who gives up before that withdraws nothing, and may ask again.
func TestEnsureGivenUp(t *testing.T) {
	for name, gone := range map[string]int{"the first caller": 0, "the second caller": 1} {
		t.Run(name, func(t *testing.T) {
			store := &testStore{}
			withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Store: store}, func(ctx context.Context, h *harness) {
				h.at(time.Second)
				store.fail(errors.New("disk full"))
				answers := [2]chan error{make(chan error, 1), make(chan error, 1)}
				var cancels [2]context.CancelFunc
				for i := range answers {
					var short context.Context
					short, cancels[i] = context.WithCancel(ctx)
					defer cancels[i]()
					go func() { _, err := h.sched.Ensure(short, sleeper("a")); answers[i] <- err }()
					synctest.Wait()
				}
				cancels[gone]()
				err := <-answers[gone]
				require.ErrorIs(h, err, context.Canceled)
				require.ErrorAs(h, err, new(*scheduler.WaitError))
				require.Empty(h, answers[1-gone])
				h.at(10 * time.Second)
				store.fail(nil)
				require.NoError(h, <-answers[1-gone])
				info, err := h.sched.Ensure(ctx, sleeper("a"))
				require.NoError(h, err)
				require.False(h, info.State.Terminal())
				_, err = h.sched.Wait(ctx, "a", scheduler.UntilRunning)
				require.NoError(h, err)
			})
		})
	}
}
