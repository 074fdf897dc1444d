package mesostest

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/master"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
)

// requireRefused requires a typed refusal.
func requireRefused(t *testing.T, status int, message string, err error) {
	t.Helper()
	var refusal *OperatorError
	require.True(t, errors.As(err, &refusal), "%v", err)
	require.Equal(t, OperatorError{Status: status, Message: message}, *refusal)
}

func reconcileTask(s *stream, task string, agent *mesos.AgentID) {
	s.call(202, &scheduler.Call{Type: scheduler.Call_RECONCILE, Reconcile: &scheduler.Call_Reconcile{
		Tasks: []scheduler.Call_Reconcile_Task{{TaskID: mesos.TaskID{Value: task}, AgentID: agent}},
	}})
}

func TestDeactivateAgent(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent(), HeartbeatInterval: time.Hour}, func(c *cluster) {
		s := c.subscribe(frameworkInfo())
		requireRefused(t, 404, "Agent 'nobody.example' not found", c.master.DeactivateAgent("nobody.example"))
		requireRefused(t, 400, "Agent is not deactivated", c.master.ReactivateAgent(lostAgent))
		c.at(100 * time.Millisecond)
		require.NoError(t, c.master.DeactivateAgent(lostAgent))
		require.NoError(t, c.master.DeactivateAgent(lostAgent), "again: no matter")
		c.at(2500 * time.Millisecond)
		require.NoError(t, c.master.ReactivateAgent(lostAgent))
		c.at(4 * time.Second)
		require.Equal(t, []string{"0.1 RESCIND", "3 " + wholeAgent}, s.since(100*time.Millisecond))
	})
}

// An agent stays deactivated while it is away, until REACTIVATE_AGENT, which answers 409 then.
func TestDeactivatedAgentReturns(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent(), AgentPingTimeout: 5 * time.Second, HeartbeatInterval: time.Hour}, func(c *cluster) {
		s := c.subscribe(frameworkInfo())
		require.NoError(t, c.master.DeactivateAgent(lostAgent))
		c.at(time.Second)
		c.master.LoseAgent(lostAgent)
		c.at(8 * time.Second)
		c.master.ReturnAgent(lostAgent)
		c.at(10 * time.Second)
		c.master.LoseAgent(lostAgent)
		c.at(20 * time.Second)
		requireRefused(t, 409, "Agent removed while processing the call", c.master.ReactivateAgent(lostAgent))
		c.at(21500 * time.Millisecond)
		c.master.ReturnAgent(lostAgent)
		c.at(30 * time.Second)
		require.Equal(t, []string{"7 FAILURE", "16 FAILURE", "21.5 " + wholeAgent}, s.since(time.Second))
	})
}

