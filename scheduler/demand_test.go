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

// suppressed are the roles for which the master has nothing to offer.
func (w *world) suppressed() []string { return w.master.Snapshot().Frameworks[0].Suppressed }

func giant(id, role string) task.Spec {
	spec := sleeper(id)
	spec.Role, spec.CPUs = role, 64
	return spec
}

// Each role is offered to while a task can use it, and for 100 ms after that.
func TestDemandByRole(t *testing.T) {
	config := scheduler.Config{Framework: scheduler.Framework{Roles: []string{"db", "web"}}}
	inWorld(t, mesostest.Config{Agents: agents(2)}, config, func(ctx context.Context, w *world) {
		w.at(time.Second)
		require.Equal(w, []string{"db", "web"}, w.suppressed())
		require.NoError(w, w.sched.Submit(ctx, giant("a", "web")))
		w.at(time.Second + 1)
		require.Equal(w, []string{"db"}, w.suppressed())
		for _, o := range w.master.Snapshot().Offers {
			require.Equal(w, "web", o.Role)
		}
		require.NoError(w, w.sched.Submit(ctx, giant("b", "")))
		w.at(time.Second + 10*time.Millisecond)
		require.Empty(w, w.suppressed())

		w.at(20 * time.Second)
		w.master.CutStreams()
		w.at(21 * time.Second)
		require.Empty(w, w.suppressed(), "the next subscription says so as well")
		_, err := w.sched.Kill(ctx, "b")
		require.NoError(w, err)
		w.at(21*time.Second + 100*time.Millisecond - 1)
		require.Empty(w, w.suppressed(), "it may be wanted again at once")
		w.at(21*time.Second + 100*time.Millisecond)
		require.Equal(w, []string{"db"}, w.suppressed())
		w.master.CutStreams()
		w.at(23 * time.Second)
		require.Equal(w, []string{"db"}, w.suppressed())
	})
}

// Roles that come and go with UPDATE_FRAMEWORK: a new one is suppressed until a task can use it, and no
// call names one that has gone, for which the master would ignore it.
func TestDemandOfNewRoles(t *testing.T) {
	config := scheduler.Config{Framework: scheduler.Framework{User: "nobody", Roles: []string{"a", "b"}}}
	inWorld(t, mesostest.Config{Agents: agents(1)}, config, func(ctx context.Context, w *world) {
		roles := func(roles ...string) {
			require.NoError(w, w.sched.Call(ctx, &calls.Call{Type: calls.Call_UPDATE_FRAMEWORK, UpdateFramework: &calls.Call_UpdateFramework{
				FrameworkInfo: mesos.FrameworkInfo{Name: "test", User: "nobody", Roles: roles, Checkpoint: optional(true),
					FailoverTimeout: optional(3600.0), Capabilities: []mesos.FrameworkInfo_Capability{{Type: mesos.FrameworkInfo_Capability_MULTI_ROLE}}},
			}}))
		}
		require.NoError(w, w.sched.Submit(ctx, giant("a", "a")))
		w.at(time.Second)
		require.Equal(w, []string{"b"}, w.suppressed())
		roles("a", "c")
		require.Equal(w, []string{"c"}, w.suppressed())
		require.NoError(w, w.sched.Submit(ctx, giant("any", "")))
		w.at(2 * time.Second)
		require.Empty(w, w.suppressed(), "also the one that is new")
		roles("c", "b", "a")
		w.at(3 * time.Second)
		require.Empty(w, w.suppressed(), "also one that is back")
		roles("b", "c")
		_, err := w.sched.Kill(ctx, "any")
		require.NoError(w, err)
		w.at(4 * time.Second)
		require.Equal(w, []string{"b", "c"}, w.suppressed(), "the task that is left is of a role that has gone")
	})
}

// A REVIVE that the master took and lost is made again after 30 s. (An UPDATE_FRAMEWORK would make up for it.)
func TestLostRevive(t *testing.T) {
	inWorld(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Offers: scheduler.OfferPolicy{NoOfferConstraints: true}}, func(ctx context.Context, w *world) {
		w.at(time.Second)
		w.master.Intercept(func(c *calls.Call) mesostest.Fault {
			if c.Type == calls.Call_REVIVE && time.Since(w.began) < 30*time.Second {
				return mesostest.Swallow
			}
			return mesostest.Pass
		})
		_, err := w.sched.Launch(ctx, sleeper("a"))
		require.NoError(w, err)
		require.Equal(w, 31*time.Second+100*time.Millisecond, time.Since(w.began))
	})
}

