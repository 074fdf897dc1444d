package scheduler

import (
	"slices"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// policyOf is one of eight policies.
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
	c.policy(options)
}

// role is one of the framework's, or sometimes, if it has several, otherwise.
func (c *checker) role(n int, otherwise string) string {
	roles := c.machine.settings.framework.Roles
	if len(roles) == 1 || n%3 == 2 && otherwise == "" {
		return otherwise
	}
	return roles[n%len(roles)]
}

func (c *checker) toldBySubscribing(s *scheduler.Call_Subscribe) {
	for _, role := range s.FrameworkInfo.Roles {
		c.revived[role] = !slices.Contains(s.SuppressedRoles, role)
	}
}

// tell takes a call as a master does.
func (c *checker) tell(roles []string, revived bool) {
	if len(roles) == 0 {
		roles = c.machine.settings.framework.Roles
	}
	for _, role := range roles {
		require.Contains(c.t, c.machine.settings.framework.Roles, role, "the master ignores this call")
		c.revived[role] = revived
	}
}

// toldInVain takes it back.
func (c *checker) toldInVain(in callDone) {
	if in.outcome == accepted || in.stream != c.machine.stream || !c.open {
		return
	}
	switch in.call.GetType() {
	case scheduler.Call_REVIVE:
		c.tell(in.call.Revive.Roles, false)
	case scheduler.Call_SUPPRESS:
		c.tell(in.call.Suppress.Roles, true)
	}
}

// checkDemand compares what the master was told with the pending tasks, and the offers that are kept
// from others with the policy.
func (c *checker) checkDemand() {
	m := c.machine
	pending := map[string]int{}
	for _, r := range m.tasks {
		if r.info.State == task.Pending {
			pending[r.info.Spec.Role]++
		}
	}
	for role, d := range m.demands {
		require.Equal(c.t, pending[role], d.pending, "pending tasks of role %q", role)
	}
	if !c.open || m.tearing || m.storeFailures > 0 || m.phase != connected || m.wantsCycle() {
		return
	}
	soon := !m.deadline().IsZero() && !m.deadline().After(c.now.Add(callRetry))
	for _, role := range m.settings.framework.Roles {
		if needed := pending[role]+pending[""] > 0; needed || !m.standby() {
			require.True(c.t, c.revived[role] == needed || soon, "role %s: revived is %v", role, c.revived[role])
		}
	}
	if m.writing && c.disk != nil { // an offer may be in a launch that waits for the store
		return
	}
	kept, onAgent := 0, map[string]int{}
	for _, o := range c.arrived {
		if age := c.now.Sub(o.at); c.offers[o.id] == 0 && age >= DefaultHold && m.deadline().After(c.now) {
			kept++
			onAgent[o.agent]++
			require.LessOrEqual(c.t, onAgent[o.agent], m.settings.holdPerAgent, "offers of agent %s", o.agent)
			require.Less(c.t, age, m.settings.hold, "offer %s", o.id)
		}
	}
	require.LessOrEqual(c.t, kept, m.settings.holdMax)
}
