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

// onlyOne is a task that has an agent for itself.
func onlyOne(id string) task.Spec {
	s := sleeper(id)
	s.Constraints = []task.Constraint{{Attribute: task.AttributeHostname, Operator: task.OpUnique}}
	return s
}

// kills returns how many KILLs have arrived.
func (h *harness) kills() int {
	synctest.Wait()
	return h.master.Snapshot().Calls[calls.Call_KILL]
}

// An agent dies for good, and its task is killed. For 15 days it is not declared dead, and there are not many KILLs. The host
// comes back under the same name as another agent. When the task is forgotten its ID is free, and so is the host for others
// of its group, without a new offer.
func TestAgentThatDiedForGood(t *testing.T) {
	days := 15 * 24 * time.Hour
	if testing.Short() {
		days = 24 * time.Hour
	}
	store := &testStore{}
	cluster := mesostest.Config{Agents: []mesostest.Agent{{Hostname: "h1"}}}
	withHarness(t, cluster, scheduler.Config{Store: store}, func(ctx context.Context, h *harness) {
		_, err := h.sched.Launch(ctx, onlyOne("web"))
		require.NoError(h, err)
		require.True(h, h.master.LoseAgent("h1"))
		h.at(2 * time.Minute)
		killed := make(chan error, 1)
		go func() { _, err := h.sched.Kill(ctx, "web"); killed <- err }()
		// At once, then after 5, 10, 20, 40, 80, 160, 320 and 640 s, and then each 900 s.
		for i, at := range []time.Duration{5, 15, 35, 75, 155, 315, 635, 1275, 2175, 3075} {
			h.at(2*time.Minute + at*time.Second - 1)
			require.Equal(h, i+1, h.kills(), "before %v", at)
			h.at(2*time.Minute + at*time.Second)
			require.Equal(h, i+2, h.kills(), "at %v", at)
		}
		require.NoError(h, h.master.AddAgent(mesostest.Agent{Hostname: "h1"}))
		next := make(chan error, 1)
		go func() { _, err := h.sched.Launch(ctx, onlyOne("web-2")); next <- err }()
		h.at(days)
		require.Equal(h, 9+int(days/time.Second-120-1275)/900, h.kills())
		info, err := h.sched.Task(ctx, "web")
		require.NoError(h, err)
		require.Equal(h, task.StateUnreachable, info.State)
		require.ErrorIs(h, h.sched.Submit(ctx, onlyOne("web")), scheduler.ErrDuplicateTask)
		require.Empty(h, killed)
		require.Empty(h, next, "the host is taken")

		require.NoError(h, h.sched.Forget(ctx, "web"))
		err = <-killed
		require.ErrorIs(h, err, scheduler.ErrUnknownTask)
		require.ErrorContains(h, err, "forgotten")
		require.NoError(h, <-next)
		require.LessOrEqual(h, time.Since(h.began), days+time.Minute)
		h.at(days + time.Hour)
		require.Equal(h, 9+int(days/time.Second-120-1275)/900, h.kills(), "no more")
		require.Equal(h, [2]int{1, 1}, [2]int{store.has("task/"), store.has("spec/")})
		require.NoError(h, h.sched.Submit(ctx, onlyOne("web")))
	})
}

// The pauses between KILLs begin anew when the agent is back, and one is sent at once.
func TestKillWhenTheAgentIsBack(t *testing.T) {
	cluster := mesostest.Config{Agents: []mesostest.Agent{{Hostname: "h1"}}}
	withHarness(t, cluster, scheduler.Config{}, func(ctx context.Context, h *harness) {
		_, err := h.sched.Launch(ctx, sleeper("web"))
		require.NoError(h, err)
		require.True(h, h.master.LoseAgent("h1"))
		h.at(2 * time.Minute)
		killed := make(chan error, 1)
		go func() { _, err := h.sched.Kill(ctx, "web"); killed <- err }()
		h.at(3 * time.Hour)
		before := h.kills()
		require.True(h, h.master.ReturnAgent("h1"))
		require.NoError(h, <-killed)
		require.Less(h, time.Since(h.began), 3*time.Hour+20*time.Second)
		require.LessOrEqual(h, h.kills(), before+2)
	})
}

