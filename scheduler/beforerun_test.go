package scheduler_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// Who submits before Run is called waits, and the log says so once: after 5 s, whatever waits.
func TestSubmitBeforeRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &warnings{}
		s, err := scheduler.New(scheduler.Config{Master: address, Framework: scheduler.Framework{Name: "test"}, Logger: log.logger()})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		var errs []<-chan error
		for _, wait := range []func() error{
			func() error { return s.Submit(ctx, sleeper("a")) },
			func() error { _, err := s.Launch(ctx, sleeper("b")); return err },
			func() error { _, err := s.Kill(ctx, "c"); return err },
			func() error { _, err := s.Tasks(ctx); return err },
			func() error { _, err := s.Explain(ctx, "a"); return err },
			func() error { _, err := s.Status(ctx); return err },
			func() error { return s.Reconcile(ctx) },
			func() error { return s.Teardown(ctx) },
			func() error { return s.SubmitPod(ctx, podOf("p", "d")) },
			func() error { _, err := s.LaunchPod(ctx, podOf("q", "e")); return err },
			func() error { _, err := s.Ensure(ctx, sleeper("f")); return err },
			func() error { _, err := s.Wait(ctx, "a", scheduler.UntilEnded); return err },
			func() error { return s.Forget(ctx, "a") },
			func() error { _, err := s.Task(ctx, "a"); return err },
			func() error { _, err := s.Agents(ctx); return err },
			func() error {
				return s.Call(ctx, &calls.Call{Type: calls.Call_RECONCILE_OPERATIONS, ReconcileOperations: &calls.Call_ReconcileOperations{}})
			},
		} {
			errs = append(errs, later(wait))
		}
		time.Sleep(5*time.Second - time.Nanosecond)
		synctest.Wait()
		require.Empty(t, log.String())
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		require.Equal(t, 1, strings.Count(log.String(), "Run has not been called"))
		time.Sleep(time.Hour)
		require.Equal(t, 1, strings.Count(log.String(), "\n"))
		cancel()
		for _, err := range errs {
			err := <-err
			require.ErrorIs(t, err, context.Canceled)
			require.ErrorContains(t, err, "Run has not been called")
			require.Equal(t, scheduler.CodeCanceled, scheduler.ErrorCode(err))
		}
	})
}

// podOf returns a member of a pod.
func podOf(pod, id string) task.Spec {
	spec := sleeper(id)
	spec.Pod = pod
	return spec
}

// Who does not wait for long causes no warning: Run usually begins a moment later, on another goroutine.
func TestSubmitShortlyBeforeRun(t *testing.T) {
	log := &warnings{}
	withSoonRunning(t, log.logger(), 4*time.Second, func(ctx context.Context, h *harness) {
		require.NoError(h, h.sched.Submit(ctx, sleeper("a")))
		require.Equal(h, 4*time.Second, time.Since(h.began))
		h.at(time.Minute)
		require.Empty(h, log.String())
	})
}

// The call goes on as soon as Run has begun, even after the warning.
func TestSubmitLongBeforeRun(t *testing.T) {
	log := &warnings{}
	withSoonRunning(t, log.logger(), time.Hour, func(ctx context.Context, h *harness) {
		require.NoError(h, h.sched.Submit(ctx, sleeper("a")))
		require.Equal(h, time.Hour, time.Since(h.began))
		require.Contains(h, log.String(), "Run has not been called")
	})
}

// withSoonRunning calls f with a scheduler that runs after a time.
func withSoonRunning(t *testing.T, log *slog.Logger, after time.Duration, f func(ctx context.Context, h *harness)) {
	withIdleHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Logger: log}, func(ctx context.Context, h *harness) {
		go func() {
			time.Sleep(after)
			h.lead(ctx, scheduler.Term{})
		}()
		f(ctx, h)
	})
}
