package scheduler_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// waited is what Wait returned, and when.
type waited struct {
	info task.Info
	err  error
	at   time.Duration
}

// wait calls Wait on another goroutine.
func (h *harness) wait(ctx context.Context, s *scheduler.Scheduler, id string, until scheduler.Until) chan waited {
	answer := make(chan waited, 1)
	go func() {
		info, err := s.Wait(ctx, id, until)
		answer <- waited{info, err, time.Since(h.began)}
	}()
	return answer
}

// Wait returns at once for what has come so far, and otherwise as soon as it has.
func TestWait(t *testing.T) {
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		_, err := h.sched.Wait(ctx, "a", scheduler.UntilRunning)
		require.ErrorIs(h, err, scheduler.ErrUnknownTask)
		spec := sleeper("a")
		spec.Command.Shell = "sleep 60; exit 3"
		require.NoError(h, h.sched.Submit(ctx, spec))
		running, ended := h.wait(ctx, h.sched, "a", scheduler.UntilRunning), h.wait(ctx, h.sched, "a", scheduler.UntilEnded)
		got := <-running
		require.NoError(h, got.err)
		require.Equal(h, task.StateRunning, got.info.State)
		require.Equal(h, 100*time.Millisecond, got.at, "the agent's time to start an executor, nothing else")
		info, err := h.sched.Wait(ctx, "a", scheduler.UntilRunning)
		require.NoError(h, err)
		require.Equal(h, got.info, info)
		require.Equal(h, got.at, time.Since(h.began))

		got = <-ended
		require.NoError(h, got.err, "that is what was waited for")
		require.Equal(h, task.StateFailed, got.info.State)
		require.Equal(h, time.Minute+150*time.Millisecond, got.at)
		info, err = h.sched.Wait(ctx, "a", scheduler.UntilEnded)
		require.NoError(h, err)
		require.Equal(h, got.info, info)
		info, err = h.sched.Wait(ctx, "a", scheduler.UntilRunning)
		var failed *scheduler.TaskError
		require.ErrorAs(h, err, &failed)
		require.Equal(h, got.info, failed.Task)
		require.Equal(h, got.info, info)
		var field *task.FieldError
		_, err = h.sched.Wait(ctx, "a", scheduler.Until(7))
		require.ErrorAs(h, err, &field)
	})
}

// With a health check running is not enough.
func TestWaitForHealth(t *testing.T) {
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		spec := sleeper("a")
		spec.Ports = make([]task.Port, 1)
		spec.HealthCheck = &task.HealthCheck{Delay: 20 * time.Second}
		require.NoError(h, h.sched.Submit(ctx, spec))
		got := <-h.wait(ctx, h.sched, "a", scheduler.UntilRunning)
		require.NoError(h, got.err)
		require.True(h, *got.info.Healthy)
		require.Greater(h, got.at, 20*time.Second)
	})
}

// A task that ends before it runs is an error for who waits for that, whoever else waits for its end.
func TestWaitForATaskThatFails(t *testing.T) {
	withHarness(t, mesostest.Config{}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		require.NoError(h, h.sched.Submit(ctx, sleeper("a")))
		running, ended := h.wait(ctx, h.sched, "a", scheduler.UntilRunning), h.wait(ctx, h.sched, "a", scheduler.UntilEnded)
		h.at(time.Second)
		_, err := h.sched.Kill(ctx, "a")
		require.NoError(h, err)
		var failed *scheduler.TaskError
		require.ErrorAs(h, (<-running).err, &failed)
		require.Equal(h, task.StateKilled, failed.Task.State)
		got := <-ended
		require.NoError(h, got.err)
		require.Equal(h, task.StateKilled, got.info.State)
		require.Equal(h, time.Second, got.at)
	})
}

// Who no longer waits changes nothing, unlike who launched the task.
func TestWaitGivenUp(t *testing.T) {
	withHarness(t, mesostest.Config{Agents: agents(1), Launch: time.Minute}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		require.NoError(h, h.sched.Submit(ctx, sleeper("a")))
		for _, until := range []scheduler.Until{scheduler.UntilRunning, scheduler.UntilEnded} {
			short, cancel := context.WithTimeout(ctx, time.Second)
			info, err := h.sched.Wait(short, "a", until)
			cancel()
			require.ErrorIs(h, err, context.DeadlineExceeded)
			var gaveUp *scheduler.WaitError
			require.ErrorAs(h, err, &gaveUp)
			require.Equal(h, task.StateStaging, gaveUp.Explanation.Task.State)
			require.Equal(h, gaveUp.Explanation.Task, info)
		}
		require.NoError(h, (<-h.wait(ctx, h.sched, "a", scheduler.UntilRunning)).err)
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_, err := h.sched.Wait(short, "a", scheduler.UntilEnded)
		require.ErrorContains(h, err, "task a running on")
		h.at(10 * time.Minute)
		require.Len(h, h.master.Snapshot().Running, 1)
	})
}

