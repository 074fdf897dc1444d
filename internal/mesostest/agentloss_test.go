package mesostest

import (
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"
)

const lostAgent = "agent1.example"

func checkpointing() *mesos.FrameworkInfo {
	info := frameworkInfo()
	info.Checkpoint = ptr(true)
	return info
}

// BEHAVIOUR section 9, row by row. The agent goes at 1 s, right after a ping; it has to miss five of them, one a second.
func TestAgentLoss(t *testing.T) {
	for _, test := range []struct {
		name string
		info *mesos.FrameworkInfo
		do   map[time.Duration]func(*cluster, *stream)
		want []string
	}{
		{
			name: "killed and back in time: no update for a running task",
			info: checkpointing(),
			do: map[time.Duration]func(*cluster, *stream){
				time.Second:     func(c *cluster, _ *stream) { c.master.LoseAgent(lostAgent) },
				3 * time.Second: func(c *cluster, _ *stream) { c.master.ReturnAgent(lostAgent) },
			},
			want: []string{"1 RESCIND", "3 " + mostOfIt},
		},
		{
			name: "killed and back too late",
			info: checkpointing(),
			do: map[time.Duration]func(*cluster, *stream){
				time.Second:     func(c *cluster, _ *stream) { c.master.LoseAgent(lostAgent) },
				8 * time.Second: func(c *cluster, _ *stream) { c.master.ReturnAgent(lostAgent) },
			},
			want: []string{
				"1 RESCIND", "7 t TASK_UNREACHABLE: health check timed out", "7 FAILURE",
				"8 t TASK_RUNNING: Unreachable agent re-reregistered", "8 " + mostOfIt,
			},
		},
		{
			name: "killed, not checkpointing: TASK_LOST in spite of PARTITION_AWARE",
			info: frameworkInfo(),
			do: map[time.Duration]func(*cluster, *stream){
				time.Second:     func(c *cluster, _ *stream) { c.master.LoseAgent(lostAgent) },
				3 * time.Second: func(c *cluster, _ *stream) { c.master.ReturnAgent(lostAgent) },
			},
			want: []string{"1 RESCIND", "1 t TASK_LOST: Agent agent1.example disconnected", "3 " + wholeAgent},
		},
		{
			name: "frozen: nothing until the ping timeout, and the kill waits in its socket",
			info: checkpointing(),
			do: map[time.Duration]func(*cluster, *stream){
				time.Second:     func(c *cluster, _ *stream) { c.master.FreezeAgent(lostAgent) },
				2 * time.Second: func(_ *cluster, s *stream) { s.kill("t") },
				8 * time.Second: func(c *cluster, _ *stream) { c.master.ReturnAgent(lostAgent) },
			},
			want: []string{
				"7 t TASK_UNREACHABLE: health check timed out", "7 RESCIND", "7 FAILURE",
				"8.5 t TASK_KILLED: Unreachable agent re-reregistered",
				"8.5 t TASK_KILLED: Command terminated with signal Terminated",
				"8.5 t TASK_KILLED: Command terminated with signal Terminated", "8.5 " + wholeAgent,
			},
		},
		{
			name: "killed while away: the kill comes through when it is back",
			info: checkpointing(),
			do: map[time.Duration]func(*cluster, *stream){
				time.Second:     func(c *cluster, _ *stream) { c.master.LoseAgent(lostAgent) },
				2 * time.Second: func(_ *cluster, s *stream) { s.kill("t") },
				3 * time.Second: func(c *cluster, _ *stream) { c.master.ReturnAgent(lostAgent) },
			},
			want: []string{
				"1 RESCIND", "3 " + mostOfIt, "3.05 t TASK_KILLED: Command terminated with signal Terminated",
				"4 OFFERS agent1.example=cpus:0.1; mem:32",
			},
		},
		{
			name: "killed while away and back too late: the master has forgotten the kill",
			info: checkpointing(),
			do: map[time.Duration]func(*cluster, *stream){
				time.Second:     func(c *cluster, _ *stream) { c.master.LoseAgent(lostAgent) },
				2 * time.Second: func(_ *cluster, s *stream) { s.kill("t") },
				8 * time.Second: func(c *cluster, _ *stream) { c.master.ReturnAgent(lostAgent) },
			},
			want: []string{
				"1 RESCIND", "7 t TASK_UNREACHABLE: health check timed out", "7 FAILURE",
				"8 t TASK_RUNNING: Unreachable agent re-reregistered", "8 " + mostOfIt,
			},
		},
		{
			name: "shut down cleanly",
			info: checkpointing(),
			do: map[time.Duration]func(*cluster, *stream){
				time.Second: func(c *cluster, _ *stream) { c.master.RemoveAgent(lostAgent) },
			},
			want: []string{"1 t TASK_LOST: Agent agent1.example removed: the agent unregistered", "1 RESCIND", "1 FAILURE"},
		},
		{
			name: "a new agent at the same address",
			info: checkpointing(),
			do: map[time.Duration]func(*cluster, *stream){
				time.Second: func(c *cluster, _ *stream) { c.master.LoseAgent(lostAgent) },
				2 * time.Second: func(c *cluster, _ *stream) {
					a := oneAgent()[0]
					a.Hostname, a.Port = lostAgent, 5051
					require.NoError(c.t, c.master.AddAgent(a))
				},
			},
			want: []string{
				"1 RESCIND", "2 t TASK_LOST: Agent agent1.example removed: a new agent registered at the same address",
				"2 FAILURE", "2 " + wholeAgent,
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, Config{Agents: oneAgent(), AgentPingTimeout: 5 * time.Second, AllocationInterval: time.Second}, func(c *cluster) {
				s := c.subscribe(test.info)
				c.at(100 * time.Millisecond)
				o := s.offers()[0]
				s.accept(o, 0, taskInfo(o, "t", "sleep 600"))
				c.at(200 * time.Millisecond)
				s.ack(s.lastStatus())
				s.ack(s.lastStatus())
				for at := time.Second; at <= 9*time.Second; at += time.Second {
					c.at(at)
					if act := test.do[at]; act != nil {
						act(c, s)
					}
				}
				require.Equal(t, test.want, s.since(time.Second)[1:], "after the offer of what is left")
			})
		})
	}
}

