package mesostest

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
)

// failingOver has a new leader serve at 2.05 s; agent1 registers with it a second, agent2 two seconds later.
func failingOver() Config {
	return Config{Agents: twoAgents(), reregister: func(hostname string, _ *rand.Rand) time.Duration {
		if hostname == "agent1.example" {
			return time.Second
		}
		return 2 * time.Second
	}}
}

// failOver kills the master at 1 s and starts it at 2 s.
func (c *cluster) failOver() {
	c.t.Helper()
	c.at(time.Second)
	require.True(c.t, c.master.Failover(time.Second))
	c.at(2050 * time.Millisecond)
	require.Equal(c.t, 0, c.master.Leader())
}

func (s *stream) reconcile(tasks ...scheduler.Call_Reconcile_Task) {
	s.c.t.Helper()
	s.call(202, &scheduler.Call{Type: scheduler.Call_RECONCILE, Reconcile: &scheduler.Call_Reconcile{Tasks: tasks}})
}

func asked(id string, agent mesos.AgentID) scheduler.Call_Reconcile_Task {
	t := scheduler.Call_Reconcile_Task{TaskID: mesos.TaskID{Value: id}}
	if agent.Value != "" {
		t.AgentID = &agent
	}
	return t
}

const restOfIt = "=ports:[31000-31999]; cpus:3.9; mem:4064; disk:10000"

// BEHAVIOUR section 14, where the scheduler is back before the agents.
func TestFailover(t *testing.T) {
	inBubble(t, failingOver(), func(c *cluster) {
		old := twoTasks(c)
		agents := map[string]mesos.AgentID{}
		for _, o := range old.offers() {
			agents[o.Hostname] = o.AgentID
		}
		first, second := agents["agent1.example"], agents["agent2.example"]
		c.failOver()
		require.Equal(t, []string{"1 end: unexpected EOF"}, old.since(time.Second))
		require.Equal(t, "Framework cannot be found", old.call(400, &scheduler.Call{Type: scheduler.Call_REVIVE}))
		require.Len(t, c.master.Snapshot().Running, 2, "they know of nothing")

		s := old.again()
		require.Equal(t, old.fid, s.fid)
		ask := func() {
			s.reconcile(asked("a", first))
			s.reconcile(asked("b", second))
			s.reconcile(asked("b", mesos.AgentID{}))
			s.reconcile(asked("no", second))
			s.reconcile(asked("no", mesos.AgentID{}))
			s.reconcile()
		}
		ask()
		s.kill("b")
		c.at(3 * time.Second)
		require.Equal(t, []string{"2.05 SUBSCRIBED", "2.05 HEARTBEAT"}, s.log(), "nothing is known, so nothing is said")

		c.at(3500 * time.Millisecond)
		require.Equal(t, []string{"3.05 OFFERS agent1.example" + restOfIt}, s.since(3*time.Second))
		require.NotEqual(t, old.offers()[0].ID.Value[:36], s.offers()[0].ID.Value[:36], "the prefix is the new master's ID")
		require.Equal(t, first, s.offers()[0].AgentID)
		ask()
		const latest = " TASK_RUNNING: Reconciliation: Latest task state"
		require.Equal(t, []string{"3.5 a" + latest, "3.5 a" + latest}, s.since(3500*time.Millisecond))

		c.at(5 * time.Second)
		require.Equal(t, []string{"4.05 b TASK_RUNNING", "4.05 b TASK_RUNNING", "4.05 OFFERS agent2.example" + restOfIt},
			s.since(4*time.Second), "the update that nobody acknowledged")
		ask()
		require.Equal(t, []string{
			"5 a" + latest, "5 b" + latest, "5 b" + latest,
			"5 no TASK_GONE: Reconciliation: Task is unknown to the agent", "5 no TASK_UNKNOWN: Reconciliation: Task is unknown",
			"5 a" + latest, "5 b" + latest,
		}, s.since(5*time.Second))
		s.ack(&mesos.TaskStatus{TaskID: mesos.TaskID{Value: "b"}, AgentID: &second, UUID: c.pendingUUID("b")})
		s.kill("b")
		c.at(6 * time.Second)
		require.Equal(t, []string{"5.05 b TASK_KILLED: Command terminated with signal Terminated", "6 OFFERS agent2.example=cpus:0.1; mem:32"},
			s.since(5050*time.Millisecond))
	})
}

