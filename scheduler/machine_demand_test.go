package scheduler

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/demand"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// policyOf sets one of 32 policies.
func (c *checker) policyOf(n int) {
	options := map[string]string{}
	if n&1 > 0 {
		options["roles"] = "a,b"
	}
	if n&2 > 0 {
		options["hold"], options["max"], options["agent"] = "10s", "3", "2"
	}
	if n&4 > 0 {
		options["prefer"] = "2s"
	}
	if n&8 > 0 { // whatever runs there
		c.configure(func(set *settings) { set.inverse = func(InverseOffer) bool { return true } })
	}
	if n&16 > 0 {
		options["maxwait"] = "100s"
	}
	c.policy(options)
}

// role returns one of the framework's roles or sometimes, if it has several, otherwise.
func (c *checker) role(n int, otherwise string) string {
	roles := c.machine.conn.info.Roles
	if len(roles) == 1 || n%3 == 2 && otherwise == "" {
		return otherwise
	}
	return roles[n%len(roles)]
}

func (c *checker) noteSubscribe(s *scheduler.Call_Subscribe) {
	for _, role := range s.FrameworkInfo.Roles {
		c.revived[role] = !slices.Contains(s.SuppressedRoles, role)
	}
}

// noteCall takes a SUPPRESS or REVIVE as a master does.
func (c *checker) noteCall(roles []string, revived bool) {
	if len(roles) == 0 {
		roles = c.machine.conn.info.Roles
	}
	for _, role := range roles {
		require.Contains(c.t, c.machine.conn.info.Roles, role, "the master ignores this call")
		c.revived[role] = revived
	}
}

// undoCall undoes noteCall for a call that had no effect.
func (c *checker) undoCall(in callDone) {
	if in.outcome == accepted || in.stream != c.machine.conn.stream || !c.open {
		return
	}
	switch in.call.GetType() {
	case scheduler.Call_REVIVE:
		c.noteCall(in.call.Revive.Roles, false)
	case scheduler.Call_SUPPRESS:
		c.noteCall(in.call.Suppress.Roles, true)
	}
}

// checkDemand compares what the master was told with the pending tasks, and the offers that are held
// with the policy.
func (c *checker) checkDemand() {
	m := c.machine
	pending := map[string]int{}
	for _, e := range m.tasks.byID {
		if e.Info.State == task.StatePending {
			pending[e.Info.Spec.Base().Role]++
		}
	}
	for _, role := range slices.Concat(slices.Sorted(maps.Keys(pending)), m.conn.info.Roles, []string{""}) {
		require.Equal(c.t, pending[role], m.demand.Pending(role), "pending tasks of role %q", role)
	}
	if !c.open || m.teardown.wanted || m.storage.failing() || !m.conn.connected() || m.wantsCycle() {
		return
	}
	soon := !m.deadline().IsZero() && !m.deadline().After(c.now.Add(callRetry))
	if c.now.Before(m.backoff.until(demandCalls)) || m.backoff.closed(acceptCalls) || m.backoff.full(demandCalls) {
		soon = true // after the pause, or when earlier calls are answered: both have an end
	}
	for _, role := range m.conn.info.Roles {
		if needed := pending[role]+pending[""] > 0; needed || !m.pool.standby() {
			require.True(c.t, c.revived[role] == needed || soon, "role %s: revived is %v", role, c.revived[role])
		}
	}
	if m.storage.journal.Writing() && c.disk != nil { // an offer may be in a launch that waits for the store
		return
	}
	kept, onAgent := 0, map[string]int{}
	declined := c.waitingOffers()
	for _, o := range c.arrived {
		if declined[o.id] {
			continue
		}
		if age := c.now.Sub(o.at); c.offers[o.id] == 0 && age >= defaultHold && m.deadline().After(c.now) {
			kept++
			onAgent[o.agent]++
			require.LessOrEqual(c.t, onAgent[o.agent], m.settings.holdPerAgent, "offers of agent %s", o.agent)
			require.Less(c.t, age, m.settings.hold, "offer %s", o.id)
		}
	}
	require.LessOrEqual(c.t, kept, m.settings.holdMax)
}

