package scheduler_test

import (
	"context"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// suppressed returns the roles that are suppressed, as the master knows.
func (h *harness) suppressed() []string { return h.master.Snapshot().Frameworks[0].Suppressed }

func large(id, role string) task.Spec {
	spec := sleeper(id)
	spec.Role, spec.CPUs = role, 64
	return spec
}

// Each role receives offers while a task can use them, and for 100 ms after that.
func TestDemandByRole(t *testing.T) {
	config := scheduler.Config{Framework: scheduler.Framework{Roles: []string{"db", "web"}}}
	withHarness(t, mesostest.Config{Agents: agents(2)}, config, func(ctx context.Context, h *harness) {
		h.at(time.Second)
		require.Equal(h, []string{"db", "web"}, h.suppressed())
		require.NoError(h, h.sched.Submit(ctx, large("a", "web")))
		h.at(time.Second + 1)
		require.Equal(h, []string{"db"}, h.suppressed())
		for _, o := range h.master.Snapshot().Offers {
			require.Equal(h, "web", o.Role)
		}
		require.NoError(h, h.sched.Submit(ctx, large("b", "")))
		h.at(time.Second + 10*time.Millisecond)
		require.Empty(h, h.suppressed())

		h.at(20 * time.Second)
		h.master.CutStreams()
		h.at(21 * time.Second)
		require.Empty(h, h.suppressed(), "the next subscription says so as well")
		_, err := h.sched.Kill(ctx, "b")
		require.NoError(h, err)
		h.at(21*time.Second + 100*time.Millisecond - 1)
		require.Empty(h, h.suppressed(), "it may be wanted again at once")
		h.at(21*time.Second + 100*time.Millisecond)
		require.Equal(h, []string{"db"}, h.suppressed())
		h.master.CutStreams()
		h.at(23 * time.Second)
		require.Equal(h, []string{"db"}, h.suppressed())
	})
}

// Roles that are added and removed by UPDATE_FRAMEWORK: a new one is suppressed until a task can use it, and no
// call names one that was removed, since the master would ignore the whole call.
func TestDemandOfNewRoles(t *testing.T) {
	config := scheduler.Config{Framework: scheduler.Framework{User: "nobody", Roles: []string{"a", "b"}}}
	withHarness(t, mesostest.Config{Agents: agents(1)}, config, func(ctx context.Context, h *harness) {
		roles := func(roles ...string) {
			require.NoError(h, h.sched.Call(ctx, &calls.Call{Type: calls.Call_UPDATE_FRAMEWORK, UpdateFramework: &calls.Call_UpdateFramework{
				FrameworkInfo: mesos.FrameworkInfo{Name: "test", User: "nobody", Roles: roles, Checkpoint: optional(true),
					FailoverTimeout: optional(3600.0), Capabilities: []mesos.FrameworkInfo_Capability{{Type: mesos.FrameworkInfo_Capability_MULTI_ROLE}}},
			}}))
		}
		require.NoError(h, h.sched.Submit(ctx, large("a", "a")))
		h.at(time.Second)
		require.Equal(h, []string{"b"}, h.suppressed())
		roles("a", "c")
		require.Equal(h, []string{"c"}, h.suppressed())
		require.NoError(h, h.sched.Submit(ctx, large("any", "")))
		h.at(2 * time.Second)
		require.Empty(h, h.suppressed(), "also the one that is new")
		roles("c", "b", "a")
		h.at(3 * time.Second)
		require.Empty(h, h.suppressed(), "also one that is back")
		roles("b", "c")
		_, err := h.sched.Kill(ctx, "any")
		require.NoError(h, err)
		h.at(4 * time.Second)
		require.Equal(h, []string{"b", "c"}, h.suppressed(), "the task that is left is of a role that has gone")
	})
}

// A REVIVE that the master accepted and lost is repeated after 30 s. (An UPDATE_FRAMEWORK would have the same effect.)
func TestLostRevive(t *testing.T) {
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Offers: scheduler.OfferPolicy{NoOfferConstraints: true}}, func(ctx context.Context, h *harness) {
		h.at(time.Second)
		h.master.Intercept(func(c *calls.Call) mesostest.Fault {
			if c.Type == calls.Call_REVIVE && time.Since(h.began) < 30*time.Second {
				return mesostest.Swallow
			}
			return mesostest.Pass
		})
		_, err := h.sched.Launch(ctx, sleeper("a"))
		require.NoError(h, err)
		require.Equal(h, 31*time.Second+100*time.Millisecond, time.Since(h.began))
	})
}