// pendingUUID returns the uuid of the oldest update of a task.
func (c *cluster) pendingUUID(id string) (uuid []byte) {
	c.master.must(func() {
		for _, f := range c.master.order {
			if t := f.tasks[id]; t != nil {
				uuid = t.updates[0].UUID
			}
		}
	})
	return uuid
}

// Where the agents are back before the scheduler, the framework is known through its tasks. Its
// failover timeout does not run.
func TestRecoveredFramework(t *testing.T) {
	inBubble(t, failingOver(), func(c *cluster) {
		old := twoTasks(c)
		c.failOver()
		require.Empty(t, c.master.Snapshot().Frameworks)
		c.at(24 * time.Hour)
		require.Equal(t, "Framework is not subscribed", old.call(403, &scheduler.Call{Type: scheduler.Call_REVIVE}))
		f := c.master.Snapshot().Frameworks[0]
		require.True(t, f.Recovered)
		require.False(t, f.Connected)
		require.Equal(t, []mesos.TaskState{mesos.TASK_FINISHED, mesos.TASK_FINISHED}, []mesos.TaskState{f.Tasks[0].State, f.Tasks[1].State})
		s := old.again()
		require.Equal(t, []string{
			"86400 SUBSCRIBED", "86400 HEARTBEAT",
			"86400 a TASK_FINISHED: Command exited with status 0", "86400 b TASK_RUNNING",
		}, notOffers(s.log()), "pending updates are sent again, and only the oldest of each task")
		require.False(t, c.master.Snapshot().Frameworks[0].Recovered)
		for range 3 {
			s.ack(s.lastStatus())
		}
		require.Equal(t, []string{"86400 b TASK_FINISHED: Command exited with status 0"}, s.log()[len(s.log())-1:])
	})
}

// An agent that is away is unreachable ten minutes after the failover, and may still come back.
func TestAgentReregisterTimeout(t *testing.T) {
	inBubble(t, failingOver(), func(c *cluster) {
		old := twoTasks(c)
		second := c.master.Snapshot().Frameworks[0].Tasks[1].AgentID
		c.master.LoseAgent("agent2.example")
		c.failOver()
		s := old.again()
		c.at(602050*time.Millisecond - 1)
		s.reconcile(asked("b", mesos.AgentID{Value: second}))
		c.at(602050 * time.Millisecond)
		s.reconcile(asked("b", mesos.AgentID{Value: second}))
		require.Equal(t, []string{"602.05 FAILURE", "602.05 HEARTBEAT", "602.05 b TASK_UNREACHABLE: Reconciliation: Task is unreachable"}, s.since(602049*time.Millisecond))
		c.at(700 * time.Second)
		c.master.ReturnAgent("agent2.example")
		c.at(700 * time.Second)
		require.Contains(t, s.log(), "700 b TASK_FINISHED: Unreachable agent re-reregistered")
	})
}

// Without a registry the new leader does not even know of the agents.
func TestInMemoryRegistry(t *testing.T) {
	config := failingOver()
	config.InMemoryRegistry = true
	inBubble(t, config, func(c *cluster) {
		old := twoTasks(c)
		c.failOver()
		s := old.again()
		s.reconcile(asked("a", old.offers()[0].AgentID))
		s.reconcile(asked("a", mesos.AgentID{}))
		c.at(4 * time.Second)
		require.Equal(t, []string{
			"2.05 a TASK_UNKNOWN: Reconciliation: Task is unknown", "2.05 a TASK_UNKNOWN: Reconciliation: Task is unknown",
			"3.05 a TASK_RUNNING: Unknown agent reregistered", "3.05 OFFERS agent1.example" + restOfIt,
		}, s.log()[2:])
	})
}

// What is free is right again after a failover, be it used or freed meanwhile.
func TestResourcesAfterFailover(t *testing.T) {
	inBubble(t, failingOver(), func(c *cluster) {
		twoTasks(c)
		c.failOver()
		c.at(time.Minute)
		require.Equal(t, []string{restOfIt[1:], restOfIt[1:]}, c.free())
		c.at(time.Hour)
		require.Equal(t, []string{whole, whole}, c.free())
	})
}

const whole = "ports:[31000-31999]; cpus:4; mem:4096; disk:10000"

