package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	mesosscheduler "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskbuilder"
	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

// asking are calls of all methods that ask the scheduler, without a deadline.
func asking(s *scheduler.Scheduler) map[string]func() error {
	ctx := context.Background()
	pod := sleeper("p")
	pod.Pod = "pod"
	return map[string]func() error{
		"Submit":    func() error { return s.Submit(ctx, sleeper("x")) },
		"SubmitPod": func() error { return s.SubmitPod(ctx, pod) },
		"Launch":    func() error { _, err := s.Launch(ctx, sleeper("x")); return err },
		"LaunchPod": func() error { _, err := s.LaunchPod(ctx, pod); return err },
		"Ensure":    func() error { _, err := s.Ensure(ctx, sleeper("x")); return err },
		"Kill":      func() error { _, err := s.Kill(ctx, "x"); return err },
		"Forget":    func() error { return s.Forget(ctx, "x") },
		"Wait":      func() error { _, err := s.Wait(ctx, "x", scheduler.UntilEnded); return err },
		"Task":      func() error { _, err := s.Task(ctx, "x"); return err },
		"Tasks":     func() error { _, err := s.Tasks(ctx); return err },
		"History":   func() error { _, err := s.History(ctx, "x"); return err },
		"Offers":    func() error { _, err := s.Offers(ctx); return err },
		"ReadFile":  func() error { _, _, err := s.ReadFile(ctx, "x", "stdout", 0, nil); return err },
		"Sandbox":   func() error { _, err := s.Sandbox(ctx, "x"); return err },
		"Logs": func() error {
			for _, err := range s.Logs(ctx, "x", scheduler.LogOptions{}) {
				return err
			}
			return nil
		},
		"Explain":   func() error { _, err := s.Explain(ctx, "x"); return err },
		"Agents":    func() error { _, err := s.Agents(ctx); return err },
		"Status":    func() error { _, err := s.Status(ctx); return err },
		"Reconcile": func() error { return s.Reconcile(ctx) },
		"Teardown":  func() error { return s.Teardown(ctx) },
		"Call": func() error {
			return s.Call(ctx, &mesosscheduler.Call{Type: mesosscheduler.Call_REQUEST, Request: &mesosscheduler.Call_Request{}})
		},
		"Watch": func() error {
			for range s.Watch(ctx) {
				return errors.New("an event")
			}
			return scheduler.ErrReentrant
		},
		"WatchRaw": func() error {
			for range s.WatchRaw(ctx) {
				return errors.New("an event")
			}
			return scheduler.ErrReentrant
		},
		"Lead": func() error { return reentrant(s.Lead(ctx, scheduler.Term{})) },
		"Run":  func() error { return reentrant(s.Run(ctx)) },
	}
}

func reentrant(err error) error {
	if errors.Is(err, scheduler.ErrRunning) {
		return scheduler.ErrReentrant
	}
	return err
}

// confined calls all methods once, and keeps what they return.
type confined struct {
	sched *scheduler.Scheduler
	once  sync.Once
	got   map[string]error
}

func (c *confined) call() {
	if c.sched != nil {
		c.once.Do(func() {
			c.got = map[string]error{}
			for name, ask := range asking(c.sched) {
				c.got[name] = ask()
			}
		})
	}
}

// check fails unless each call has failed at once.
func (c *confined) check(t require.TestingT) {
	require.NotNil(t, c.got, "nothing was called")
	for name, err := range c.got {
		require.ErrorIs(t, err, scheduler.ErrReentrant, name)
	}
}

type reentrantBuilder struct {
	taskbuilder.Standard
	*confined
}

func (b reentrantBuilder) Build(in task.BuildInput) (mesos.TaskInfo, error) {
	b.call()
	return b.Standard.Build(in)
}

type reentrantPodBuilder struct {
	taskbuilder.Standard
	*confined
}

func (b reentrantPodBuilder) BuildPod(in task.PodBuildInput) (mesos.ExecutorInfo, []mesos.TaskInfo, error) {
	b.call()
	return b.Standard.BuildPod(in)
}

type reentrantUsable struct {
	taskmatcher.FirstFit
	*confined
}

func (m reentrantUsable) Usable(*mesos.Resource) bool { m.call(); return true }

type reentrantHandler struct {
	slog.Handler
	*confined
	enabled bool
}