// Refusals last while nothing is pending, and are lifted by a new task.
func TestRefusedForLong(t *testing.T) {
	withHarness(t, mesostest.Config{Agents: agents(2)}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		var refused []float64
		h.master.Intercept(func(c *calls.Call) mesostest.Fault {
			if f := c.GetAccept().GetFilters(); f != nil {
				refused = append(refused, f.GetRefuseSeconds())
			}
			if f := c.GetDecline().GetFilters(); f != nil {
				refused = append(refused, f.GetRefuseSeconds())
			}
			return mesostest.Pass
		})
		_, err := h.sched.Launch(ctx, sleeper("a"))
		require.NoError(h, err)
		h.at(10 * time.Second)
		require.Len(h, refused, 2, "what the launch left over, and the other agent's offer")
		for _, seconds := range refused {
			require.GreaterOrEqual(h, seconds, time.Hour.Seconds())
			require.LessOrEqual(h, seconds, 1.25*time.Hour.Seconds())
		}
		_, err = h.sched.Launch(ctx, sleeper("b"))
		require.NoError(h, err)
		require.Equal(h, 10*time.Second+100*time.Millisecond, time.Since(h.began), "lifted at once")
	})
}

// On standby offers are held, up to the limits, while nothing is pending. A task is launched on one without
// waiting for the master, and at the end of Run the master has them back at once.
func TestHeldOffers(t *testing.T) {
	config := scheduler.Config{Offers: scheduler.OfferPolicy{Hold: time.Minute, HoldMax: 3}}
	withHarness(t, mesostest.Config{Agents: agents(5)}, config, func(ctx context.Context, h *harness) {
		h.at(time.Second)
		require.Len(h, h.master.Snapshot().Offers, 3)
		require.Equal(h, []string{"*"}, h.suppressed(), "more are not wanted")
		h.at(10 * time.Second)
		require.Len(h, h.master.Snapshot().Offers, 3)
		before := h.master.Snapshot().Calls
		_, err := h.sched.Launch(ctx, sleeper("a"))
		require.NoError(h, err)
		require.Equal(h, 10*time.Second+100*time.Millisecond, time.Since(h.began), "the agent's time to start an executor, nothing else")
		after := h.master.Snapshot()
		require.Equal(h, before[calls.Call_REVIVE], after.Calls[calls.Call_REVIVE])
		require.Len(h, after.Offers, 2)

		h.at(50 * time.Second)
		require.Len(h, h.master.Snapshot().Offers, 3, "others had 30 s for what was refused, and what was used is replaced")
		h.stop()
		require.ErrorIs(h, h.end(), context.Canceled)
		h.at(50*time.Second + 1)
		state := h.master.Snapshot()
		require.Empty(h, state.Offers)
		require.Len(h, state.Frameworks, 1, "it lives on, with its task")
		require.Len(h, state.Running, 1)
	})
}

// Each held offer is declined when its own time is over.
func TestHeldOffersGoBackOneByOne(t *testing.T) {
	config := scheduler.Config{Offers: scheduler.OfferPolicy{Hold: 10 * time.Second, Refuse: time.Hour}}
	withHarness(t, mesostest.Config{Agents: agents(2)}, config, func(ctx context.Context, h *harness) {
		_, err := h.sched.Launch(ctx, sleeper("a"))
		require.NoError(h, err)
		h.at(5500 * time.Millisecond)
		require.Len(h, h.master.Snapshot().Offers, 1, "that of the other agent")
		_, err = h.sched.Kill(ctx, "a")
		require.NoError(h, err)
		h.at(6100 * time.Millisecond)
		require.Len(h, h.master.Snapshot().Offers, 2, "what the task had, from 6 s on")
		h.at(10*time.Second - 1)
		require.Len(h, h.master.Snapshot().Offers, 2)
		h.at(10 * time.Second)
		require.Len(h, h.master.Snapshot().Offers, 1)
		h.at(16*time.Second - 1)
		require.Len(h, h.master.Snapshot().Offers, 1)
		h.at(16 * time.Second)
		require.Empty(h, h.master.Snapshot().Offers)
		require.Empty(h, h.suppressed(), "more are wanted, once the refusals have ended")
	})
}

// Tasks that come one after another go to one agent if they wait for it, and else to the next offer at hand.
func TestWaitPreferred(t *testing.T) {
	for name, c := range map[string]struct {
		wait   time.Duration
		agents int
	}{"waiting": {2 * time.Second, 1}, "not waiting": {0, 4}} {
		t.Run(name, func(t *testing.T) {
			config := scheduler.Config{Offers: scheduler.OfferPolicy{WaitPreferred: c.wait}}
			withHarness(t, mesostest.Config{Agents: agents(4)}, config, func(ctx context.Context, h *harness) {
				used := map[string]bool{}
				for i, id := range []string{"a", "b", "c", "d"} {
					h.at(time.Second + time.Duration(i)*10*time.Millisecond)
					require.NoError(h, h.sched.Submit(ctx, task.Spec{ID: id, CPUs: 0.1, Mem: 32, Command: task.Command{Shell: "sleep 3600"}}))
				}
				h.at(1500 * time.Millisecond)
				all, err := h.sched.Tasks(ctx)
				require.NoError(h, err)
				for _, info := range all {
					require.Equal(h, task.StateRunning, info.State)
					used[info.AgentID] = true
				}
				require.Len(h, used, c.agents)
			})
		})
	}
}

