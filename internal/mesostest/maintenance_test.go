package mesostest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"
)

func (s *stream) answerInverse(accept bool, filters *mesos.Filters) {
	s.c.t.Helper()
	all := s.received()
	var ids []mesos.OfferID
	for _, r := range all {
		for _, i := range r.event.GetInverseOffers().GetInverseOffers() {
			ids = append(ids[:0], i.OfferID)
		}
	}
	call := &scheduler.Call{
		Type:                 scheduler.Call_DECLINE_INVERSE_OFFERS,
		DeclineInverseOffers: &scheduler.Call_DeclineInverseOffers{InverseOfferIDs: ids, Filters: filters},
	}
	if accept {
		call = &scheduler.Call{
			Type:                scheduler.Call_ACCEPT_INVERSE_OFFERS,
			AcceptInverseOffers: &scheduler.Call_AcceptInverseOffers{InverseOfferIDs: ids, Filters: filters},
		}
	}
	s.call(202, call)
}

// inAnHour returns a window for the first agent.
func inAnHour(c *cluster) Window {
	return Window{Hostnames: []string{lostAgent}, Start: c.start.Add(time.Hour), Duration: time.Minute}
}

func TestUnavailability(t *testing.T) {
	inBubble(t, Config{Agents: make([]Agent, 2), HeartbeatInterval: time.Hour}, func(c *cluster) {
		s := c.subscribe(frameworkInfo())
		c.at(500 * time.Millisecond)
		require.NoError(t, c.master.UpdateMaintenanceSchedule(inAnHour(c)))
		c.at(500 * time.Millisecond)
		events := s.received()[3:]
		require.Len(t, events, 4, "the offers of the other agent are made anew as well")
		want := &mesos.Unavailability{
			Start:    mesos.TimeInfo{Nanoseconds: c.start.Add(time.Hour).UnixNano()},
			Duration: &mesos.DurationInfo{Nanoseconds: int64(time.Minute)},
		}
		for _, o := range events[2].event.GetOffers().GetOffers() {
			if o.Hostname == lostAgent {
				require.Equal(t, want, o.Unavailability)
			} else {
				require.Nil(t, o.Unavailability)
			}
		}
		inverse := events[3].event.GetInverseOffers().GetInverseOffers()
		require.Len(t, inverse, 1)
		require.Equal(t, *want, inverse[0].Unavailability)
		require.Equal(t, *s.fid, inverse[0].FrameworkID)
		require.Equal(t, lostAgent, inverse[0].GetURL().Address.GetHostname())

		c.at(time.Second)
		require.NoError(t, c.master.UpdateMaintenanceSchedule(Window{Hostnames: []string{lostAgent}, Start: c.start}), "without end")
		require.NoError(t, c.master.UpdateMaintenanceSchedule())
		c.at(time.Second)
		require.Equal(t, []string{
			"1 RESCIND", "1 RESCIND_INVERSE_OFFER", "1 RESCIND", "1 OFFERS", "1 INVERSE_OFFERS",
			"1 RESCIND", "1 RESCIND_INVERSE_OFFER", "1 RESCIND", "1 OFFERS",
		}, withoutAgents(s.since(time.Second)))
		offers := s.offers()
		require.Nil(t, offers[len(offers)-1].Unavailability)
	})
}

// withoutAgents shortens the lines of offers.
func withoutAgents(lines []string) []string {
	for i, line := range lines {
		for j := range line {
			if len(line) > j+7 && line[j:j+7] == "OFFERS " {
				lines[i] = line[:j+6]
				break
			}
		}
	}
	return lines
}