func (c *cluster) free() (list []string) {
	for _, a := range c.master.Snapshot().Agents {
		list = append(list, a.Free)
	}
	return list
}

// What was reserved stays so, and the agent reports it until that is acknowledged.
func TestOperationsAfterFailover(t *testing.T) {
	config := failingOver()
	config.Agents = config.Agents[:1]
	inBubble(t, config, func(c *cluster) {
		old := c.subscribe(withFailoverTimeout(time.Hour))
		cpu := resources.New(old.offers()[0].Resources).Named("cpus").Proto()
		cpu[0].Reservations = []mesos.Resource_ReservationInfo{{Type: mesos.Resource_ReservationInfo_DYNAMIC.Enum(), Role: ptr("test")}}
		old.call(202, &scheduler.Call{Type: scheduler.Call_ACCEPT, Accept: &scheduler.Call_Accept{
			OfferIDs: []mesos.OfferID{old.offers()[0].ID},
			Operations: []mesos.Offer_Operation{{
				ID: &mesos.OperationID{Value: "op"}, Type: mesos.Offer_Operation_RESERVE,
				Reserve: &mesos.Offer_Operation_Reserve{Resources: cpu},
			}},
		}})
		c.failOver()
		s := old.again()
		c.at(4 * time.Second)
		require.Equal(t, []string{"3.05 UPDATE_OPERATION_STATUS", "3.05 OFFERS agent1.example=ports:[31000-31999]; cpus(reservations: [(DYNAMIC,test)]):4; disk:10000; mem:4096"},
			s.since(3*time.Second))
		c.at(40 * time.Second)
		require.Equal(t, []string{"13.05 UPDATE_OPERATION_STATUS", "33.05 UPDATE_OPERATION_STATUS"},
			slices.DeleteFunc(s.since(4*time.Second), isHeartbeat), "the retries begin anew")
	})
}

// Timers of a dead leader are dead: that of a disconnected framework, of its own recovery, of agents that
// do not come back.
func TestTimersOfDeadLeader(t *testing.T) {
	config := failingOver()
	config.AgentReregisterTimeout = time.Minute
	inBubble(t, config, func(c *cluster) {
		old := c.subscribe(withFailoverTimeout(5 * time.Second))
		old.close()
		c.master.LoseAgent("agent2.example")
		c.at(time.Second)
		c.master.Failover(0)
		c.at(1040 * time.Millisecond)
		c.master.Failover(0)
		c.at(1089 * time.Millisecond)
		require.Equal(t, -1, c.master.Leader(), "50 ms after its start, not its predecessor's")
		c.at(30 * time.Second)
		require.Equal(t, old.fid, old.again().fid, "the failover timeout is forgotten")
		c.master.Failover(0)
		c.at(30050 * time.Millisecond)
		s := old.again()
		c.at(2 * time.Minute)
		require.Equal(t, []string{"90.05 FAILURE"}, slices.DeleteFunc(notOffers(s.log()[2:]), isHeartbeat))
	})
}

func isHeartbeat(line string) bool { return strings.HasSuffix(line, " HEARTBEAT") }

// An offer of a dead leader does not run out once more.
func TestOfferTimeoutAfterFailover(t *testing.T) {
	config := failingOver()
	config.OfferTimeout = 10 * time.Second
	inBubble(t, config, func(c *cluster) {
		require.Len(t, c.subscribe(withFailoverTimeout(time.Hour)).offers(), 2)
		c.failOver()
		c.at(time.Minute)
		require.Equal(t, []string{whole, whole}, c.free())
	})
}

// What is done to an agent between two leaders counts.
func TestAgentLossWithoutLeader(t *testing.T) {
	inBubble(t, failingOver(), func(c *cluster) {
		s := twoTasks(c)
		c.at(time.Second)
		c.master.LoseAgent("agent1.example")
		s.kill("a") // waits for the agent, at the leader
		c.master.LoseMaster(0)
		c.master.LoseAgent("agent1.example")
		c.master.RemoveAgent("agent2.example")
		require.Len(t, c.master.Snapshot().Running, 1, "that of a checkpointing framework, on the agent that was not shut down")
		c.master.ReturnMaster(0)
		c.at(time.Minute)
		require.Empty(t, c.master.Snapshot().Agents)
		require.True(t, c.master.ReturnAgent("agent1.example"))
		require.False(t, c.master.ReturnAgent("agent2.example"))
		require.Len(t, c.master.Snapshot().Agents, 1)
		c.master.LoseAgent("agent1.example")
		c.master.ReturnAgent("agent1.example")
		c.at(2 * time.Minute)
		require.Equal(t, "a", c.master.Snapshot().Running[0].ID, "the kill is lost")
	})
}

