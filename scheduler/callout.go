package scheduler

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync/atomic"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// callouts knows whether the loop is in user code at the moment: in a matcher, a builder, the policy for inverse offers, a log
// handler, or a store that is read. A method of the scheduler that is called from there would wait for the loop, which waits for it.
type callouts struct {
	log     *slog.Logger
	loop    uint64        // the loop's goroutine; written and read by it alone
	outside atomic.Uint64 // the same while it is in user code, or the goroutine that is there for it, and 0 otherwise
}

// here reports whether the caller is user code that the loop has called. The goroutine is asked for, which takes some
// microseconds, only while there is any.
func (c *callouts) here() bool {
	loop := c.outside.Load()
	return loop != 0 && loop == goroutine()
}

// begin is called on the goroutine that is going to be the loop's.
func (c *callouts) begin() { c.loop = goroutine() }

func (c *callouts) enter() { c.outside.Store(c.loop) }
func (c *callouts) leave() { c.outside.Store(0) }

// callFor is call on another goroutine than the loop's, for which the loop waits.
func (c *callouts) callFor(f func()) {
	own := goroutine()
	c.outside.Store(own)
	defer c.outside.CompareAndSwap(own, 0) // the loop may no longer wait
	f()
}

// call calls a function that is, or calls, user code.
func (c *callouts) call(f func()) {
	c.enter()
	defer c.leave()
	f()
}

// goroutine returns the number of the calling goroutine, which the runtime tells only as text: "goroutine 7 [running]:".
func goroutine() uint64 {
	var buffer [32]byte
	text := bytes.TrimPrefix(buffer[:runtime.Stack(buffer[:], false)], []byte("goroutine "))
	digits, _, _ := bytes.Cut(text, []byte(" "))
	number, _ := strconv.ParseUint(string(digits), 10, 64)
	return number
}

// around returns settings whose user code is known to c while it is called.
func (c *callouts) around(s settings) settings {
	if m, says := s.matcher.(interface{ Usable(*mesos.Resource) bool }); says {
		s.usable = c.usable(m.Usable)
	}
	s.matcher = calledMatcher{s.matcher, c}
	if pods, able := s.builder.(PodBuilder); able {
		s.builder = calledPodBuilder{calledBuilder{s.builder, c}, pods}
	} else {
		s.builder = calledBuilder{s.builder, c}
	}
	if policy := s.inverse; policy != nil {
		s.inverse = func(o InverseOffer) (agreed bool) {
			c.call(func() { agreed = policy(o) })
			return agreed
		}
	}
	return s
}

// usable returns what the matcher says of a resource. If it panics, the resource does not count.
func (c *callouts) usable(says usable) usable {
	return func(r *mesos.Resource) (usable bool) {
		c.enter()
		defer c.leave()
		defer func() {
			if p := recover(); p != nil {
				c.log.Error("user code panicked", "error", fmt.Sprintf("Usable: %v", p), "stack", string(debug.Stack()))
			}
		}()
		return says(r)
	}
}

type calledMatcher struct {
	TaskMatcher
	calls *callouts
}

func (m calledMatcher) Match(c task.Cycle) ([]task.Placement, []task.Rejection) {
	m.calls.enter()
	defer m.calls.leave()
	return m.TaskMatcher.Match(c)
}

type calledBuilder struct {
	TaskBuilder
	calls *callouts
}

func (b calledBuilder) Build(in task.BuildInput) (mesos.TaskInfo, error) {
	b.calls.enter()
	defer b.calls.leave()
	return b.TaskBuilder.Build(in)
}

type calledPodBuilder struct {
	calledBuilder
	pods PodBuilder
}

func (b calledPodBuilder) BuildPod(in task.PodBuildInput) (mesos.ExecutorInfo, []mesos.TaskInfo, error) {
	b.calls.enter()
	defer b.calls.leave()
	return b.pods.BuildPod(in)
}

// calledHandler is the log handler of the loop.
type calledHandler struct {
	slog.Handler
	calls *callouts
}

func (h calledHandler) Enabled(ctx context.Context, level slog.Level) bool {
	h.calls.enter()
	defer h.calls.leave()
	return h.Handler.Enabled(ctx, level)
}

func (h calledHandler) Handle(ctx context.Context, r slog.Record) error {
	h.calls.enter()
	defer h.calls.leave()
	return h.Handler.Handle(ctx, r)
}
