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

// requested returns a task that a request submits.
func requested(id, request string) task.Spec {
	s := sleeper(id)
	s.RequestID = request
	return s
}

// requireAgain requires that each method takes a repeated request of a task that exists, and no other one for its ID.
func requireAgain(ctx context.Context, h *harness, s *scheduler.Scheduler, spec task.Spec, ended bool) {
	require.NoError(h, s.Submit(ctx, spec))
	ensured, err := s.Ensure(ctx, spec)
	require.NoError(h, err)
	require.Equal(h, spec.ID, ensured.Spec.ID)
	if ended {
		_, err = s.Launch(ctx, spec)
		var failed *scheduler.TaskError
		require.ErrorAs(h, err, &failed)
		require.Equal(h, task.StateKilled, failed.Task.State)
	}

	unnamed := spec
	unnamed.RequestID = ""
	require.ErrorIs(h, s.Submit(ctx, unnamed), scheduler.ErrDuplicateTask)
	_, err = s.Ensure(ctx, unnamed)
	require.NoError(h, err, "Ensure compares no requests")
	other := spec
	other.CPUs = 2
	for _, err := range []error{s.Submit(ctx, other), launchError(s.Launch(ctx, other))} {
		require.ErrorIs(h, err, scheduler.ErrDuplicateTask)
		require.ErrorAs(h, err, new(*scheduler.SpecDiffError))
	}
}

func launchError(_ task.Info, err error) error { return err }

// A request can be made again while its task is pending, runs, has ended, is only remembered, and after a restart: the task
// runs once.
func TestRequestsMadeAgain(t *testing.T) {
	for name, history := range map[string]int{"on record": 0, "remembered": -1} {
		t.Run(name, func(t *testing.T) {
			config := scheduler.Config{Store: &testStore{}, History: history}
			withHarness(t, mesostest.Config{}, config, func(ctx context.Context, h *harness) {
				spec, s := requested("a", "r 1"), h.sched
				require.NoError(h, s.Submit(ctx, spec))
				requireAgain(ctx, h, s, spec, false)
				require.NoError(h, h.master.AddAgent(mesostest.Agent{}))
				info, err := s.Launch(ctx, spec)
				require.NoError(h, err)
				require.Equal(h, task.StateRunning, info.State)
				require.Equal(h, "r 1", info.Spec.RequestID)
				requireAgain(ctx, h, s, spec, false)
				_, err = s.Launch(ctx, spec)
				require.NoError(h, err)
				h.stop()
				require.ErrorIs(h, h.end(), context.Canceled)

				h.follow(ctx, config, func(s *scheduler.Scheduler) {
					_, err = s.Launch(ctx, spec)
					require.NoError(h, err)
					requireAgain(ctx, h, s, spec, false)
					_, err := s.Kill(ctx, "a")
					require.NoError(h, err)
					requireAgain(ctx, h, s, spec, true)
				})
				h.follow(ctx, config, func(s *scheduler.Scheduler) {
					requireAgain(ctx, h, s, spec, true)
					err := s.Submit(ctx, requested("a", "r 2"))
					if history == 0 {
						require.ErrorIs(h, err, scheduler.ErrDuplicateTask)
						require.NotErrorAs(h, err, new(*scheduler.SpecDiffError), "what another request said is nobody's business")
					} else {
						require.NoError(h, err, "of a remembered task only the spec is known")
					}
				})
				require.Equal(h, 1, h.master.Snapshot().Calls[calls.Call_ACCEPT])
			})
		})
	}
}

// A task that has finished has run: who launches it again is told how it ended, and gets no error.
func TestLaunchOfAFinishedTaskMadeAgain(t *testing.T) {
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		spec := requested("a", "r")
		spec.Command.Shell = "sleep 5"
		_, err := h.sched.Launch(ctx, spec)
		require.NoError(h, err)
		h.at(time.Minute)
		info, err := h.sched.Launch(ctx, spec)
		require.NoError(h, err)
		require.Equal(h, task.StateFinished, info.State)
	})
}

// Of callers with the same request one gives up, whichever: the other one waits on, and the task stays.
func TestRequestGivenUp(t *testing.T) {
	for name, gone := range map[string]int{"the first caller": 0, "the second caller": 1, "both": 2} {
		t.Run(name, func(t *testing.T) {
			withHarness(t, mesostest.Config{}, scheduler.Config{Store: &testStore{}}, func(ctx context.Context, h *harness) {
				h.at(time.Second)
				answers := [2]chan error{make(chan error, 1), make(chan error, 1)}
				for i := range answers {
					short, cancel := context.WithCancel(ctx)
					defer cancel()
					go func() { answers[i] <- launchError(h.sched.Launch(short, requested("a", "r"))) }()
					synctest.Wait()
					if gone == i || gone == 2 {
						time.AfterFunc(time.Second, cancel)
					}
				}
				h.at(time.Minute)
				for i := range answers {
					if gone == i || gone == 2 {
						require.ErrorAs(h, <-answers[i], new(*scheduler.WaitError))
					}
				}
				require.Equal(h, []task.State{task.StatePending}, h.states("a"))
				require.NoError(h, h.master.AddAgent(mesostest.Agent{}))
				_, err := h.sched.Launch(ctx, requested("a", "r"))
				require.NoError(h, err)
				for i := range answers {
					if gone != i && gone != 2 {
						require.NoError(h, <-answers[i])
					}
				}
			})
		})
	}
}