// The master gives an agent up at the ping after the last that it missed. It pings from the agent's registration on,
// and what was sent at the moment of the loss was still answered.
func TestAgentIsGivenUpAtAPing(t *testing.T) {
	for _, test := range []struct {
		name           string
		timeout        time.Duration
		pings          int
		lost, returned time.Duration // since the agent registered; not returned when 0
		want           []time.Duration
	}{
		{"right before a ping", 2 * time.Second, 2, 2999 * time.Millisecond, 0, []time.Duration{5 * time.Second}},
		{"at a ping", 2 * time.Second, 2, 3 * time.Second, 0, []time.Duration{6 * time.Second}},
		{"30 ms after a ping: 2.97 s", 2 * time.Second, 2, 3030 * time.Millisecond, 0, []time.Duration{6 * time.Second}},
		{"fifteen pings", 15 * time.Second, 15, 3430 * time.Millisecond, 0, []time.Duration{19 * time.Second}},
		{"the defaults, five pings of 15 s", 0, 0, time.Second, 0, []time.Duration{90 * time.Second}},
		{"one ping is enough", 10 * time.Second, 1, time.Second, 0, []time.Duration{20 * time.Second}},
		{"more pings than nanoseconds", 3, 5, time.Second, 0, []time.Duration{time.Second + 3}},
		{"back at the last moment", 2 * time.Second, 2, 3030 * time.Millisecond, 6*time.Second - 1, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := Config{AgentPingTimeout: test.timeout, MaxAgentPingTimeouts: test.pings, HeartbeatInterval: time.Hour}
			inBubble(t, config, func(c *cluster) {
				s := c.subscribe(frameworkInfo())
				const registered = 700 * time.Millisecond
				c.at(registered)
				require.NoError(t, c.master.AddAgent(Agent{}))
				c.at(registered + test.lost)
				require.True(t, c.master.FreezeAgent(lostAgent))
				if test.returned > 0 {
					c.at(registered + test.returned)
					require.True(t, c.master.ReturnAgent(lostAgent))
				}
				c.at(2 * time.Minute)
				var given []time.Duration
				for _, r := range s.received() {
					if r.event.GetType() == scheduler.Event_FAILURE {
						given = append(given, r.at-registered)
					}
				}
				require.Equal(t, test.want, given)
			})
		})
	}
}

// An agent that was unreachable and is back is pinged from its return on.
func TestPingsBeginAnewWhenAnAgentReturns(t *testing.T) {
	config := Config{Agents: oneAgent(), AgentPingTimeout: 2 * time.Second, MaxAgentPingTimeouts: 2, HeartbeatInterval: time.Hour}
	inBubble(t, config, func(c *cluster) {
		s := c.subscribe(frameworkInfo())
		c.at(time.Second)
		c.master.LoseAgent(lostAgent)
		c.at(9300 * time.Millisecond)
		c.master.ReturnAgent(lostAgent)
		c.at(9900 * time.Millisecond)
		c.master.LoseAgent(lostAgent)
		c.at(time.Minute)
		require.Equal(t, []string{"1 RESCIND", "4 FAILURE", "9.3 " + wholeAgent, "9.9 RESCIND", "12.3 FAILURE"}, s.since(time.Second))
	})
}

