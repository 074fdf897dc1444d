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

// userCode knows whether the loop is in user code at the moment: in a matcher, a builder, the policy for inverse offers, a log
// handler, or a store that is read. A method of the scheduler that is called from there would wait for the loop, which waits for it.
type userCode struct {
	log     *slog.Logger
	loop    uint64        // the loop's goroutine; written and read by it alone
	outside atomic.Uint64 // the same while it is in user code, or the goroutine that is there for it, and 0 otherwise
}

// isCaller reports whether the caller is user code that the loop has called. The goroutine is asked for, which takes some
// microseconds, only while there is any.
func (c *userCode) isCaller() bool {
	loop := c.outside.Load()
	return loop != 0 && loop == goroutine()
}

// begin is called on the goroutine that is going to be the loop's.
func (c *userCode) begin() { c.loop = goroutine() }

func (c *userCode) enter() { c.outside.Store(c.loop) }
func (c *userCode) leave() { c.outside.Store(0) }

// callFor is call on another goroutine than the loop's, for which the loop waits.
func (c *userCode) callFor(f func()) {
	own := goroutine()
	c.outside.Store(own)
	defer c.outside.CompareAndSwap(own, 0) // the loop may no longer wait
	f()
}

// call calls a function that is, or calls, user code.
func (c *userCode) call(f func()) {
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

// wrap returns settings whose user code is noted while it runs.
func (c *userCode) wrap(s settings) settings {
	if m, says := s.matcher.(interface{ Usable(*mesos.Resource) bool }); says {
		s.usable = c.usable(m.Usable)
	}
	s.matcher = userMatcher{s.matcher, c}
	if pods, able := s.builder.(PodBuilder); able {
		s.builder = userPodBuilder{userBuilder{s.builder, c}, pods}
	} else {
		s.builder = userBuilder{s.builder, c}
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
func (c *userCode) usable(says usable) usable {
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

type userMatcher struct {
	TaskMatcher
	code *userCode
}

func (m userMatcher) Match(c task.Cycle) ([]task.Placement, []task.Rejection) {
	m.code.enter()
	defer m.code.leave()
	return m.TaskMatcher.Match(c)
}

type userBuilder struct {
	TaskBuilder
	code *userCode
}

func (b userBuilder) Build(in task.BuildInput) (mesos.TaskInfo, error) {
	b.code.enter()
	defer b.code.leave()
	return b.TaskBuilder.Build(in)
}

type userPodBuilder struct {
	userBuilder
	pods PodBuilder
}

func (b userPodBuilder) BuildPod(in task.PodBuildInput) (mesos.ExecutorInfo, []mesos.TaskInfo, error) {
	b.code.enter()
	defer b.code.leave()
	return b.pods.BuildPod(in)
}

// userHandler is the log handler of the loop.
type userHandler struct {
	slog.Handler
	code *userCode
}

func (h userHandler) Enabled(ctx context.Context, level slog.Level) bool {
	h.code.enter()
	defer h.code.leave()
	return h.Handler.Enabled(ctx, level)
}

func (h userHandler) Handle(ctx context.Context, r slog.Record) error {
	h.code.enter()
	defer h.code.leave()
	return h.Handler.Handle(ctx, r)
}
