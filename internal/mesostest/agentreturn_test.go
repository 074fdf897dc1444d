package mesostest

import (
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"
)

const wholeFree = "ports:[31000-31999]; cpus:4; mem:4096; disk:10000"

// An agent that was unreachable comes back with what its executors and tasks still hold.
func TestAccountsOfAnAgentThatReturns(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent(), AgentPingTimeout: 5 * time.Second}, func(c *cluster) {
		s := launchedGroup(c, checkpointing(), "sleep 3", "sleep 600")
		c.at(time.Second)
		c.master.FreezeAgent(lostAgent)
		c.at(7500 * time.Millisecond)
		c.master.ReturnAgent(lostAgent)
		c.at(8500 * time.Millisecond)
		s.ackAll()
		s.call(202, &scheduler.Call{Type: scheduler.Call_SUPPRESS})
		accounts := func() (free string, held quantities) {
			c.master.RescindOffers()
			c.master.must(func() { held = c.master.shares[shareKey{role: "test", framework: s.fid.Value}].held })
			return c.master.Snapshot().Agents[0].Free, held
		}
		free, held := accounts()
		require.Equal(t, "ports:[31000-31999]; cpus:3.8; mem:4032; disk:9990", free, "all but the executor and one task")
		require.Equal(t, quantities{200, 64_000, 10_000}, held)
		s.kill("b")
		c.at(10 * time.Second)
		s.ackAll()
		c.at(12 * time.Second)
		free, held = accounts()
		require.Equal(t, wholeFree, free)
		require.Equal(t, quantities{}, held)
	})
}

func TestAgentReturnsAfterItsFrameworkIsRemoved(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent(), AgentPingTimeout: 5 * time.Second}, func(c *cluster) {
		s := launchedGroup(c, checkpointing(), "sleep 600", "sleep 600")
		c.at(time.Second)
		c.master.FreezeAgent(lostAgent)
		c.at(7500 * time.Millisecond)
		s.close()
		c.master.ReturnAgent(lostAgent)
		c.at(8 * time.Second)
		require.Equal(t, wholeFree, c.master.Snapshot().Agents[0].Free)
	})
}

func TestFrozenThenKilledAgentIsGivenUpOnce(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent(), AgentPingTimeout: 5 * time.Second, HeartbeatInterval: time.Hour}, func(c *cluster) {
		s := c.subscribe(frameworkInfo())
		c.at(time.Second)
		c.master.FreezeAgent(lostAgent)
		c.at(3 * time.Second)
		c.master.LoseAgent(lostAgent)
		c.at(time.Minute)
		require.Equal(t, []string{"3 RESCIND", "7 FAILURE"}, s.since(time.Second))
	})
}

func TestAddressOfARegisteredAgentIsNotTakenOver(t *testing.T) {
	inBubble(t, Config{}, func(c *cluster) {
		require.NoError(t, c.master.AddAgent(Agent{Port: 5051}))
		require.NoError(t, c.master.AddAgent(Agent{Port: 5051}))
		require.Len(t, c.master.Snapshot().Agents, 2)
	})
}

// BEHAVIOUR section 3: user and checkpoint are silently kept, and the heart beats from the new start.
func TestResubscribeAfterADisconnection(t *testing.T) {
	inBubble(t, Config{}, func(c *cluster) {
		info := withFailoverTimeout(time.Minute)
		info.Checkpoint = ptr(true)
		s := c.subscribe(info)
		c.at(5 * time.Second)
		s.close()
		c.at(7 * time.Second)
		info.ID, info.Checkpoint, info.User = s.fid, nil, "other"
		again := c.subscribe(info)
		c.at(30 * time.Second)
		require.Equal(t, []string{"7 SUBSCRIBED", "7 HEARTBEAT", "22 HEARTBEAT"}, again.log())
		c.master.must(func() {
			require.True(t, c.master.order[0].info.GetCheckpoint())
			require.Equal(t, "root", c.master.order[0].info.User)
		})
	})
}

func TestReviveOfOneRoleKeepsTheFiltersOfOthers(t *testing.T) {
	inBubble(t, Config{Agents: make([]Agent, 2)}, func(c *cluster) {
		s := c.subscribe(frameworkInfo("a", "b"))
		for _, o := range s.offers() {
			s.decline(o, refuse(1000))
		}
		// Each role has now refused one agent. REVIVE of a role that has refused both:
		c.at(time.Second)
		for _, o := range s.offers()[2:] {
			s.decline(o, refuse(1000))
		}
		s.call(202, &scheduler.Call{Type: scheduler.Call_REVIVE, Revive: &scheduler.Call_Revive{Roles: []string{"a"}}})
		require.Len(t, s.offers(), 6)
		for _, o := range s.offers()[4:] {
			require.Equal(t, "a", o.AllocationInfo.GetRole())
		}
	})
}

func TestTimersOfOneInstant(t *testing.T) {
	var (
		ts  timers
		got []string
	)
	now := time.Unix(1, 0)
	say := func(word string) func() { return func() { got = append(got, word) } }
	ts.addLast(now, say("last"))
	for _, word := range []string{"first", "second", "third"} {
		ts.add(now, say(word))
	}
	ts.add(now.Add(1), say("later"))
	ts.add(now, say("stopped")).stop()
	ts.run(now)
	require.Equal(t, []string{"first", "second", "third", "last"}, got)
}