// The preferred agent is lost: others wait for it for as long as the policy says, and no longer.
func TestWaitPreferredInVain(t *testing.T) {
	config := scheduler.Config{Offers: scheduler.OfferPolicy{WaitPreferred: 2 * time.Second}}
	withHarness(t, mesostest.Config{Agents: agents(2)}, config, func(ctx context.Context, h *harness) {
		first, err := h.sched.Launch(ctx, sleeper("a"))
		require.NoError(h, err)
		require.True(h, h.master.LoseAgent(first.Hostname))
		second, err := h.sched.Launch(ctx, sleeper("b"))
		require.NoError(h, err)
		require.Equal(h, 2*time.Second+100*time.Millisecond, time.Since(h.began))
		require.NotEqual(h, first.AgentID, second.AgentID)
	})
}

// Held offers can be in the way of a task of another role. It must not wait until their time is over.
func TestHeldOffersGiveWay(t *testing.T) {
	config := scheduler.Config{
		Framework: scheduler.Framework{Roles: []string{"db", "web"}}, Offers: scheduler.OfferPolicy{Hold: 24 * time.Hour, HoldMax: 20},
	}
	withHarness(t, mesostest.Config{Agents: agents(1)}, config, func(ctx context.Context, h *harness) {
		for i, role := range []string{"db", "web", "web", "db", "db"} {
			h.at(time.Duration(i+1) * time.Minute)
			began := time.Now()
			spec := sleeper(role + string(rune('0'+i)))
			spec.Role, spec.CPUs = role, 0.5
			_, err := h.sched.Launch(ctx, spec)
			require.NoError(h, err)
			require.LessOrEqual(h, time.Since(began), 1300*time.Millisecond, "a moment, an allocation and the start of an executor")
		}
	})
}

// Nor must a task wait that needs two offers together, of which the master does not send the second as too small.
func TestHeldOffersMakeRoom(t *testing.T) {
	config := scheduler.Config{Offers: scheduler.OfferPolicy{Hold: 24 * time.Hour}}
	withHarness(t, mesostest.Config{Agents: agents(1)}, config, func(ctx context.Context, h *harness) {
		half := sleeper("half")
		half.CPUs = 2
		_, err := h.sched.Launch(ctx, half)
		require.NoError(h, err)
		h.at(time.Minute)
		whole := sleeper("whole")
		whole.CPUs = 4
		require.NoError(h, h.sched.Submit(ctx, whole))
		h.at(2 * time.Minute)
		_, err = h.sched.Kill(ctx, "half")
		require.NoError(h, err)
		h.at(2*time.Minute + 2*time.Second)
		info, err := h.sched.Task(ctx, "whole")
		require.NoError(h, err)
		require.Equal(h, task.StateRunning, info.State)
	})
}

// However long nothing happened, and whatever waits already, a task that fits somewhere is launched at once, that is
// without waiting for a tick of the master's allocation.
func TestLaunchedAtOnce(t *testing.T) {
	misfit := large("misfit", "")
	misfit.Constraints = []task.Constraint{{Attribute: task.AttributeHostname, Operator: task.OpIs, Value: "agent2.example"}}
	for name, c := range map[string]struct {
		offers scheduler.OfferPolicy
		roles  []string
		before []task.Spec
		role   string
	}{
		"nothing waits":                   {},
		"long refusals":                   {offers: scheduler.OfferPolicy{Refuse: 24 * time.Hour}},
		"something waits":                 {before: []task.Spec{large("a", "")}, offers: scheduler.OfferPolicy{Refuse: 24 * time.Hour}},
		"the master is told of it":        {before: []task.Spec{misfit}},
		"offers are held":                 {offers: scheduler.OfferPolicy{Hold: time.Hour}},
		"several roles":                   {roles: []string{"a", "b", "c"}, role: "b"},
		"any of several roles":            {roles: []string{"a", "b", "c"}},
		"another role waits":              {roles: []string{"a", "b"}, role: "b", before: []task.Spec{large("a", "a")}},
		"another role waits, filtered":    {roles: []string{"a", "b"}, role: "b", before: []task.Spec{misfit, large("a", "a")}},
		"a preferred agent is waited for": {offers: scheduler.OfferPolicy{WaitPreferred: 2 * time.Second}},
		"cycles are counted":              {before: []task.Spec{misfit}, offers: scheduler.OfferPolicy{MaxCycles: 1e6}},
	} {
		t.Run(name, func(t *testing.T) {
			config := scheduler.Config{Framework: scheduler.Framework{Roles: c.roles}, Offers: c.offers}
			withHarness(t, mesostest.Config{Agents: agents(3)}, config, func(ctx context.Context, h *harness) {
				for _, spec := range c.before {
					require.NoError(h, h.sched.Submit(ctx, spec))
				}
				for i, idle := range []time.Duration{time.Second, 10 * time.Second, time.Minute, 10 * time.Minute, 5 * time.Hour} {
					time.Sleep(idle + 123456789)
					began := time.Now()
					spec := sleeper("t" + string(rune('0'+i)))
					spec.Role, spec.CPUs = c.role, 0.5
					_, err := h.sched.Launch(ctx, spec)
					require.NoError(h, err)
					require.Equal(h, 100*time.Millisecond, time.Since(began), "after %v: the start of an executor, nothing else", idle)
				}
			})
		})
	}
}