// The question comes at 0.3 s and is answered at 0.4 s. Allocations are every second.
func TestAnswersToInverseOffers(t *testing.T) {
	for _, test := range []struct {
		reason string
		accept bool
		filter *mesos.Filters
		want   []string
	}{
		{"declined without filters: 5 s", false, nil, []string{"6 INVERSE_OFFERS"}},
		{"accepted without filters: asked again all the same", true, nil, []string{"6 INVERSE_OFFERS"}},
		{"no filter: the next allocation", true, refuse(0), []string{"1 INVERSE_OFFERS"}},
		{"a negative one is the default", false, refuse(-1), []string{"6 INVERSE_OFFERS"}},
		{"shorter than the allocation interval", false, refuse(0.1), []string{"1 INVERSE_OFFERS"}},
		{"over at the very instant of an allocation", false, refuse(1.6), []string{"2 INVERSE_OFFERS"}},
		{"over just behind it", false, refuse(1.601), []string{"3 INVERSE_OFFERS"}},
		{"long", true, refuse(1e300), nil},
	} {
		t.Run(test.reason, func(t *testing.T) {
			inBubble(t, Config{Agents: oneAgent(), HeartbeatInterval: time.Hour}, func(c *cluster) {
				s := launched(c, frameworkInfo(), taskInfo(mesos.Offer{}, "t", "sleep 600"), 2)
				c.at(300 * time.Millisecond)
				require.NoError(t, c.master.UpdateMaintenanceSchedule(inAnHour(c)))
				c.at(300 * time.Millisecond)
				require.Equal(t, []string{"0.3 INVERSE_OFFERS"}, s.since(300*time.Millisecond))
				c.at(400 * time.Millisecond)
				s.answerInverse(test.accept, test.filter)
				c.at(30 * time.Second)
				require.Equal(t, test.want, s.since(400*time.Millisecond))
			})
		})
	}
}

// The question is declined for 100 s; what happens at 5.5 s brings it back.
func TestFiltersOfInverseOffersEnd(t *testing.T) {
	for _, test := range []struct {
		reason string
		do     func(c *cluster, s *stream) *stream
		want   []string
	}{
		{"REVIVE", func(_ *cluster, s *stream) *stream {
			s.call(202, &scheduler.Call{Type: scheduler.Call_REVIVE})
			return s
		}, []string{"5.5 OFFERS", "5.5 INVERSE_OFFERS"}},
		{"a new schedule", func(c *cluster, s *stream) *stream {
			require.NoError(c.t, c.master.UpdateMaintenanceSchedule(inAnHour(c)))
			c.at(5500 * time.Millisecond)
			return s
		}, []string{"5.5 INVERSE_OFFERS"}},
		{"another stream after a disconnection", func(c *cluster, s *stream) *stream {
			s.close()
			info := withFailoverTimeout(time.Minute)
			info.ID = s.fid
			return c.subscribe(info)
		}, []string{"5.5 SUBSCRIBED", "5.5 HEARTBEAT", "5.5 OFFERS", "5.5 INVERSE_OFFERS"}},
	} {
		t.Run(test.reason, func(t *testing.T) {
			inBubble(t, Config{Agents: oneAgent(), HeartbeatInterval: time.Hour}, func(c *cluster) {
				s := launched(c, withFailoverTimeout(time.Minute), taskInfo(mesos.Offer{}, "t", "sleep 600"), 2)
				require.NoError(t, c.master.UpdateMaintenanceSchedule(inAnHour(c)))
				c.at(300 * time.Millisecond)
				s.answerInverse(false, refuse(100))
				c.at(5500 * time.Millisecond)
				require.Equal(t, test.want, withoutAgents(test.do(c, s).since(5500*time.Millisecond)))
			})
		})
	}
}