// A launch that was lost is made again, and who waits for the task goes on to wait.
func TestWaitAcrossALostLaunch(t *testing.T) {
	config := scheduler.Config{LaunchTimeout: 10 * time.Second}
	withHarness(t, mesostest.Config{Agents: agents(1)}, config, func(ctx context.Context, h *harness) {
		lost := false
		h.master.Intercept(func(c *calls.Call) mesostest.Fault {
			if c.GetType() == calls.Call_ACCEPT && !lost {
				lost = true
				return mesostest.Swallow
			}
			return mesostest.Pass
		})
		require.NoError(h, h.sched.Submit(ctx, sleeper("a")))
		got := <-h.wait(ctx, h.sched, "a", scheduler.UntilRunning)
		require.NoError(h, got.err)
		require.Equal(h, []task.State{task.StatePending, task.StateStaging, task.StatePending, task.StateStaging, task.StateStarting, task.StateRunning}, h.states("a"))
	})
}

// A watcher that is slow misses events; who waits does not.
func TestWaitMissesNothing(t *testing.T) {
	cluster := mesostest.Config{Agents: []mesostest.Agent{{Resources: "cpus:1000;mem:1000000"}}}
	withHarness(t, cluster, scheduler.Config{History: -1}, func(ctx context.Context, h *harness) {
		slow := h.sched.Watch(ctx)
		var answers []chan waited
		ids := []string{}
		for i := range 3000 {
			id := "t" + string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + string(rune('a'+i/26/26))
			ids = append(ids, id)
			require.NoError(h, h.sched.Submit(ctx, job(id)))
			answers = append(answers, h.wait(ctx, h.sched, id, scheduler.UntilEnded))
		}
		for i, answer := range answers {
			got := <-answer
			require.NoError(h, got.err)
			require.Equal(h, task.StateFinished, got.info.State, ids[i])
		}
		lagged := false
		for e := range slow {
			if _, lagged = e.(scheduler.LagEvent); lagged {
				break
			}
		}
		require.True(h, lagged, "otherwise nothing is tested")
	})
}

// When Run ends so does Wait. The next one, of another process, waits on.
func TestWaitAcrossRuns(t *testing.T) {
	store := &testStore{}
	config := scheduler.Config{Store: store}
	withHarness(t, mesostest.Config{Agents: agents(1)}, config, func(ctx context.Context, h *harness) {
		spec := sleeper("a")
		spec.Command.Shell = "sleep 600"
		h.at(10 * time.Second) // subscribed, whichever of the two was first
		require.NoError(h, h.sched.Submit(ctx, spec))
		first := h.wait(ctx, h.sched, "a", scheduler.UntilEnded)
		h.at(time.Minute)
		h.stop()
		require.ErrorIs(h, h.end(), context.Canceled)
		got := <-first
		require.ErrorIs(h, got.err, scheduler.ErrNotRunning)
		require.NotErrorIs(h, got.err, context.Canceled, "the caller's own context goes on")
		h.follow(ctx, config, func(s *scheduler.Scheduler) {
			got := <-h.wait(ctx, s, "a", scheduler.UntilEnded)
			require.NoError(h, got.err)
			require.Equal(h, task.StateFinished, got.info.State)
			require.Equal(h, 10*time.Minute+10150*time.Millisecond, got.at)
		})
	})
}

// With a store nobody is told what is not stored.
func TestWaitForTheStore(t *testing.T) {
	store := &testStore{}
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Store: store}, func(ctx context.Context, h *harness) {
		_, err := h.sched.Launch(ctx, sleeper("a"))
		require.NoError(h, err)
		h.at(time.Second)
		store.fail(errors.New("disk full"))
		require.True(h, h.master.Update(mesos.TaskStatus{TaskID: mesos.TaskID{Value: "a"}, State: mesos.TASK_FAILED.Enum()}))
		ended := h.wait(ctx, h.sched, "a", scheduler.UntilEnded)
		h.at(30 * time.Second)
		after := h.wait(ctx, h.sched, "a", scheduler.UntilEnded)
		synctest.Wait()
		require.Empty(h, ended)
		require.Empty(h, after)
		store.fail(nil)
		for _, answer := range []chan waited{ended, after} {
			got := <-answer
			require.NoError(h, got.err)
			require.Equal(h, task.StateFailed, got.info.State)
		}
	})
}