// A completed framework is forgotten: its ID may subscribe again.
func TestCompletedFrameworkAfterFailover(t *testing.T) {
	inBubble(t, failingOver(), func(c *cluster) {
		old := c.subscribe(frameworkInfo())
		old.call(202, &scheduler.Call{Type: scheduler.Call_TEARDOWN})
		require.Equal(t, "0 ERROR Framework has been removed", old.again().log()[0])
		c.failOver()
		require.Equal(t, old.fid, old.again().fid)
	})
}

// A task that is launched again while its agent is away runs once when that is back.
func TestLaunchedAgainWhileAway(t *testing.T) {
	inBubble(t, failingOver(), func(c *cluster) {
		old := twoTasks(c)
		c.failOver()
		s := old.again()
		c.at(3100 * time.Millisecond)
		o := s.offers()[0]
		s.accept(o, 3600, taskInfo(o, "b", "sleep 600"))
		c.at(4 * time.Second)
		running := func() (list []string) {
			for _, t := range c.master.Snapshot().Running {
				list = append(list, t.ID+" on "+t.Hostname)
			}
			return list
		}
		require.Equal(t, []string{"a on agent1.example", "b on agent1.example", "b on agent2.example"}, running())
		c.at(5 * time.Second)
		require.Equal(t, []string{"a on agent1.example", "b on agent1.example"}, running())
	})
}

// Agents that come while nobody leads register with the next leader, and get IDs from zero.
func TestAgentsWithoutLeader(t *testing.T) {
	config := failingOver()
	config.Agents = nil
	inBubble(t, config, func(c *cluster) {
		c.at(time.Second)
		require.NoError(t, c.master.AddAgent(Agent{}))
		c.master.LoseMaster(0)
		require.NoError(t, c.master.AddAgent(Agent{}))
		require.Empty(t, c.master.Snapshot().Agents)
		c.at(2 * time.Second)
		c.master.ReturnMaster(0)
		c.at(time.Minute)
		var ids []string
		for _, a := range c.master.Snapshot().Agents {
			ids = append(ids, a.Hostname+a.ID[36:])
		}
		require.Equal(t, []string{"agent1.example-S0", "agent2.example-S0"}, ids)
	})
}

// A request that the dead leader took has no effect on the next one.
func TestRequestAcrossFailover(t *testing.T) {
	inBubble(t, failingOver(), func(c *cluster) {
		s := c.subscribe(frameworkInfo())
		c.master.Intercept(func(*scheduler.Call) Fault { return Hang })
		failed := make(chan error, 1)
		go func() {
			_, err := c.tryPost(&scheduler.Call{Type: scheduler.Call_REVIVE, FrameworkID: s.fid}, s.id)
			failed <- err
		}()
		c.failOver()
		require.Error(t, <-failed)
		require.Equal(t, time.Second, s.received()[len(s.received())-1].at)
		require.Equal(t, http.StatusMethodNotAllowed, c.status(http.MethodGet))
	})
}

func (c *cluster) status(method string) int {
	request, err := http.NewRequestWithContext(c.t.Context(), method, "http://"+c.address+"/api/v1/scheduler", nil)
	require.NoError(c.t, err)
	response, err := c.client.Do(request)
	require.NoError(c.t, err)
	require.NoError(c.t, response.Body.Close())
	return response.StatusCode
}

// The same seed, the same time for each agent.
func TestReregistrationIsSeeded(t *testing.T) {
	times := func(seed uint64) (list []string) {
		inBubble(t, Config{Agents: twoAgents(), Seed: seed}, func(c *cluster) {
			old := c.subscribe(withFailoverTimeout(time.Hour))
			c.failOver()
			s := old.again()
			c.at(5 * time.Second)
			list = s.log()
		})
		return list
	}
	require.Equal(t, times(1), times(1))
	require.NotEqual(t, times(1), times(2))
	require.Len(t, times(1), 4, "within two seconds both are back")
}
