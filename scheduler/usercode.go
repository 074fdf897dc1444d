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

// userCode knows whether the loop is in user code at the moment: in a matcher, a builder, the policy for inverse offers, a
// log handler, or a store that is read. A method of the scheduler that is called from there would wait for the loop, which
// waits for it.
type userCode struct {
	log     *slog.Logger
	loop    uint64        // the loop's goroutine; written and read by it alone
	running atomic.Uint64 // the goroutine of user code that the loop waits for, its own or another one; 0: it waits for none
}

// isCaller reports whether the caller is user code that the loop waits for. To ask for the goroutine takes some
// microseconds: that is done only while there is such code.
func (c *userCode) isCaller() bool {
	running := c.running.Load()
	return running != 0 && running == goroutine()
}

// begin is called on the goroutine that is going to be the loop's.
func (c *userCode) begin() { c.loop = goroutine() }

func (c *userCode) enter() { c.running.Store(c.loop) }
func (c *userCode) leave() { c.running.Store(0) }

// callFor calls a function that is user code, on a goroutine other than the loop's, which waits for it.
func (c *userCode) callFor(f func()) {
	own := goroutine()
	c.running.Store(own)
	defer c.running.CompareAndSwap(own, 0) // the loop may no longer wait
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