func TestUnreachableTask(t *testing.T) {
	inBubble(t, Config{Agents: append(oneAgent(), Agent{}), AgentPingTimeout: 5 * time.Second}, func(c *cluster) {
		s := c.subscribe(checkpointing())
		c.at(100 * time.Millisecond)
		offers := s.offers()
		if offers[0].Hostname != lostAgent {
			offers[0], offers[1] = offers[1], offers[0]
		}
		s.accept(offers[0], 1e6, taskInfo(offers[0], "t", "sleep 600"))
		c.at(time.Second)
		require.True(t, c.master.LoseAgent(lostAgent))
		require.False(t, c.master.LoseAgent("nobody.example"))
		c.at(8 * time.Second)
		agent := offers[0].AgentID
		s.call(202, &scheduler.Call{Type: scheduler.Call_RECONCILE, Reconcile: &scheduler.Call_Reconcile{Tasks: []scheduler.Call_Reconcile_Task{
			{TaskID: mesos.TaskID{Value: "t"}, AgentID: &agent}, {TaskID: mesos.TaskID{Value: "t"}},
		}}})
		s.kill("t")
		s.accept(offers[1], 1e6, taskInfo(offers[1], "t", "sleep 600"))
		require.Equal(t, []string{
			"8 t TASK_UNREACHABLE: Reconciliation: Task is unreachable",
			"8 t TASK_UNKNOWN: Reconciliation: Task is unknown",
			"8 t TASK_UNKNOWN: Reconciliation: Task is unknown",
			"8 t TASK_ERROR: Task reuses the ID of an unreachable task: t",
		}, s.since(8*time.Second))
	})
}

// An agent that was frozen for long takes 500 ms to register again; meanwhile anything may happen to it.
func TestAgentThatIsAboutToRegister(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(*Master)
		want []string
	}{
		{"left alone", func(*Master) {}, []string{"8.5 " + wholeAgent}},
		{"frozen again", func(m *Master) { m.FreezeAgent(lostAgent) }, nil},
		{"killed", func(m *Master) { m.LoseAgent(lostAgent) }, nil},
		{"frozen and back: it registers once", func(m *Master) { m.FreezeAgent(lostAgent); m.ReturnAgent(lostAgent) }, []string{"8.1 " + wholeAgent}},
		{"removed", func(m *Master) { m.RemoveAgent(lostAgent) }, []string{"8.1 FAILURE"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, Config{Agents: oneAgent(), AgentPingTimeout: 5 * time.Second, HeartbeatInterval: time.Hour}, func(c *cluster) {
				s := c.subscribe(frameworkInfo())
				c.at(time.Second)
				c.master.FreezeAgent(lostAgent)
				c.at(8 * time.Second)
				c.master.ReturnAgent(lostAgent)
				c.at(8100 * time.Millisecond)
				test.do(c.master)
				c.at(20 * time.Second)
				require.Equal(t, test.want, s.since(8*time.Second))
			})
		})
	}
}

func TestAcknowledgementsDoNotReachALostAgent(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
		s := launched(c, checkpointing(), taskInfo(mesos.Offer{}, "t", "sleep 600"), 0)
		c.at(time.Second)
		c.master.LoseAgent(lostAgent)
		s.ack(s.lastStatus())
		c.at(2 * time.Second)
		c.master.ReturnAgent(lostAgent)
		c.at(2 * time.Second)
		require.Equal(t, []string{"2 t TASK_STARTING", "2 t TASK_STARTING"}, updatesOnly(s.since(time.Second)))
	})
}

func TestLostTaskIsCompletedOnce(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
		launched(c, frameworkInfo(), taskInfo(mesos.Offer{}, "t", "sleep 600"), 2)
		c.master.RemoveAgent(lostAgent)
		c.master.must(func() {
			require.Len(t, c.master.order[0].completedTasks, 1)
			require.Equal(t, mesos.TASK_LOST, c.master.order[0].completedTasks[0].state)
		})
	})
}

func TestUpdatesOfALostAgentComeTwice(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
		s := launched(c, checkpointing(), taskInfo(mesos.Offer{}, "t", "sleep 2"), 2)
		c.at(time.Second)
		c.master.LoseAgent(lostAgent)
		c.at(40 * time.Second)
		c.master.ReturnAgent(lostAgent)
		c.at(40 * time.Second)
		require.Equal(t, []string{
			"40 t TASK_FINISHED: Command exited with status 0", "40 t TASK_FINISHED: Command exited with status 0",
		}, updatesOnly(s.since(time.Second)))
	})
}