// What a timed-out Launch, LaunchPod or Submit returns says why: the task itself is gone.
func TestWaitErrorSaysWhy(t *testing.T) {
	config := scheduler.Config{Framework: scheduler.Framework{Roles: []string{"web", "db"}}}
	withHarness(t, mesostest.Config{Agents: []mesostest.Agent{{Hostname: "h1"}}}, config, func(ctx context.Context, h *harness) {
		big := sleeper("big")
		big.CPUs = 64
		short, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		info, err := h.sched.Launch(short, big)
		require.ErrorIs(h, err, context.DeadlineExceeded)
		var gaveUp *scheduler.WaitError
		require.ErrorAs(h, err, &gaveUp)
		require.Equal(h, task.StatePending, gaveUp.Explanation.Task.State)
		require.Equal(h, gaveUp.Explanation.Task, info)
		found, ok := gaveUp.Explanation.Widest()
		require.True(h, ok)
		require.Equal(h, task.ReasonShortage, found.Reasons[0].Kind)
		require.ErrorContains(h, err, "context deadline exceeded: task big pending since ")
		require.ErrorContains(h, err, "of 1 offer at ")
		require.ErrorContains(h, err, "cpus: ")
		require.ErrorContains(h, err, "h1")

		// With a cause of its own, both are wrapped.
		enough := errors.New("enough")
		caused, giveUp := context.WithCancelCause(ctx)
		time.AfterFunc(10*time.Second, func() { giveUp(enough) })
		pod := []task.Spec{sleeper("x"), big}
		pod[1].ID, pod[0].Pod, pod[1].Pod = "y", "p", "p"
		_, err = h.sched.LaunchPod(caused, pod...)
		require.ErrorAs(h, err, &gaveUp)
		require.ErrorIs(h, err, enough)
		require.ErrorIs(h, err, context.Canceled)
		require.Equal(h, "x", gaveUp.Explanation.Task.Spec.ID)
		require.True(h, gaveUp.Explanation.Filtered)

		h.stop()
		require.ErrorIs(h, h.end(), context.Canceled)
		_, err = h.sched.Launch(caused, sleeper("z"))
		require.ErrorIs(h, err, enough)
		require.NotErrorAs(h, err, &gaveUp, "it was never on record")
	})
}

// Of a pod the member is explained that is not up.
func TestWaitErrorOfAPod(t *testing.T) {
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		x, y := sleeper("x"), sleeper("y")
		x.Pod, y.Pod, y.Ports = "p", "p", make([]task.Port, 1)
		y.HealthCheck = &task.HealthCheck{Delay: time.Hour}
		short, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		_, err := h.sched.LaunchPod(short, x, y)
		var gaveUp *scheduler.WaitError
		require.ErrorAs(h, err, &gaveUp)
		require.Equal(h, "y", gaveUp.Explanation.Task.Spec.ID)
		require.Equal(h, task.StateRunning, gaveUp.Explanation.Task.State)
	})
}

// While the store fails that is why a Submit waits.
func TestWaitErrorOfTheStore(t *testing.T) {
	store := &testStore{}
	withHarness(t, mesostest.Config{}, scheduler.Config{Store: store}, func(ctx context.Context, h *harness) {
		h.at(time.Second)
		full := errors.New("disk full")
		store.fail(full)
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		err := h.sched.Submit(short, sleeper("a"))
		var gaveUp *scheduler.WaitError
		require.ErrorAs(h, err, &gaveUp)
		require.ErrorIs(h, gaveUp.Explanation.StoreErr, full)
		require.ErrorContains(h, err, "disk full")
		status, err := h.sched.Status(ctx)
		require.NoError(h, err)
		require.ErrorIs(h, status.StoreErr, full)
		store.fail(nil)
		time.Sleep(time.Minute)
		status, err = h.sched.Status(ctx)
		require.NoError(h, err)
		require.NoError(h, status.StoreErr)
	})
}