// The drain is asked for at 1 s.
func TestDrainAgent(t *testing.T) {
	const stubborn = "trap '' TERM; sleep 600; sleep 600"
	killing := withCapability(mesos.FrameworkInfo_Capability_TASK_KILLING_STATE)
	noneAware := frameworkInfo()
	noneAware.Capabilities = noneAware.Capabilities[:2]
	for _, test := range []struct {
		name     string
		info     *mesos.FrameworkInfo
		agent    Agent
		command  string
		grace    time.Duration
		markGone bool
		want     []string
	}{
		{
			"killed", frameworkInfo(), Agent{}, "sleep 600", -1, false,
			[]string{"1.05 t TASK_KILLED: Command terminated with signal Terminated"},
		},
		{
			"with TASK_KILLING", killing, Agent{}, "sleep 600", -1, false,
			[]string{"1 t TASK_KILLING", "1.05 t TASK_KILLED: Command terminated with signal Terminated"},
		},
		{
			"the cap is not heard by the executor of a default agent", frameworkInfo(), Agent{}, stubborn, 2 * time.Second, false,
			[]string{"61.05 t TASK_KILLED: Command terminated with signal Killed"},
		},
		{
			"the cap is heard", frameworkInfo(), Agent{HTTPCommandExecutor: true}, stubborn, 2 * time.Second, false,
			[]string{"3.05 t TASK_KILLED: Command terminated with signal Killed"},
		},
		{
			"a cap above the task's own grace period", frameworkInfo(), Agent{HTTPCommandExecutor: true}, stubborn, 2 * time.Minute, false,
			[]string{"61.05 t TASK_KILLED: Command terminated with signal Killed"},
		},
		{
			"gone, told at the end of the task", frameworkInfo(), Agent{}, "sleep 600", -1, true,
			[]string{"1.05 t TASK_GONE_BY_OPERATOR: Command terminated with signal Terminated", "1.05 FAILURE"},
		},
		{
			"gone, told at the beginning of the kill", killing, Agent{}, stubborn, -1, true,
			[]string{"1 t TASK_GONE_BY_OPERATOR", "1.05 FAILURE"},
		},
		{
			"gone, to a framework that knows no such state", noneAware, Agent{}, "sleep 600", -1, true,
			[]string{"1.05 t TASK_KILLED: Command terminated with signal Terminated", "1.05 FAILURE"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, Config{Agents: []Agent{test.agent}, HeartbeatInterval: time.Hour}, func(c *cluster) {
				task := taskInfo(mesos.Offer{}, "t", test.command)
				task.KillPolicy = &mesos.KillPolicy{GracePeriod: &mesos.DurationInfo{Nanoseconds: int64(time.Minute)}}
				s := launched(c, test.info, task, 2)
				c.at(time.Second)
				require.NoError(t, c.master.DrainAgent(lostAgent, test.grace, test.markGone))
				for _, at := range []time.Duration{1050, 3050, 61050} {
					c.at(at * time.Millisecond)
					s.ackLast()
				}
				c.at(65 * time.Second)
				require.Equal(t, test.want, s.since(time.Second))
				for _, r := range s.received() {
					if u := r.event.GetUpdate(); u != nil && r.at >= time.Second {
						require.Equal(t, mesos.REASON_AGENT_DRAINING, u.Status.GetReason())
						require.Equal(t, mesos.SOURCE_EXECUTOR, u.Status.GetSource())
					}
				}
			})
		})
	}
}

// ackLast acknowledges the latest update, and what that brings.
func (s *stream) ackLast() {
	s.ack(s.lastStatus())
	s.ack(s.lastStatus())
}

func TestDrainingEndsWithTheLastAcknowledgement(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent(), HeartbeatInterval: time.Hour}, func(c *cluster) {
		s := launched(c, frameworkInfo(), taskInfo(mesos.Offer{}, "t", "sleep 600"), 2)
		c.at(time.Second)
		require.NoError(t, c.master.DrainAgent(lostAgent, -1, false))
		c.at(5500 * time.Millisecond)
		requireRefused(t, 400, "Agent is still in the DRAINING state", c.master.ReactivateAgent(lostAgent))
		require.NoError(t, c.master.DrainAgent(lostAgent, -1, false), "again: no matter")
		s.ack(s.lastStatus())
		require.NoError(t, c.master.ReactivateAgent(lostAgent))
		c.at(7 * time.Second)
		require.Equal(t, []string{"1.05 t TASK_KILLED: Command terminated with signal Terminated", "6 " + wholeAgent}, s.since(time.Second))
		s.accept(s.offers()[1], 1e6, taskInfo(s.offers()[1], "next", "sleep 1"))
		c.at(7100 * time.Millisecond)
		s.ackAll()
		s.kill("next")
		c.at(7150 * time.Millisecond)
		require.Nil(t, s.lastStatus().Reason, "the drain is over")
	})
}

// An agent without tasks is drained at once, also one to be marked gone.
func TestDrainIdleAgent(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
		s := c.subscribe(frameworkInfo())
		require.NoError(t, c.master.DrainAgent(lostAgent, 0, false))
		require.NoError(t, c.master.ReactivateAgent(lostAgent))
		c.at(time.Second)
		require.NoError(t, c.master.DrainAgent(lostAgent, 0, true))
		c.at(time.Second)
		require.Equal(t, []string{"1 " + wholeAgent, "1 RESCIND", "1 FAILURE"}, s.since(time.Second))
		requireRefused(t, 404, "Agent 'agent1.example' not found", c.master.DrainAgent(lostAgent, 0, false))
	})
}