// Who gives up while a submission is being stored withdraws nothing if the request has a name.
func TestSubmissionGivenUpBeforeItIsStored(t *testing.T) {
	store := &testStore{}
	withHarness(t, mesostest.Config{}, scheduler.Config{Store: store}, func(ctx context.Context, h *harness) {
		h.at(time.Second)
		store.fail(context.DeadlineExceeded)
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		require.ErrorAs(h, h.sched.Submit(short, requested("a", "r")), new(*scheduler.WaitError))
		pod := trio("p")
		for i := range pod {
			pod[i].RequestID = "r"
		}
		short, cancel = context.WithTimeout(ctx, time.Second)
		defer cancel()
		require.ErrorAs(h, h.sched.SubmitPod(short, pod...), new(*scheduler.WaitError))
		store.fail(nil)
		require.NoError(h, h.sched.Submit(ctx, requested("a", "r")))
		require.NoError(h, h.sched.SubmitPod(ctx, pod...))
		require.Equal(h, []task.State{task.StatePending}, h.states("a"))
		require.Equal(h, []task.State{task.StatePending}, h.states("p-1"))
	})
}

// A pod can be submitted again by the same request, as a whole and with the same members only.
func TestPodRequestsMadeAgain(t *testing.T) {
	for name, history := range map[string]int{"on record": 0, "one member remembered": 2, "remembered": -1} {
		t.Run(name, func(t *testing.T) {
			config := scheduler.Config{Store: &testStore{}, History: history}
			withHarness(t, mesostest.Config{Agents: agents(1)}, config, func(ctx context.Context, h *harness) {
				pod := trio("p")
				for i := range pod {
					pod[i].RequestID = "r"
				}
				again := func(s *scheduler.Scheduler) {
					require.NoError(h, s.SubmitPod(ctx, pod[2], pod[0], pod[1]), "in any order")
					require.ErrorIs(h, s.SubmitPod(ctx, pod[:2]...), scheduler.ErrDuplicateTask, "a member is missing")
					stranger := pod[2]
					stranger.ID = "p-3"
					require.ErrorIs(h, s.SubmitPod(ctx, pod[0], pod[1], stranger), scheduler.ErrDuplicateTask)
					require.ErrorIs(h, s.SubmitPod(ctx, append([]task.Spec{stranger}, pod...)...), scheduler.ErrDuplicateTask)
					renamed := task.Spec(pod[0])
					renamed.Pod, stranger.Pod = "q", "q"
					require.ErrorIs(h, s.SubmitPod(ctx, renamed, stranger), scheduler.ErrDuplicateTask)
					require.ErrorIs(h, s.SubmitPod(ctx, trio("p")...), scheduler.ErrDuplicateTask, "without a request")
				}
				require.NoError(h, h.sched.SubmitPod(ctx, pod...))
				again(h.sched)
				infos, err := h.sched.LaunchPod(ctx, pod...)
				require.NoError(h, err)
				require.Equal(h, task.StateRunning, infos[2].State)
				again(h.sched)
				_, err = h.sched.LaunchPod(ctx, pod...)
				require.NoError(h, err)
				_, err = h.sched.Kill(ctx, "p-0")
				require.NoError(h, err)
				h.at(time.Minute)
				again(h.sched)
				_, err = h.sched.LaunchPod(ctx, pod...)
				require.ErrorAs(h, err, new(*scheduler.TaskError))
				h.stop()
				require.ErrorIs(h, h.end(), context.Canceled)
				h.follow(ctx, config, again)
				require.Equal(h, 1, h.master.Snapshot().Calls[calls.Call_ACCEPT])
			})
		})
	}
}

// A request that launches a pod, and is made again while the first one waits: both are answered.
func TestPodLaunchMadeAgain(t *testing.T) {
	withHarness(t, mesostest.Config{}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		pod := trio("p")
		for i := range pod {
			pod[i].RequestID = "r"
		}
		short, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		first, second := make(chan error, 1), make(chan error, 1)
		go func() { _, err := h.sched.LaunchPod(short, pod...); first <- err }()
		go func() { _, err := h.sched.LaunchPod(ctx, pod...); second <- err }()
		h.at(time.Minute)
		require.ErrorIs(h, <-first, context.DeadlineExceeded)
		require.NoError(h, h.master.AddAgent(mesostest.Agent{}))
		require.NoError(h, <-second)
		require.Equal(h, 1, h.master.Snapshot().Calls[calls.Call_ACCEPT])
	})
}