// Nobody is asked who holds nothing there, and nothing else ends the question than an answer, its
// timeout or the end of the stream.
func TestWhoIsAsked(t *testing.T) {
	config := Config{Agents: make([]Agent, 2), OfferTimeout: 2500 * time.Millisecond, HeartbeatInterval: time.Hour}
	inBubble(t, config, func(c *cluster) {
		info := withFailoverTimeout(time.Minute)
		s := c.subscribe(info)
		idle := c.subscribe(frameworkInfo("idle"))
		for _, o := range s.offers() {
			if o.Hostname == lostAgent {
				s.accept(o, 1e6, taskInfo(o, "t", "sleep 600"))
			} else {
				s.decline(o, refuse(1e6))
			}
		}
		c.at(1500 * time.Millisecond)
		for _, o := range idle.offers() {
			idle.decline(o, refuse(1e6))
		}
		require.NoError(t, c.master.UpdateMaintenanceSchedule(inAnHour(c)))
		c.at(5 * time.Second)
		require.Equal(t, []string{"1.5 INVERSE_OFFERS", "4 RESCIND_INVERSE_OFFER", "4 INVERSE_OFFERS"}, notUpdates(s.since(1500*time.Millisecond)))
		require.Empty(t, idle.since(1500*time.Millisecond))

		info.ID = s.fid
		again := c.subscribe(info)
		c.at(6 * time.Second)
		require.Equal(t, []string{"5 SUBSCRIBED", "5 HEARTBEAT", "6 INVERSE_OFFERS"}, notUpdates(again.log()), "the old question is forgotten")
		again.close()
		c.at(6500 * time.Millisecond)
		third := c.subscribe(info)
		require.Equal(t, []string{"6.5 SUBSCRIBED", "6.5 HEARTBEAT", "6.5 OFFERS", "6.5 INVERSE_OFFERS"}, withoutAgents(notUpdates(third.log())))
	})
}

func notUpdates(lines []string) []string {
	var others []string
	for _, line := range lines {
		if len(updatesOnly([]string{line})) == 0 {
			others = append(others, line)
		}
	}
	return others
}

// A real master forgets to ask about an agent that was deactivated or away during an allocation.
func TestQuestionThatIsForgotten(t *testing.T) {
	deactivate := func(m *Master) bool { return m.DeactivateAgent(lostAgent) == nil }
	reactivate := func(m *Master) bool { return m.ReactivateAgent(lostAgent) == nil }
	lose := func(m *Master) bool { return m.LoseAgent(lostAgent) }
	giveBack := func(m *Master) bool { return m.ReturnAgent(lostAgent) }
	for _, test := range []struct {
		reason    string
		away      func(*Master) bool
		back      func(*Master) bool
		backAfter time.Duration
		want      []string
	}{
		{"deactivated, no allocation meanwhile", deactivate, reactivate, 600 * time.Millisecond, []string{"1 INVERSE_OFFERS"}},
		{"deactivated, an allocation meanwhile", deactivate, reactivate, 1100 * time.Millisecond, nil},
		{"lost, an allocation meanwhile", lose, giveBack, 1100 * time.Millisecond, nil},
		{"unreachable: it is as if it were new", lose, giveBack, 7 * time.Second, []string{"7 INVERSE_OFFERS"}},
	} {
		t.Run(test.reason, func(t *testing.T) {
			inBubble(t, Config{Agents: oneAgent(), AgentPingTimeout: 5 * time.Second, HeartbeatInterval: time.Hour}, func(c *cluster) {
				s := launched(c, checkpointing(), taskInfo(mesos.Offer{}, "t", "sleep 600"), 2)
				require.NoError(t, c.master.UpdateMaintenanceSchedule(inAnHour(c)))
				c.at(500 * time.Millisecond)
				require.True(t, test.away(c.master))
				c.at(test.backAfter)
				require.True(t, test.back(c.master))
				c.at(10 * time.Second)
				lines := slices.DeleteFunc(s.since(500*time.Millisecond), func(line string) bool { return !strings.Contains(line, "INVERSE") })
				require.Equal(t, append([]string{"0.5 RESCIND_INVERSE_OFFER"}, test.want...), lines)
			})
		})
	}
}