// Operations count as well: their status must be acknowledged.
func TestDrainWaitsForOperations(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
		s := c.subscribe(frameworkInfo())
		status := reserve(s)
		require.NoError(t, c.master.DrainAgent(lostAgent, -1, false))
		requireRefused(t, 400, "Agent is still in the DRAINING state", c.master.ReactivateAgent(lostAgent))
		s.ackOperation(status)
		require.NoError(t, c.master.ReactivateAgent(lostAgent))
	})
}

// reserve accepts the first offer with an operation, and returns the updates about that.
func reserve(s *stream) mesos.OperationStatus {
	o := s.offers()[0]
	reserved := resources.List{resources.New(o.Resources)[1]}.Proto()
	reserved[0].Reservations = []mesos.Resource_ReservationInfo{{
		Type: mesos.Resource_ReservationInfo_DYNAMIC.Enum(), Role: ptr("test"), Principal: ptr("p"),
	}}
	s.call(202, &scheduler.Call{Type: scheduler.Call_ACCEPT, Accept: &scheduler.Call_Accept{
		OfferIDs: []mesos.OfferID{o.ID},
		Operations: []mesos.Offer_Operation{{
			Type: mesos.Offer_Operation_RESERVE, ID: &mesos.OperationID{Value: "op"},
			Reserve: &mesos.Offer_Operation_Reserve{Resources: reserved},
		}},
	}})
	all := s.received()
	return all[len(all)-1].event.GetUpdateOperationStatus().Status
}

func (s *stream) ackOperation(status mesos.OperationStatus) {
	s.call(202, &scheduler.Call{
		Type: scheduler.Call_ACKNOWLEDGE_OPERATION_STATUS,
		AcknowledgeOperationStatus: &scheduler.Call_AcknowledgeOperationStatus{
			AgentID: status.AgentID, UUID: status.UUID.Value, OperationID: *status.OperationID,
		},
	})
}

// Nobody knows of an unreachable agent whether it is drained, or on which machine it is.
func TestDrainingOfAnUnreachableAgentGoesOn(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent(), AgentPingTimeout: 5 * time.Second}, func(c *cluster) {
		s := c.subscribe(frameworkInfo())
		status := reserve(s)
		c.master.LoseAgent(lostAgent)
		c.at(8 * time.Second)
		require.NoError(t, c.master.UpdateMaintenanceSchedule(inAnHour(c)))
		require.NoError(t, c.master.DrainAgent(lostAgent, -1, false))
		s.ackOperation(status)
		c.master.ReturnAgent(lostAgent)
		requireRefused(t, 400, "Agent is still in the DRAINING state", c.master.ReactivateAgent(lostAgent))
		s.ackOperation(status)
		require.NoError(t, c.master.ReactivateAgent(lostAgent))
	})
}

// An agent that is away is told when it is back: lost, frozen or unreachable at the time of the drain.
func TestDrainAgentThatIsAway(t *testing.T) {
	for _, test := range []struct {
		name  string
		leave func(*Master, string) bool
		back  time.Duration
		want  []string
	}{
		{"lost", (*Master).LoseAgent, 3 * time.Second, []string{"3.05 t TASK_KILLED: Command terminated with signal Terminated"}},
		{"frozen", (*Master).FreezeAgent, 3 * time.Second, []string{"3.05 t TASK_KILLED: Command terminated with signal Terminated"}},
		{"unreachable", (*Master).LoseAgent, 8 * time.Second, []string{
			"7 t TASK_UNREACHABLE: health check timed out", "7 FAILURE",
			"8 t TASK_RUNNING: Unreachable agent re-reregistered", "8.05 t TASK_KILLED: Command terminated with signal Terminated",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, Config{Agents: oneAgent(), AgentPingTimeout: 5 * time.Second, HeartbeatInterval: time.Hour}, func(c *cluster) {
				s := launched(c, checkpointing(), taskInfo(mesos.Offer{}, "t", "sleep 600"), 2)
				c.at(time.Second)
				require.True(t, test.leave(c.master, lostAgent))
				c.at(test.back - time.Second)
				require.NoError(t, c.master.DrainAgent(lostAgent, -1, false))
				c.at(test.back)
				require.True(t, c.master.ReturnAgent(lostAgent))
				c.at(9 * time.Second)
				require.Equal(t, test.want, s.since(time.Second))
			})
		})
	}
}