func (h reentrantHandler) Enabled(context.Context, slog.Level) bool {
	if h.enabled {
		h.call()
	}
	return true
}

func (h reentrantHandler) Handle(context.Context, slog.Record) error { h.call(); return nil }
func (h reentrantHandler) WithAttrs([]slog.Attr) slog.Handler        { h.call(); return h }
func (h reentrantHandler) WithGroup(string) slog.Handler             { return h }

type reentrantStore struct {
	testStore
	*confined
}

func (s *reentrantStore) Load(ctx context.Context) (map[string][]byte, error) {
	s.call()
	return s.testStore.Load(ctx)
}

// User code that the scheduler waits for cannot call it: it gets an error at once. All that is there to call is in the
// table, and all of it still works afterwards.
func TestSchedulerIsCalledFromItsOwnGoroutine(t *testing.T) {
	for name, config := range map[string]func(*confined) scheduler.Config{
		"matcher": func(c *confined) scheduler.Config {
			return scheduler.Config{Matcher: brokenMatcher(func(in task.Cycle) ([]task.Placement, []task.Rejection) {
				c.call()
				return taskmatcher.FirstFit{}.Match(in)
			})}
		},
		"score": func(c *confined) scheduler.Config {
			return scheduler.Config{Matcher: taskmatcher.Scored{Score: func(*task.Spec, *taskmatcher.Candidate) float64 { c.call(); return 0 }}}
		},
		"usable":      func(c *confined) scheduler.Config { return scheduler.Config{Matcher: reentrantUsable{confined: c}} },
		"builder":     func(c *confined) scheduler.Config { return scheduler.Config{Builder: reentrantBuilder{confined: c}} },
		"pod builder": func(c *confined) scheduler.Config { return scheduler.Config{Builder: reentrantPodBuilder{confined: c}} },
		"log handler": func(c *confined) scheduler.Config {
			return scheduler.Config{Logger: slog.New(reentrantHandler{confined: c})}
		},
		"log handler that is asked for its level": func(c *confined) scheduler.Config {
			return scheduler.Config{Logger: slog.New(reentrantHandler{confined: c, enabled: true})}
		},
		"store that is read": func(c *confined) scheduler.Config { return scheduler.Config{Store: &reentrantStore{confined: c}} },
	} {
		t.Run(name, func(t *testing.T) {
			c := &confined{}
			withIdleScheduler(t, []string{address}, mesostest.Config{Agents: agents(1)}, config(c), func(ctx context.Context, h *harness) {
				c.sched = h.sched
				h.lead(ctx, scheduler.Term{Number: 1})
				ctx, cancel := context.WithTimeout(ctx, time.Minute)
				defer cancel()
				_, err := h.sched.Launch(ctx, sleeper("a"))
				require.NoError(h, err)
				pod := sleeper("b")
				pod.Pod = "pod"
				_, err = h.sched.LaunchPod(ctx, pod)
				require.NoError(h, err)
				c.check(h)
			})
		})
	}
}

// TestReentrantCallsControl: the table has all methods that could wait.
func TestReentrantCallsControl(t *testing.T) {
	of := reflect.TypeFor[*scheduler.Scheduler]()
	table := asking(nil)
	for i := range of.NumMethod() {
		m := of.Method(i)
		if !slices.Contains([]string{"Logger", "Metrics", "Preload", "ReadSandbox", "String", "Format", "Version"}, m.Name) {
			require.Contains(t, table, m.Name)
		}
	}
	require.Panics(t, func() { (&confined{got: map[string]error{"Submit": nil}}).check(panics{}) })
}

type panics struct{}

func (panics) Errorf(string, ...any) {}
func (panics) FailNow()              { panic("failed") }

// Other goroutines call the scheduler while it is in user code, also those that the user code has started.
func TestSchedulerIsCalledByOthersDuringAMatch(t *testing.T) {
	var h *harness
	answers := make(chan error, 2)
	ask := func() { _, err := h.sched.Tasks(context.Background()); answers <- err }
	var once sync.Once
	matcher := brokenMatcher(func(in task.Cycle) ([]task.Placement, []task.Rejection) {
		once.Do(func() {
			go ask()
			time.Sleep(time.Second)
		})
		return taskmatcher.FirstFit{}.Match(in)
	})
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Matcher: matcher}, func(ctx context.Context, running *harness) {
		h = running
		require.NoError(h, h.sched.Submit(ctx, sleeper("a")))
		h.at(500 * time.Millisecond)
		go ask()
		h.at(10 * time.Second)
		require.NoError(h, <-answers)
		require.NoError(h, <-answers)
	})
}