// waitingOffers returns the offers whose DECLINE waits, since others have failed.
func (c *checker) waitingOffers() map[string]bool {
	waiting := map[string]bool{}
	for _, call := range c.machine.backoff.kinds[declineCalls].waiting {
		for _, id := range call.Decline.OfferIDs {
			waiting[id.Value] = true
		}
	}
	return waiting
}

// TestDemandControl is the negative test of checkDemand.
func TestDemandControl(t *testing.T) {
	for name, spoil := range map[string]func(*checker){
		"a task that is not counted":             func(c *checker) { c.machine.demand.AddPending("", -1) },
		"a role that nobody revives":             func(c *checker) { c.revived["a"] = false },
		"a role that nobody suppresses":          func(c *checker) { c.revived["b"] = true },
		"an offer that is kept for too long":     func(c *checker) { c.holdOffer(1, "a1", 10*time.Second) },
		"too many offers of an agent":            func(c *checker) { c.holdOffer(3, "a1", time.Second) },
		"too many offers":                        func(c *checker) { c.holdOffer(2, "a1", time.Second); c.holdOffer(2, "a2", time.Second) },
		"a call for a role that is not ours":     func(c *checker) { c.noteCall([]string{"x"}, true) },
		"a SUPPRESS of what a task needs":        func(c *checker) { c.noteCall([]string{"a"}, false) },
		"a REVIVE of which it is not known that": func(c *checker) { c.undoCall(callDone{stream: 1, outcome: unsent, call: reviveOf("a")}) },
	} {
		t.Run(name, func(t *testing.T) {
			c := newChecker(t)
			c.policy(map[string]string{"roles": "a,b", "max": "3", "agent": "2"}) // b is not wanted
			c.play('s', 0)
			c.play('b', 0)
			c.play('n', 0) // in role a
			c.now = c.now.Add(time.Second)
			c.feed(wake{})
			recorder := &recorder{}
			c.t = recorder
			c.checkDemand()
			require.False(t, recorder.failed, "as it is")
			if name != "a role that nobody suppresses" {
				c.machine.settings.hold = 10 * time.Second
				c.machine.pool.policy.hold = 10 * time.Second
			}
			func() {
				defer func() { _ = recover() }()
				spoil(c)
				c.checkDemand()
			}()
			require.True(t, recorder.failed)
		})
	}
}

// holdOffer makes the checker believe that offers are held.
func (c *checker) holdOffer(n int, agent string, age time.Duration) {
	for range n {
		c.arrived = append(c.arrived, arrival{agent + string(rune('0'+len(c.arrived))), agent, c.now.Add(-age)})
	}
}

func reviveOf(role string) *scheduler.Call {
	return &scheduler.Call{Type: scheduler.Call_REVIVE, Revive: &scheduler.Call_Revive{Roles: []string{role}}}
}

// TestRolesAreSuppressedWhenOffersGoBack: idleAfter of package demand and DefaultHold are meant to be equal.
func TestRolesAreSuppressedWhenOffersGoBack(t *testing.T) {
	now := time.Unix(0, 0)
	b := demand.New(demand.Config{Random: func() float64 { return 0 }})
	b.SetRoles([]string{"r"})
	b.AddPending("r", 1)
	c := demand.Conditions{MayCall: true}
	b.Subscribing(now, c)
	b.AddPending("r", -1)
	require.Empty(t, b.Follow(now, c))
	require.Equal(t, defaultHold, b.Deadline(c).Sub(now))
}

// TestRefusalsOfAnEarlierSchedulerAreLifted: the master may not have noticed that the scheduler before this one has gone, whose refusals
// then stay in force.
func TestRefusalsOfAnEarlierSchedulerAreLifted(t *testing.T) {
	for _, takesOver := range []bool{false, true} {
		now := time.Unix(0, 0)
		b := demand.New(demand.Config{Random: func() float64 { return 0 }})
		b.SetRoles([]string{"r"})
		b.AddPending("r", 1)
		c := demand.Conditions{MayCall: true}
		if takesOver {
			b.TakeOver()
		}
		b.Subscribing(now, c)
		calls := b.Follow(now, c)
		if !takesOver {
			require.Empty(t, calls, "it is subscribed as one that wants offers")
			continue
		}
		require.Equal(t, []demand.Call{{Revive: true}}, calls)
		require.Empty(t, b.Follow(now.Add(time.Second), c), "once")
	}
}