func TestMachineDown(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent(), HeartbeatInterval: time.Hour}, func(c *cluster) {
		s := launched(c, checkpointing(), taskInfo(mesos.Offer{}, "t", "sleep 600"), 2)
		agent := s.offers()[0].AgentID
		const id = `Machine '{"hostname":"agent1.example","ip":"127.0.0.1"}' `
		requireRefused(t, 400, id+"is not in DRAINING mode and cannot be brought down", c.master.StartMaintenance(lostAgent))
		require.NoError(t, c.master.UpdateMaintenanceSchedule(inAnHour(c)))
		requireRefused(t, 400, "Agent "+agent.Value+" is part of a maintenance schedule under Machine agent1.example (127.0.0.1)",
			c.master.DrainAgent(lostAgent, -1, false))
		requireRefused(t, 400, id+"is not in DOWN mode and cannot be brought up", c.master.StopMaintenance(lostAgent))
		c.at(time.Second)
		require.NoError(t, c.master.DeactivateAgent(lostAgent), "which ends when it is removed")
		require.NoError(t, c.master.StartMaintenance(lostAgent))
		requireRefused(t, 400, id+"is deactivated and cannot be removed from the schedule", c.master.UpdateMaintenanceSchedule())
		c.at(2 * time.Second)
		require.ErrorIs(t, c.master.AddAgent(Agent{Hostname: lostAgent}), ErrMachineDown)
		require.True(t, c.master.ReturnAgent(lostAgent), "it is there, but the master does not let it in")
		reconcileTask(s, "t", &agent)
		require.Equal(t, []string{
			"1 RESCIND_INVERSE_OFFER", "1 t TASK_LOST: Agent agent1.example removed: Operator initiated 'Machine DOWN'", "1 FAILURE",
			"2 t TASK_UNKNOWN: Reconciliation: Task is unknown",
		}, s.since(time.Second))
		c.at(3 * time.Second)
		require.NoError(t, c.master.StopMaintenance(lostAgent))
		require.True(t, c.master.ReturnAgent(lostAgent))
		c.at(3 * time.Second)
		require.Equal(t, []string{"3 " + wholeAgent}, s.since(3*time.Second))
		require.Equal(t, agent, s.offers()[1].AgentID)
		require.Nil(t, s.offers()[1].Unavailability)
		reconcileTask(s, "t", &agent)
		require.Equal(t, "3 t TASK_GONE: Reconciliation: Task is unknown to the agent", s.log()[len(s.log())-1])
		require.True(t, c.master.RemoveAgent(lostAgent))
	})
}

func TestUnreachableAgentOfAMachineThatIsDown(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent(), AgentPingTimeout: 5 * time.Second, HeartbeatInterval: time.Hour}, func(c *cluster) {
		s := launched(c, checkpointing(), taskInfo(mesos.Offer{}, "t", "sleep 600"), 2)
		c.master.LoseAgent(lostAgent)
		c.at(7 * time.Second)
		require.NoError(t, c.master.UpdateMaintenanceSchedule(inAnHour(c)))
		require.NoError(t, c.master.StartMaintenance(lostAgent))
		require.True(t, c.master.ReturnAgent(lostAgent))
		c.at(8 * time.Second)
		require.NoError(t, c.master.StopMaintenance(lostAgent))
		require.Empty(t, s.since(7*time.Second))
		require.True(t, c.master.ReturnAgent(lostAgent))
		c.at(8 * time.Second)
		require.Equal(t, []string{"8 t TASK_RUNNING: Unreachable agent re-reregistered"}, updatesOnly(s.since(7*time.Second)))
	})
}

func TestScheduleIsChecked(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
		s := c.subscribe(frameworkInfo())
		good := inAnHour(c)
		for _, test := range []struct {
			reason, message string
			windows         []Window
		}{
			{"no machine", "List of machines in the maintenance window is empty", []Window{{}}},
			{"negative", "Unavailability 'duration' is negative", []Window{{Hostnames: []string{"a"}, Duration: -1}}},
			{"a machine twice", `Machine '{"hostname":"agent1.example","ip":"127.0.0.1"}' appears more than once in the schedule`, []Window{good, good}},
		} {
			requireRefused(t, 400, test.message, c.master.UpdateMaintenanceSchedule(test.windows...))
		}
		requireRefused(t, 400, "List of machines is empty", c.master.StartMaintenance())
		requireRefused(t, 400, `Machine '{"hostname":"x","ip":"127.0.0.1"}' is not part of a maintenance schedule`, c.master.StopMaintenance("x"))
		require.Len(t, s.log(), 3, "nothing has happened")
	})
}
