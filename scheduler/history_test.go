package scheduler_test

import (
	"context"
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

// steps returns the history of a task as text: when, what, where and why.
func (h *harness) steps(ctx context.Context, s *scheduler.Scheduler, id string) []string {
	all, err := s.History(ctx, id)
	require.NoError(h, err)
	lines := make([]string, len(all))
	for i, t := range all {
		lines[i] = strings.TrimSpace(strings.Join([]string{t.At.Sub(h.began).String(), t.State.String(), t.Hostname, t.Message}, " "))
		require.True(h, t.Hostname == "" || t.AgentID != "", lines[i])
	}
	return lines
}

// What became of a task is known afterwards, also to another process: why its first launch came to nothing, its health, and
// how it ended.
func TestHistory(t *testing.T) {
	config := scheduler.Config{Store: &testStore{}, LaunchTimeout: 10 * time.Second}
	withHarness(t, mesostest.Config{Agents: agents(1)}, config, func(ctx context.Context, h *harness) {
		h.at(time.Second)
		h.once(calls.Call_ACCEPT, mesostest.Swallow)
		spec := sleeper("a")
		spec.HealthCheck = &task.HealthCheck{Command: &task.CheckCommand{Shell: "true"}}
		_, err := h.sched.Launch(ctx, spec)
		require.NoError(h, err)
		h.at(2 * time.Minute)
		require.True(h, h.master.SetHealth("a", false))
		h.at(2*time.Minute + time.Second)
		before := h.steps(ctx, h.sched, "a")
		h.stop()
		require.ErrorIs(h, h.end(), context.Canceled)
		h.follow(ctx, config, func(s *scheduler.Scheduler) {
			require.Equal(h, before, h.steps(ctx, s, "a"))
			_, err := s.Kill(ctx, "a")
			require.NoError(h, err)
		})
		h.follow(ctx, config, func(s *scheduler.Scheduler) {
			require.Equal(h, []string{
				"1s pending",
				"1s staging agent1.example",
				"11s pending  gone: REASON_RECONCILIATION: Reconciliation: Task is unknown to the agent",
				"11s staging agent1.example",
				"11.1s starting agent1.example",
				"11.1s running agent1.example",
				"11.15s running agent1.example healthy: REASON_TASK_HEALTH_CHECK_STATUS_UPDATED",
				"2m0.3s running agent1.example unhealthy: REASON_TASK_HEALTH_CHECK_STATUS_UPDATED",
				"2m1s killing agent1.example",
				"2m1.05s killed agent1.example Command terminated with signal Terminated",
			}, h.steps(ctx, s, "a"))
		})
		require.Equal(h, before[2:6], h.messages("a")[2:6], "watchers are told the same")
	})
}

// messages returns what watchers were told of a task, in the form of steps.
func (h *harness) messages(id string) []string {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	var lines []string
	for i, e := range h.events {
		if e, ok := e.(scheduler.TaskEvent); ok && e.Task.Spec.ID == id {
			lines = append(lines, strings.TrimSpace(strings.Join([]string{h.times[i].String(), e.Task.State.String(), e.Task.Hostname, e.Message}, " ")))
		}
	}
	return lines
}

// Of many transitions the first and the last ones are kept, in an order of their own, whatever the store does.
func TestHistoryIsShort(t *testing.T) {
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Store: &testStore{}}, func(ctx context.Context, h *harness) {
		spec := sleeper("a")
		spec.HealthCheck = &task.HealthCheck{Command: &task.CheckCommand{Shell: "true"}, ConsecutiveFailures: 1000}
		_, err := h.sched.Launch(ctx, spec)
		require.NoError(h, err)
		for i := range 40 {
			require.True(h, h.master.SetHealth("a", i%2 == 1))
			h.at(time.Duration(i+1) * time.Minute)
		}
		all, err := h.sched.History(ctx, "a")
		require.NoError(h, err)
		require.Len(h, all, 16)
		require.Equal(h, task.Transition{At: h.began.UTC(), State: task.StatePending}, all[0])
		for i, step := range all[1:] {
			require.Equal(h, []string{"healthy", "unhealthy"}[i%2], strings.Split(step.Message, ":")[0])
			require.Equal(h, 25+i, int(step.At.Sub(h.began)/time.Minute))
		}
	})
}

// What the scheduler did by itself is in the history as well, with its reason.
func TestHistorySaysWhatTheSchedulerDid(t *testing.T) {
	config := scheduler.Config{Offers: scheduler.OfferPolicy{MaxWait: time.Minute}}
	withHarness(t, mesostest.Config{Agents: agents(1)}, config, func(ctx context.Context, h *harness) {
		h.at(time.Second)
		big := sleeper("big")
		big.CPUs = 100
		require.NoError(h, h.sched.Submit(ctx, big))
		big.ID = "unwanted"
		require.NoError(h, h.sched.Submit(ctx, big))
		_, err := h.sched.Kill(ctx, "unwanted")
		require.NoError(h, err)
		h.at(2 * time.Minute)
		require.Equal(h, []string{"1s pending", "1s killed  killed before it was launched"}, h.steps(ctx, h.sched, "unwanted"))
		require.Equal(h, []string{"1s pending", "1m1s failed  scheduler: no place after 1 cycle in 1m0s: cpus: not enough on 1 agent; closest agent1.example, 96 short"}, h.steps(ctx, h.sched, "big"))
		_, err = h.sched.History(ctx, "nobody")
		require.ErrorIs(h, err, scheduler.ErrUnknownTask)
	})
}

// Of a task that is only remembered the end is known.
func TestHistoryOfARememberedTask(t *testing.T) {
	withHarness(t, mesostest.Config{}, scheduler.Config{History: -1}, func(ctx context.Context, h *harness) {
		h.at(time.Second)
		require.NoError(h, h.sched.Submit(ctx, sleeper("a")))
		_, err := h.sched.Kill(ctx, "a")
		require.NoError(h, err)
		require.Equal(h, []string{"1s killed"}, h.steps(ctx, h.sched, "a"))
	})
}

// The history of a task that was adopted begins with that.
func TestHistoryOfAnAdoptedTask(t *testing.T) {
	cluster := mesostest.Config{Agents: []mesostest.Agent{{Hostname: "h1"}}}
	withHarness(t, cluster, scheduler.Config{UnknownTasks: scheduler.AdoptUnknown}, func(ctx context.Context, h *harness) {
		_, err := h.sched.Launch(ctx, sleeper("web"))
		require.NoError(h, err)
		require.True(h, h.master.LoseAgent("h1"))
		h.at(5 * time.Minute)
		require.NoError(h, h.sched.Forget(ctx, "web"))
		require.True(h, h.master.ReturnAgent("h1"))
		h.at(time.Hour)
		lines := h.steps(ctx, h.sched, "web")
		require.Len(h, lines, 1)
		require.Regexp(h, "^5m0s running  adopted: REASON_AGENT_REREGISTERED", lines[0])
	})
}