// What is pending or runs cannot be forgotten, and what is not there neither.
func TestForgetWhatRuns(t *testing.T) {
	withHarness(t, mesostest.Config{Agents: agents(1), Launch: 10 * time.Second}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		big := sleeper("big")
		big.CPUs = 1000
		require.NoError(h, h.sched.Submit(ctx, big))
		require.NoError(h, h.sched.Submit(ctx, sleeper("a")))
		refused := func(id string, state task.State) {
			err := h.sched.Forget(ctx, id)
			require.Equal(h, &scheduler.ForgetError{ID: id, State: state}, err)
			_, err = h.sched.Task(ctx, id)
			require.NoError(h, err)
		}
		h.at(5 * time.Second)
		refused("big", task.StatePending)
		refused("a", task.StateStaging)
		h.at(time.Minute)
		refused("a", task.StateRunning)
		require.ErrorIs(h, h.sched.Forget(ctx, "b"), scheduler.ErrUnknownTask)
		require.ErrorContains(h, h.sched.Forget(ctx, "a"), `task "a" is running`)
	})
}

// What has ended is forgotten, whether all is known of it or it is only remembered, in the store as well.
func TestForgetWhatHasEnded(t *testing.T) {
	for name, history := range map[string]int{"in the history": 0, "remembered": -1} {
		t.Run(name, func(t *testing.T) {
			store := &testStore{}
			config := scheduler.Config{Store: store, History: history}
			withHarness(t, mesostest.Config{}, config, func(ctx context.Context, h *harness) {
				endTask(ctx, h, h.sched, "a")
				endTask(ctx, h, h.sched, "b")
				require.NoError(h, h.sched.Forget(ctx, "a"))
				require.ErrorIs(h, h.sched.Forget(ctx, "a"), scheduler.ErrUnknownTask)
				require.Equal(h, 1, store.has("ended/")+store.has("task/"))
				h.stop()
				require.ErrorIs(h, h.end(), context.Canceled)
				h.follow(ctx, config, func(s *scheduler.Scheduler) {
					refuses(ctx, h, s, false, "a")
					refuses(ctx, h, s, true, "b")
					_, err := s.Kill(ctx, "a")
					require.NoError(h, err)
					refuses(ctx, h, s, true, "a")
				})
			})
		})
	}
}

// A member of a pod is forgotten with all others, wherever they are on record, unless one of them is in the way.
func TestForgetPod(t *testing.T) {
	members := func() []task.Spec {
		x, y := job("x"), job("y")
		x.Pod, y.Pod = "p", "p"
		return []task.Spec{x, y}
	}
	for _, history := range []int{-1, 1, 0} { // both remembered, one of them, none
		store := &testStore{}
		withHarness(t, mesostest.Config{}, scheduler.Config{Store: store, History: history}, func(ctx context.Context, h *harness) {
			for _, id := range []string{"x", "y"} {
				require.NoError(h, h.sched.SubmitPod(ctx, members()...))
				require.ErrorAs(h, h.sched.Forget(ctx, id), new(*scheduler.ForgetError))
				_, err := h.sched.Kill(ctx, id)
				require.NoError(h, err)
				require.ErrorIs(h, h.sched.SubmitPod(ctx, members()...), scheduler.ErrDuplicateTask)
				require.NoError(h, h.sched.Forget(ctx, id))
				require.Zero(h, store.has("ended/")+store.has("task/")+store.has("spec/"))
			}
		})
	}
	withHarness(t, mesostest.Config{Agents: []mesostest.Agent{{Hostname: "h1"}}}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		specs := members()
		specs[0].Command.Shell, specs[1].Command.Shell = "sleep 3600", "sleep 1"
		require.NoError(h, h.sched.SubmitPod(ctx, specs...))
		h.at(10 * time.Second)
		require.Equal(h, &scheduler.ForgetError{ID: "x", State: task.StateRunning}, h.sched.Forget(ctx, "y"), "y has ended, x has not")
		require.True(h, h.master.LoseAgent("h1"))
		h.at(5 * time.Minute)
		require.NoError(h, h.sched.Forget(ctx, "y"))
		_, err := h.sched.Task(ctx, "x")
		require.ErrorIs(h, err, scheduler.ErrUnknownTask)
	})
}