// Refusals last while nothing is pending, and are lifted when that changes.
func TestRefusedForLong(t *testing.T) {
	inWorld(t, mesostest.Config{Agents: agents(2)}, scheduler.Config{}, func(ctx context.Context, w *world) {
		var refused []float64
		w.master.Intercept(func(c *calls.Call) mesostest.Fault {
			if f := c.GetAccept().GetFilters(); f != nil {
				refused = append(refused, f.GetRefuseSeconds())
			}
			if f := c.GetDecline().GetFilters(); f != nil {
				refused = append(refused, f.GetRefuseSeconds())
			}
			return mesostest.Pass
		})
		_, err := w.sched.Launch(ctx, sleeper("a"))
		require.NoError(w, err)
		w.at(10 * time.Second)
		require.Len(w, refused, 2, "what the launch left over, and the other agent's offer")
		for _, seconds := range refused {
			require.GreaterOrEqual(w, seconds, time.Hour.Seconds())
			require.LessOrEqual(w, seconds, 1.25*time.Hour.Seconds())
		}
		_, err = w.sched.Launch(ctx, sleeper("b"))
		require.NoError(w, err)
		require.Equal(w, 10*time.Second+100*time.Millisecond, time.Since(w.began), "lifted at once")
	})
}

// On standby offers are kept, up to the caps, while nothing is pending. A task is launched on one without
// a word from the master, and at the end of Run the master has them back at once.
func TestHeldOffers(t *testing.T) {
	config := scheduler.Config{Offers: scheduler.OfferPolicy{Hold: time.Minute, HoldMax: 3}}
	inWorld(t, mesostest.Config{Agents: agents(5)}, config, func(ctx context.Context, w *world) {
		w.at(time.Second)
		require.Len(w, w.master.Snapshot().Offers, 3)
		require.Equal(w, []string{"*"}, w.suppressed(), "more are not wanted")
		w.at(10 * time.Second)
		require.Len(w, w.master.Snapshot().Offers, 3)
		before := w.master.Snapshot().Calls
		_, err := w.sched.Launch(ctx, sleeper("a"))
		require.NoError(w, err)
		require.Equal(w, 10*time.Second+100*time.Millisecond, time.Since(w.began), "the agent's time to start an executor, nothing else")
		after := w.master.Snapshot()
		require.Equal(w, before[calls.Call_REVIVE], after.Calls[calls.Call_REVIVE])
		require.Len(w, after.Offers, 2)

		w.at(50 * time.Second)
		require.Len(w, w.master.Snapshot().Offers, 3, "others had 30 s for what was refused, and what was used is replaced")
		w.stop()
		require.ErrorIs(w, w.end(), context.Canceled)
		w.at(50*time.Second + 1)
		state := w.master.Snapshot()
		require.Empty(w, state.Offers)
		require.Len(w, state.Frameworks, 1, "it lives on, with its task")
		require.Len(w, state.Running, 1)
	})
}

// Each held offer goes back when its own time is over.
func TestHeldOffersGoBackOneByOne(t *testing.T) {
	config := scheduler.Config{Offers: scheduler.OfferPolicy{Hold: 10 * time.Second, Refuse: time.Hour}}
	inWorld(t, mesostest.Config{Agents: agents(2)}, config, func(ctx context.Context, w *world) {
		_, err := w.sched.Launch(ctx, sleeper("a"))
		require.NoError(w, err)
		w.at(5500 * time.Millisecond)
		require.Len(w, w.master.Snapshot().Offers, 1, "that of the other agent")
		_, err = w.sched.Kill(ctx, "a")
		require.NoError(w, err)
		w.at(6100 * time.Millisecond)
		require.Len(w, w.master.Snapshot().Offers, 2, "what the task had, from 6 s on")
		w.at(10*time.Second - 1)
		require.Len(w, w.master.Snapshot().Offers, 2)
		w.at(10 * time.Second)
		require.Len(w, w.master.Snapshot().Offers, 1)
		w.at(16*time.Second - 1)
		require.Len(w, w.master.Snapshot().Offers, 1)
		w.at(16 * time.Second)
		require.Empty(w, w.master.Snapshot().Offers)
		require.Empty(w, w.suppressed(), "more are wanted, once the refusals have ended")
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
			inWorld(t, mesostest.Config{Agents: agents(4)}, config, func(ctx context.Context, w *world) {
				used := map[string]bool{}
				for i, id := range []string{"a", "b", "c", "d"} {
					w.at(time.Second + time.Duration(i)*10*time.Millisecond)
					require.NoError(w, w.sched.Submit(ctx, task.Spec{ID: id, CPUs: 0.1, Mem: 32, Command: task.Command{Shell: "sleep 3600"}}))
				}
				w.at(1500 * time.Millisecond)
				all, err := w.sched.Tasks(ctx)
				require.NoError(w, err)
				for _, info := range all {
					require.Equal(w, task.Running, info.State)
					used[info.AgentID] = true
				}
				require.Len(w, used, c.agents)
			})
		})
	}
}

