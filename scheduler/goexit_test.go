package scheduler_test

import (
	"context"
	"log/slog"
	"net"
	"runtime"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskbuilder"
	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

type exitingBuilder struct{ taskbuilder.Standard }

func (exitingBuilder) Build(task.BuildInput) (mesos.TaskInfo, error) {
	runtime.Goexit()
	return mesos.TaskInfo{}, nil
}

type exitingUsable struct{ taskmatcher.FirstFit }

func (exitingUsable) Usable(*mesos.Resource) bool { runtime.Goexit(); return true }

type exitingHandler struct{ slog.Handler }

func (exitingHandler) Enabled(context.Context, slog.Level) bool  { return true }
func (exitingHandler) Handle(context.Context, slog.Record) error { runtime.Goexit(); return nil }
func (h exitingHandler) WithAttrs([]slog.Attr) slog.Handler      { return h }

type exitingLoad struct{ testStore }

func (*exitingLoad) Load(context.Context) (map[string][]byte, error) {
	runtime.Goexit()
	return nil, nil
}

// User code that ends its goroutine, as FailNow of a test does, ends Run with an error, and callers are answered.
func TestUserCodeThatExits(t *testing.T) {
	for name, config := range map[string]scheduler.Config{
		"matcher": {Matcher: brokenMatcher(func(task.Cycle) ([]task.Placement, []task.Rejection) { runtime.Goexit(); return nil, nil })},
		"usable":  {Matcher: exitingUsable{}},
		"builder": {Builder: exitingBuilder{}},
		"handler": {Logger: slog.New(exitingHandler{})},
		"load":    {Store: &exitingLoad{}},
	} {
		t.Run(name, func(t *testing.T) {
			withIdleScheduler(t, []string{address}, mesostest.Config{Agents: agents(1)}, config, func(ctx context.Context, h *harness) {
				h.lead(ctx, scheduler.Term{})
				ctx, cancel := context.WithTimeout(ctx, time.Minute)
				defer cancel()
				_, err := h.sched.Launch(ctx, sleeper("a"))
				require.ErrorIs(h, err, scheduler.ErrNotRunning)
				require.ErrorContains(h, err, "Goexit")
				require.ErrorContains(h, h.end(), "Goexit")
			})
		})
	}
}

// Where user code is called on a goroutine of its own, Run goes on.
func TestUserCodeThatExitsElsewhere(t *testing.T) {
	for name, config := range map[string]scheduler.Config{
		"apply":  {Store: &applying{apply: func(context.Context) error { runtime.Goexit(); return nil }}},
		"token":  {Token: func(context.Context) (string, error) { runtime.Goexit(); return "", nil }},
		"dialer": {DialContext: func(context.Context, string, string) (net.Conn, error) { runtime.Goexit(); return nil, nil }},
	} {
		t.Run(name, func(t *testing.T) {
			withIdleScheduler(t, []string{address}, mesostest.Config{Agents: agents(1)}, config, func(ctx context.Context, h *harness) {
				h.lead(ctx, scheduler.Term{})
				short, cancel := context.WithTimeout(ctx, time.Minute)
				defer cancel()
				_ = h.sched.Submit(short, sleeper("a"))
				_, err := h.sched.Tasks(ctx)
				require.NoError(h, err)
				h.at(2 * time.Minute)
				h.stop()
				require.ErrorIs(h, h.end(), context.Canceled)
			})
		})
	}
}

// A run that user code has ended by runtime.Goexit can be followed by another one, which goes on with the tasks.
func TestRunAfterOneThatUserCodeHasEnded(t *testing.T) {
	exits := true
	matcher := brokenMatcher(func(in task.Cycle) ([]task.Placement, []task.Rejection) {
		if exits {
			runtime.Goexit()
		}
		return taskmatcher.FirstFit{}.Match(in)
	})
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Matcher: matcher}, func(ctx context.Context, h *harness) {
		require.NoError(h, h.sched.Submit(ctx, sleeper("a")))
		require.ErrorContains(h, h.end(), "Goexit")
		exits = false
		h.lead(ctx, scheduler.Term{})
		h.at(time.Minute)
		ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
		defer cancel()
		_, err := h.sched.Wait(ctx, "a", scheduler.UntilRunning)
		require.NoError(h, err)
		h.stop()
		require.ErrorIs(h, h.end(), context.Canceled)
	})
}

// A caller whose context ends while a matcher does not return is answered, and what that means for its task happens later.
func TestCallerGivesUpDuringAMatch(t *testing.T) {
	slow := true
	matcher := brokenMatcher(func(in task.Cycle) ([]task.Placement, []task.Rejection) {
		if slow {
			slow = false
			time.Sleep(10 * time.Minute)
		}
		return taskmatcher.FirstFit{}.Match(in)
	})
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Matcher: matcher}, func(ctx context.Context, h *harness) {
		short, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		_, err := h.sched.Launch(short, sleeper("a"))
		require.ErrorIs(h, err, context.DeadlineExceeded)
		require.LessOrEqual(h, time.Since(h.began), 2*time.Minute)
		h.at(20 * time.Minute)
		info, err := h.sched.Task(ctx, "a")
		require.NoError(h, err)
		require.Equal(h, task.StateKilled, info.State)
	})
}