func TestMarkAgentGone(t *testing.T) {
	for _, test := range []struct {
		name  string
		at    time.Duration
		leave func(*Master, string) bool
		want  []string

		deactivate bool
	}{
		{"registered", 0, nil, []string{"7 t TASK_GONE_BY_OPERATOR: Agent has been marked gone", "7 FAILURE"}, false},
		{"frozen", 6 * time.Second, (*Master).FreezeAgent, []string{"7 t TASK_GONE_BY_OPERATOR: Agent has been marked gone", "7 FAILURE"}, false},
		{"unreachable: every framework knows of the failure", 500 * time.Millisecond, (*Master).LoseAgent, []string{"7 t TASK_GONE_BY_OPERATOR: Agent has been marked gone"}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, Config{Agents: oneAgent(), AgentPingTimeout: 5 * time.Second, HeartbeatInterval: time.Hour}, func(c *cluster) {
				s := launched(c, checkpointing(), taskInfo(mesos.Offer{}, "t", "sleep 600"), 2)
				agent := s.offers()[0].AgentID
				if test.leave != nil {
					c.at(test.at)
					require.True(t, test.leave(c.master, lostAgent))
				}
				c.at(7 * time.Second)
				if test.deactivate {
					require.NoError(t, c.master.DeactivateAgent(lostAgent))
				}
				require.NoError(t, c.master.MarkAgentGone(lostAgent))
				requireRefused(t, http.StatusNotFound, "Agent 'agent1.example' not found", c.master.MarkAgentGone(lostAgent))
				c.at(7 * time.Second)
				require.Equal(t, test.want, s.since(7*time.Second))
				require.False(t, c.master.ReturnAgent(lostAgent), "never again")
				c.at(20 * time.Second)
				reconcileTask(s, "t", &agent)
				reconcileTask(s, "t", nil)
				s.call(202, &scheduler.Call{Type: scheduler.Call_RECONCILE, Reconcile: &scheduler.Call_Reconcile{}})
				require.Equal(t, []string{
					"20 t TASK_GONE_BY_OPERATOR: Reconciliation: Task is gone", "20 t TASK_UNKNOWN: Reconciliation: Task is unknown",
				}, s.since(8*time.Second))
				require.NoError(t, c.master.AddAgent(oneAgent()[0]), "a new one may come")
				c.at(20 * time.Second)
				require.Equal(t, "20 "+wholeAgentOf("agent2.example"), s.log()[len(s.log())-1])
				o := s.offers()[len(s.offers())-1]
				s.accept(o, 1e6, taskInfo(o, "t", "sleep 600"))
				c.at(20100 * time.Millisecond)
				require.Equal(t, "20.1 t TASK_STARTING", s.log()[len(s.log())-1], "the ID is free again")
				status, body := c.operator(&master.Call{Type: master.Call_REACTIVATE_AGENT, ReactivateAgent: &master.Call_ReactivateAgent{AgentID: agent}})
				require.Equal(t, 400, status)
				require.Equal(t, "Agent is not deactivated", string(body))
			})
		})
	}
}

func TestAccountsOfAGoneAgent(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent(), HeartbeatInterval: time.Hour}, func(c *cluster) {
		s := launchedGroup(c, frameworkInfo(), "sleep 600", "sleep 600")
		require.NoError(t, c.master.MarkAgentGone(lostAgent))
		c.master.must(func() {
			require.Equal(t, quantities{}, c.master.shares[shareKey{role: "test", framework: s.fid.Value}].held)
		})
		c.at(time.Minute)
		require.Equal(t, []string{
			"0.2 a TASK_GONE_BY_OPERATOR: Agent has been marked gone", "0.2 b TASK_GONE_BY_OPERATOR: Agent has been marked gone", "0.2 FAILURE",
		}, s.log()[len(s.log())-3:], "and no word of its executor")
	})
}

func wholeAgentOf(hostname string) string {
	return "OFFERS " + hostname + "=" + wholeFree
}