// The preferred agent is lost: others wait for it for as long as the policy says, and no longer.
func TestWaitPreferredInVain(t *testing.T) {
	config := scheduler.Config{Offers: scheduler.OfferPolicy{WaitPreferred: 2 * time.Second}}
	inWorld(t, mesostest.Config{Agents: agents(2)}, config, func(ctx context.Context, w *world) {
		first, err := w.sched.Launch(ctx, sleeper("a"))
		require.NoError(w, err)
		require.True(w, w.master.LoseAgent(first.Hostname))
		second, err := w.sched.Launch(ctx, sleeper("b"))
		require.NoError(w, err)
		require.Equal(w, 2*time.Second+100*time.Millisecond, time.Since(w.began))
		require.NotEqual(w, first.AgentID, second.AgentID)
	})
}

// What is kept for tasks to come is in the way of one of another role, which must not wait until its time is over.
func TestHeldOffersGiveWay(t *testing.T) {
	config := scheduler.Config{
		Framework: scheduler.Framework{Roles: []string{"db", "web"}}, Offers: scheduler.OfferPolicy{Hold: 24 * time.Hour, HoldMax: 20},
	}
	inWorld(t, mesostest.Config{Agents: agents(1)}, config, func(ctx context.Context, w *world) {
		for i, role := range []string{"db", "web", "web", "db", "db"} {
			w.at(time.Duration(i+1) * time.Minute)
			began := time.Now()
			spec := sleeper(role + string(rune('0'+i)))
			spec.Role, spec.CPUs = role, 0.5
			_, err := w.sched.Launch(ctx, spec)
			require.NoError(w, err)
			require.LessOrEqual(w, time.Since(began), 1300*time.Millisecond, "a moment, an allocation and the start of an executor")
		}
	})
}

// Nor must one wait that needs the room of two offers, of which the master keeps back the second as too small.
func TestHeldOffersMakeRoom(t *testing.T) {
	config := scheduler.Config{Offers: scheduler.OfferPolicy{Hold: 24 * time.Hour}}
	inWorld(t, mesostest.Config{Agents: agents(1)}, config, func(ctx context.Context, w *world) {
		half := sleeper("half")
		half.CPUs = 2
		_, err := w.sched.Launch(ctx, half)
		require.NoError(w, err)
		w.at(time.Minute)
		whole := sleeper("whole")
		whole.CPUs = 4
		require.NoError(w, w.sched.Submit(ctx, whole))
		w.at(2 * time.Minute)
		_, err = w.sched.Kill(ctx, "half")
		require.NoError(w, err)
		w.at(2*time.Minute + 2*time.Second)
		info, err := w.sched.Task(ctx, "whole")
		require.NoError(w, err)
		require.Equal(w, task.Running, info.State)
	})
}

// However long nothing happened, and whatever waits already, a task that fits somewhere is launched at once, that is
// without waiting for a tick of the master's allocation.
func TestLaunchedAtOnce(t *testing.T) {
	misfit := giant("misfit", "")
	misfit.Constraints = []task.Constraint{{Attribute: task.Hostname, Operator: task.Is, Value: "agent2.example"}}
	for name, c := range map[string]struct {
		offers scheduler.OfferPolicy
		roles  []string
		before []task.Spec
		role   string
	}{
		"nothing waits":                   {},
		"long refusals":                   {offers: scheduler.OfferPolicy{Refuse: 24 * time.Hour}},
		"something waits":                 {before: []task.Spec{giant("a", "")}, offers: scheduler.OfferPolicy{Refuse: 24 * time.Hour}},
		"the master is told of it":        {before: []task.Spec{misfit}},
		"offers are held":                 {offers: scheduler.OfferPolicy{Hold: time.Hour}},
		"several roles":                   {roles: []string{"a", "b", "c"}, role: "b"},
		"any of several roles":            {roles: []string{"a", "b", "c"}},
		"another role waits":              {roles: []string{"a", "b"}, role: "b", before: []task.Spec{giant("a", "a")}},
		"another role waits, filtered":    {roles: []string{"a", "b"}, role: "b", before: []task.Spec{misfit, giant("a", "a")}},
		"a preferred agent is waited for": {offers: scheduler.OfferPolicy{WaitPreferred: 2 * time.Second}},
		"cycles are counted":              {before: []task.Spec{misfit}, offers: scheduler.OfferPolicy{MaxCycles: 1e6}},
	} {
		t.Run(name, func(t *testing.T) {
			config := scheduler.Config{Framework: scheduler.Framework{Roles: c.roles}, Offers: c.offers}
			inWorld(t, mesostest.Config{Agents: agents(3)}, config, func(ctx context.Context, w *world) {
				for _, spec := range c.before {
					require.NoError(w, w.sched.Submit(ctx, spec))
				}
				for i, idle := range []time.Duration{time.Second, 10 * time.Second, time.Minute, 10 * time.Minute, 5 * time.Hour} {
					time.Sleep(idle + 123456789)
					began := time.Now()
					spec := sleeper("t" + string(rune('0'+i)))
					spec.Role, spec.CPUs = c.role, 0.5
					_, err := w.sched.Launch(ctx, spec)
					require.NoError(w, err)
					require.Equal(w, 100*time.Millisecond, time.Since(began), "after %v: the start of an executor, nothing else", idle)
				}
			})
		})
	}
}
