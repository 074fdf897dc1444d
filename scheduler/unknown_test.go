package scheduler_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// inMemory is a cluster of one master that forgets everything when it fails over, with agents that are back at once.
func inMemory() mesostest.Config {
	return mesostest.Config{Agents: agents(1), InMemoryRegistry: true, Recovery: -1, Reregistration: -1}
}

// questions notes when the master is asked about a task by name, and loses ACCEPT calls if it is told so.
func (h *harness) questions(id string) (asked func() []time.Duration, lose func(bool)) {
	var (
		mu     sync.Mutex
		times  []time.Duration
		losing atomic.Bool
	)
	h.master.Intercept(func(c *calls.Call) mesostest.Fault {
		switch {
		case c.GetType() == calls.Call_ACCEPT && losing.Load():
			return mesostest.Swallow // it dies before an agent hears of the launch
		case c.GetType() == calls.Call_RECONCILE && slices.ContainsFunc(c.Reconcile.Tasks, func(t calls.Call_Reconcile_Task) bool { return t.TaskID.Value == id }):
			mu.Lock()
			defer mu.Unlock()
			times = append(times, time.Since(h.began))
		}
		return mesostest.Pass
	})
	return func() []time.Duration {
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(times)
	}, losing.Store
}

// untilLaunched waits until a task is staging, and returns when it was.
func (h *harness) untilLaunched(ctx context.Context, id string) time.Duration {
	for h.state(ctx, id) != task.StateStaging {
		time.Sleep(time.Millisecond)
	}
	return time.Since(h.began)
}

// The master dies within 10 ms of the ACCEPT, forgets it, and is there again 2 s later. The agent is back after 13 s. The
// launch was lost; a question of the backoff finds that out, or the first offer of the agent if something else is pending.
func TestMasterDiesWithinMillisecondsOfTheAccept(t *testing.T) {
	for name, pending := range map[string]bool{"alone": false, "another is pending": true} {
		t.Run(name, func(t *testing.T) {
			config := scheduler.Config{Offers: scheduler.OfferPolicy{NoOfferConstraints: true}} // or there is no offer that does not fit
			withHarness(t, inMemory(), config, func(ctx context.Context, h *harness) {
				asked, lose := h.questions("a")
				lose(true)
				require.NoError(h, h.sched.Submit(ctx, sleeper("a")))
				launched := h.untilLaunched(ctx, "a")
				h.at(launched + 5*time.Millisecond)
				lose(false)
				require.True(h, h.master.LoseAgent("agent1.example"))
				require.True(h, h.master.Failover(2*time.Second))
				if pending {
					big := sleeper("big")
					big.CPUs = 1000
					require.NoError(h, h.sched.Submit(ctx, big))
				}
				died := time.Since(h.began)
				h.at(died + 13*time.Second)
				require.Equal(h, task.StateUnknown, h.state(ctx, "a"))
				first := asked()[0] // the reconciliation of the new subscription
				require.True(h, h.master.ReturnAgent("agent1.example"))
				back := time.Since(h.began)
				h.at(back + 30*time.Second)
				require.Equal(h, task.StateRunning, h.state(ctx, "a"))
				questions := asked()
				if pending {
					require.Equal(h, []time.Duration{first, first + 2*time.Second, first + 6*time.Second}, questions[:3])
					require.Less(h, questions[3], back+2*time.Second, "at the first offer of the agent")
					require.Len(h, questions, 4)
				} else {
					require.Equal(h, []time.Duration{first, first + 2*time.Second, first + 6*time.Second, first + 14*time.Second}, questions)
				}
				require.Len(h, h.master.Snapshot().Running, 1)
			})
		})
	}
}

// The agent had the task, and is back with it.
func TestMasterForgetsRunningTask(t *testing.T) {
	withHarness(t, inMemory(), scheduler.Config{}, func(ctx context.Context, h *harness) {
		_, err := h.sched.Launch(ctx, sleeper("a"))
		require.NoError(h, err)
		require.True(h, h.master.LoseAgent("agent1.example"))
		require.True(h, h.master.Failover(2*time.Second))
		h.at(20 * time.Second)
		require.Equal(h, task.StateUnknown, h.state(ctx, "a"))
		require.True(h, h.master.ReturnAgent("agent1.example"))
		h.at(time.Minute)
		require.Equal(h, task.StateRunning, h.state(ctx, "a"))
		require.Equal(h, 1, h.master.Snapshot().Launches["a"])
	})
}

// The agent never comes back. The pauses double up to a minute; after ten minutes, and not before, the task is lost.
func TestMasterNeverKnowsTheTaskAgain(t *testing.T) {
	withHarness(t, inMemory(), scheduler.Config{}, func(ctx context.Context, h *harness) {
		_, err := h.sched.Launch(ctx, sleeper("a"))
		require.NoError(h, err)
		asked, _ := h.questions("a")
		require.True(h, h.master.LoseAgent("agent1.example"))
		require.True(h, h.master.Failover(2*time.Second))
		h.at(30 * time.Second)
		first := asked()[0]
		h.at(first + 10*time.Minute - time.Nanosecond)
		require.Equal(h, task.StateUnknown, h.state(ctx, "a"))
		h.at(first + 10*time.Minute)
		require.Equal(h, task.StateLost, h.state(ctx, "a"))
		want := []time.Duration{first}
		for _, after := range []int{2, 6, 14, 30, 62, 122, 182, 242, 302, 362, 422, 482, 542, 600} {
			want = append(want, first+time.Duration(after)*time.Second)
		}
		require.Equal(h, want, asked())
		h.at(first + 14*time.Minute)
		require.Equal(h, want, asked())
	})
}