// A task that was forgotten comes back: it is one that is not on record.
func TestForgottenTaskComesBack(t *testing.T) {
	for policy, then := range map[scheduler.UnknownTasks]func(h *harness, tasks []task.Info, running int){
		scheduler.ReportUnknown: func(h *harness, tasks []task.Info, running int) {
			require.Empty(h, tasks)
			require.Equal(h, 1, running)
		},
		scheduler.KillUnknown: func(h *harness, tasks []task.Info, running int) {
			require.Empty(h, tasks)
			require.Zero(h, running)
		},
		scheduler.AdoptUnknown: func(h *harness, tasks []task.Info, running int) {
			require.Len(h, tasks, 1)
			require.Equal(h, task.StateRunning, tasks[0].State)
			require.Equal(h, task.Spec{ID: "web"}, tasks[0].Spec)
		},
	} {
		cluster := mesostest.Config{Agents: []mesostest.Agent{{Hostname: "h1"}}}
		withHarness(t, cluster, scheduler.Config{UnknownTasks: policy}, func(ctx context.Context, h *harness) {
			_, err := h.sched.Launch(ctx, sleeper("web"))
			require.NoError(h, err)
			require.True(h, h.master.LoseAgent("h1"))
			h.at(5 * time.Minute)
			require.NoError(h, h.sched.Forget(ctx, "web"))
			require.True(h, h.master.ReturnAgent("h1"))
			h.at(time.Hour)
			tasks, err := h.sched.Tasks(ctx)
			require.NoError(h, err)
			then(h, tasks, len(h.master.Snapshot().Running))
		})
	}
}

// Whoever waits for a task that is forgotten is told, however he waits.
func TestForgetAnswersAll(t *testing.T) {
	cluster := mesostest.Config{Agents: []mesostest.Agent{{Hostname: "h1"}}, Launch: 10 * time.Minute}
	withHarness(t, cluster, scheduler.Config{LaunchTimeout: time.Hour}, func(ctx context.Context, h *harness) {
		answers := make(chan error, 5)
		ask := func(f func() error) { go func() { answers <- f() }() }
		ask(func() error { _, err := h.sched.Launch(ctx, sleeper("a")); return err })
		h.at(time.Second)
		ask(func() error { _, err := h.sched.Wait(ctx, "a", scheduler.UntilRunning); return err })
		ask(func() error { _, err := h.sched.Wait(ctx, "a", scheduler.UntilEnded); return err })
		require.True(h, h.master.LoseAgent("h1"))
		h.at(5 * time.Minute)
		info, err := h.sched.Task(ctx, "a")
		require.NoError(h, err)
		require.Equal(h, task.StateUnreachable, info.State)
		ask(func() error { _, err := h.sched.Kill(ctx, "a"); return err })
		ask(func() error { return h.sched.Reconcile(ctx) })
		synctest.Wait()
		require.Len(h, answers, 1, "Mesos says at once that the task is unreachable")
		require.NoError(h, <-answers)
		require.NoError(h, h.sched.Forget(ctx, "a"))
		for range 4 {
			require.ErrorIs(h, <-answers, scheduler.ErrUnknownTask)
		}
	})
}
