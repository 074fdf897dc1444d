package scheduler_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// Kill of an unreachable task times out: text
func TestZZKillText(t *testing.T) {
	withHarness(t, mesostest.Config{Agents: []mesostest.Agent{{Hostname: "h1"}}}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		_, err := h.sched.Launch(ctx, sleeper("web"))
		require.NoError(h, err)
		require.True(h, h.master.LoseAgent("h1"))
		h.at(3 * time.Minute)
		short, c := context.WithTimeout(ctx, time.Minute)
		defer c()
		_, err = h.sched.Kill(short, "web")
		fmt.Println("kill:", err, scheduler.ErrorCode(err))
		short, c = context.WithTimeoutCause(ctx, time.Minute, errors.New("my cause"))
		defer c()
		_, err = h.sched.Wait(short, "web", scheduler.UntilRunning)
		fmt.Println("wait:", err, scheduler.ErrorCode(err))
		big := sleeper("big")
		big.CPUs = 1000
		short, c = context.WithTimeout(ctx, time.Minute)
		defer c()
		_, err = h.sched.Launch(short, big)
		fmt.Println("launch:", err, scheduler.ErrorCode(err))
		var we *scheduler.WaitError
		require.ErrorAs(h, err, &we)
		b, err := json.Marshal(we)
		fmt.Println("json:", string(b), err)
		b, err = json.Marshal(we.Explanation)
		fmt.Println("json:", string(b), err)
		_, err = h.sched.Launch(ctx, big)
		fmt.Println("dup?", err)
		h.stop()
		fmt.Println(h.end())
		_, err = h.sched.Wait(ctx, "web", scheduler.UntilRunning)
		fmt.Println("after", err, scheduler.ErrorCode(err))
	})
}

// Submit before Run with a deadline
func TestZZBefore(t *testing.T) {
	withIdleHarness(t, mesostest.Config{}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		short, c := context.WithTimeout(ctx, time.Minute)
		defer c()
		err := h.sched.Submit(short, sleeper("a"))
		fmt.Println("before run:", err, scheduler.ErrorCode(err))
	})
}

// Forget while the store hangs/fails, kill -9
func TestZZForgetStoreFails(t *testing.T) {
	store := &testStore{}
	withHarness(t, mesostest.Config{Agents: []mesostest.Agent{{Hostname: "h1"}}}, scheduler.Config{Store: store}, func(ctx context.Context, h *harness) {
		_, err := h.sched.Launch(ctx, sleeper("web"))
		require.NoError(h, err)
		require.True(h, h.master.LoseAgent("h1"))
		h.at(3 * time.Minute)
		killed := make(chan error, 1)
		go func() { _, err := h.sched.Kill(ctx, "web"); killed <- err }()
		synctest.Wait()
		store.fail(errors.New("disk full"))
		short, c := context.WithTimeout(ctx, time.Minute)
		defer c()
		err = h.sched.Forget(short, "web")
		fmt.Println("forget:", err, scheduler.ErrorCode(err), len(killed), store.has("task/"))
		fmt.Println(h.sched.Submit(short, sleeper("web")))
		snapshot := store.copied()
		store.fail(nil)
		h.at(10 * time.Minute)
		fmt.Println(<-killed, store.has("task/"))
		h.stop()
		fmt.Println(h.end())
		next, stop := h.successor(ctx, snapshot)
		info, err := next.Task(ctx, "web")
		fmt.Println(info.State, err)
		h.at(11 * time.Minute)
		fmt.Println(next.Forget(ctx, "web"))
		require.NoError(h, next.Submit(ctx, sleeper("web")))
		require.True(h, h.master.ReturnAgent("h1"))
		h.at(20 * time.Minute)
		info, err = next.Task(ctx, "web")
		fmt.Println(info.State, err, len(h.master.Snapshot().Running))
		stop()
	})
}

// Ensure and pods, remembered
func TestZZEnsurePod(t *testing.T) {
	store := &testStore{}
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Store: store, History: -1}, func(ctx context.Context, h *harness) {
		x, y := job("x"), job("y")
		x.Pod, y.Pod = "p", "p"
		require.NoError(h, h.sched.SubmitPod(ctx, x, y))
		_, err := h.sched.Ensure(ctx, job("x"))
		fmt.Println(err)
		_, err = h.sched.Ensure(ctx, x)
		fmt.Println(err)
		h.at(10 * time.Second)
		_, err = h.sched.Kill(ctx, "x")
		fmt.Println(err)
		h.at(20 * time.Second)
		info, err := h.sched.Ensure(ctx, job("x"))
		fmt.Println(info.State, err)
		i2, err := h.sched.Wait(ctx, "y", scheduler.UntilRunning)
		fmt.Println(i2.State, i2.Spec.Pod, err)
		b, _ := json.Marshal(i2)
		fmt.Println(string(b))
	})
}
var _ = task.StatePending