// A matcher that waits for a goroutine that calls the scheduler waits for itself. The end of Run's context ends that, and
// everybody is answered.
func TestMatcherThatWaitsForACaller(t *testing.T) {
	var h *harness
	answers := make(chan error, 2)
	matcher := brokenMatcher(func(in task.Cycle) ([]task.Placement, []task.Rejection) {
		called := make(chan error)
		go func() { _, err := h.sched.Tasks(context.Background()); called <- err }()
		answers <- <-called
		return taskmatcher.FirstFit{}.Match(in)
	})
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Matcher: matcher}, func(_ context.Context, running *harness) {
		h = running
		launched := make(chan error, 1)
		go func() { _, err := h.sched.Launch(context.Background(), sleeper("a")); launched <- err }()
		h.at(time.Minute)
		ending := time.Now()
		h.stop()
		require.ErrorIs(h, h.end(), context.Canceled)
		require.LessOrEqual(h, time.Since(ending), 3*time.Second)
		require.ErrorIs(h, <-answers, scheduler.ErrNotRunning)
		require.ErrorIs(h, <-launched, scheduler.ErrNotRunning)
	})
}

// callingHandler is a log handler that calls a function for each line about a task.
type callingHandler struct {
	slog.Handler
	call func()
}

func (callingHandler) Enabled(context.Context, slog.Level) bool { return true }
func (h callingHandler) WithAttrs([]slog.Attr) slog.Handler     { return h }
func (h callingHandler) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "task" {
		h.call()
	}
	return nil
}

// The same with two schedulers, the matcher of one of which calls the other, whose log handler calls the first.
func TestSchedulersThatWaitForEachOther(t *testing.T) {
	var first, second *scheduler.Scheduler
	matcher := brokenMatcher(func(in task.Cycle) ([]task.Placement, []task.Rejection) {
		time.Sleep(time.Second) // until the other one is in its log handler
		_, _ = second.Tasks(context.Background())
		return taskmatcher.FirstFit{}.Match(in)
	})
	handler := callingHandler{call: func() {
		time.Sleep(time.Second)
		_, _ = first.Tasks(context.Background())
	}}
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Matcher: matcher}, func(ctx context.Context, h *harness) {
		first = h.sched
		var err error
		second, err = scheduler.New(scheduler.Config{Master: address, Framework: scheduler.Framework{Name: "second"}, DialContext: h.dial, Logger: slog.New(handler)})
		require.NoError(h, err)
		ctx, cancel := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- second.Run(ctx) }()
		h.at(time.Second)
		for _, s := range []*scheduler.Scheduler{first, second} {
			go func() { _ = s.Submit(ctx, sleeper("a")) }()
		}
		h.at(time.Minute)
		short, end := context.WithTimeout(ctx, time.Minute)
		defer end()
		_, err = first.Tasks(short)
		require.ErrorIs(h, err, context.DeadlineExceeded)
		cancel()
		h.stop()
		require.ErrorIs(h, h.end(), context.Canceled)
		require.ErrorIs(h, <-ended, context.Canceled)
	})
}

// A store whose Apply submits a task waits for itself. Its context ends that.
func TestStoreThatSubmits(t *testing.T) {
	var h *harness
	got := make(chan error, 100)
	store := &applying{apply: func(ctx context.Context) error {
		err := h.sched.Submit(ctx, sleeper(fmt.Sprint("x", len(got))))
		got <- err
		return err
	}}
	withIdleScheduler(t, []string{address}, mesostest.Config{Agents: agents(1)}, scheduler.Config{Store: store}, func(ctx context.Context, idle *harness) {
		h = idle
		h.lead(ctx, scheduler.Term{})
		h.at(time.Minute)
		require.ErrorIs(h, <-got, context.DeadlineExceeded)
		h.stop()
		require.ErrorIs(h, h.end(), context.Canceled)
	})
}

// applying is a store that calls a function.
type applying struct {
	testStore
	apply func(context.Context) error
}

func (s *applying) Apply(ctx context.Context, _ map[string][]byte) error { return s.apply(ctx) }
