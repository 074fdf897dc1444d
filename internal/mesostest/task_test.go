package mesostest

import (
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"
)

// launched starts one task at 100 ms; it reports from 200 ms on. Unless acks is
// 0 that many updates are acknowledged as soon as they come, the first two at 200 ms.
func launched(c *cluster, info *mesos.FrameworkInfo, t mesos.TaskInfo, acks int) *stream {
	s := c.subscribe(info)
	c.at(100 * time.Millisecond)
	o := s.offers()[0]
	t.AgentID = o.AgentID
	s.accept(o, 1e6, t)
	c.at(200 * time.Millisecond)
	for range acks {
		s.ack(s.lastStatus())
	}
	return s
}

func withCapability(c mesos.FrameworkInfo_Capability_Type) *mesos.FrameworkInfo {
	info := frameworkInfo()
	info.Capabilities = append(info.Capabilities, mesos.FrameworkInfo_Capability{Type: c})
	return info
}

// BEHAVIOUR section 7, "Acknowledgement": again after 10 s, then 20 s, 40 s ... up to
// 10 min, and the same after every acknowledgement.
func TestUpdateRetries(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent(), HeartbeatInterval: time.Hour}, func(c *cluster) {
		s := launched(c, frameworkInfo(), taskInfo(mesos.Offer{}, "t", "sleep 1"), 0)
		first := s.lastStatus()
		c.at(1800*time.Second + 200*time.Millisecond)
		require.Equal(t, []string{
			"0.2 t TASK_STARTING",
			"10.2 t TASK_STARTING",
			"11 " + wholeAgent, // the retry told the master of the end
			"30.2 t TASK_STARTING",
			"70.2 t TASK_STARTING",
			"150.2 t TASK_STARTING",
			"310.2 t TASK_STARTING",
			"630.2 t TASK_STARTING",
			"1230.2 t TASK_STARTING",
		}, s.since(100*time.Millisecond))
		require.Equal(t, first.UUID, s.lastStatus().UUID)

		wrong := *first
		wrong.UUID = []byte("0123456789abcdef")
		s.ack(&wrong)
		require.Equal(t, first.UUID, s.lastStatus().UUID, "a wrong uuid changes nothing")
		s.ack(first)
		require.Equal(t, mesos.TASK_RUNNING, s.lastStatus().GetState())
		c.at(1810*time.Second + 200*time.Millisecond)
		s.ack(s.lastStatus())
		require.Equal(t, []string{
			"1800.2 t TASK_RUNNING", "1810.2 t TASK_RUNNING", "1810.2 t TASK_FINISHED: Command exited with status 0",
		}, s.since(1800*time.Second))
		require.Len(t, c.master.Snapshot().Frameworks[0].Tasks, 1, "known until acknowledged")
		s.ack(s.lastStatus())
		require.Empty(t, c.master.Snapshot().Frameworks[0].Tasks)
	})
}

func TestKillEscalation(t *testing.T) {
	const stubborn = `trap "" TERM; while true; do sleep 0.2; done`
	grace := func(d time.Duration) *mesos.KillPolicy {
		return &mesos.KillPolicy{GracePeriod: &mesos.DurationInfo{Nanoseconds: int64(d)}}
	}
	killing := withCapability(mesos.FrameworkInfo_Capability_TASK_KILLING_STATE)
	for _, test := range []struct {
		name     string
		command  string
		policy   *mesos.KillPolicy // of the task
		override *mesos.KillPolicy // of the call
		agent    Agent
		info     *mesos.FrameworkInfo
		want     []string // after the KILL at 1 s
	}{
		{name: "ends on SIGTERM", command: "sleep 600",
			want: []string{"1.05 t TASK_KILLED: Command terminated with signal Terminated"}},
		{name: "ignores SIGTERM: SIGKILL after 3 s", command: stubborn,
			want: []string{"4.05 t TASK_KILLED: Command terminated with signal Killed"}},
		{name: "grace period of the task", command: stubborn, policy: grace(7 * time.Second),
			want: []string{"8.05 t TASK_KILLED: Command terminated with signal Killed"}},
		{name: "the policy of the call never reaches the default command executor", command: stubborn, override: grace(time.Second),
			want: []string{"4.05 t TASK_KILLED: Command terminated with signal Killed"}},
		{name: "it does with --http_command_executor", command: stubborn, override: grace(0), agent: Agent{HTTPCommandExecutor: true},
			want: []string{"1.05 t TASK_KILLED: Command terminated with signal Killed"}},
		{name: "exits by itself", command: `trap "exit 0" TERM; while true; do sleep 0.2; done`,
			want: []string{"1.05 t TASK_KILLED: Command exited with status 0"}},
		{name: "goes on after the handler", command: `trap "echo no" TERM; sleep 2; sleep 600`,
			want: []string{"4.05 t TASK_KILLED: Command terminated with signal Killed"}},
		{name: "TASK_KILLING_STATE", command: "sleep 600", info: killing,
			want: []string{"1 t TASK_KILLING"}}, // TASK_KILLED waits for its acknowledgement
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, Config{Agents: []Agent{test.agent}}, func(c *cluster) {
				task := taskInfo(mesos.Offer{}, "t", test.command)
				task.KillPolicy = test.policy
				info := test.info
				if info == nil {
					info = frameworkInfo()
				}
				s := launched(c, info, task, 2)
				c.at(time.Second)
				kill := &scheduler.Call{Type: scheduler.Call_KILL, Kill: &scheduler.Call_Kill{
					TaskID: task.TaskID, KillPolicy: test.override,
				}}
				s.call(202, kill)
				s.call(202, kill) // repeated: nothing
				c.at(10 * time.Second)
				require.Equal(t, test.want, updatesOnly(s.since(time.Second)))
			})
		})
	}
}

// The master takes a KILL right after the LAUNCH at once, but the task is TASK_STAGING until the agent reports its end.
func TestKillBeforeTheExecutorRegistered(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
		s := c.subscribe(frameworkInfo())
		c.at(100 * time.Millisecond)
		o := s.offers()[0]
		s.accept(o, 0, taskInfo(o, "t", "sleep 600"))
		c.at(103 * time.Millisecond)
		s.kill("t")
		c.at(105 * time.Millisecond)
		s.kill("t")
		reconcileTask(s, "t", nil)
		c.at(500 * time.Millisecond)
		require.Equal(t, mesos.SOURCE_AGENT, s.lastStatus().GetSource())
		require.Equal(t, mesos.REASON_TASK_KILLED_DURING_LAUNCH, s.lastStatus().GetReason())
		s.ack(s.lastStatus())
		c.at(5 * time.Second)
		require.Equal(t, []string{
			"0.105 t TASK_STAGING: Reconciliation: Latest task state",
			"0.2 t TASK_KILLED: Killed before delivery to the executor", "1 " + wholeAgent,
		}, s.since(100*time.Millisecond))
	})
}

// A KILL waits for an agent that is away, and has its effect once, however often it was asked for.
func TestKillWhileTheAgentIsAway(t *testing.T) {
	for _, test := range []struct {
		name  string
		leave func(*Master, string) bool
	}{{"lost", (*Master).LoseAgent}, {"frozen", (*Master).FreezeAgent}} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, Config{Agents: oneAgent(), HeartbeatInterval: time.Hour}, func(c *cluster) {
				info := withCapability(mesos.FrameworkInfo_Capability_TASK_KILLING_STATE)
				info.Checkpoint = ptr(true)
				task := taskInfo(mesos.Offer{}, "t", "sleep 600")
				task.Check = &mesos.CheckInfo{
					Type: mesos.CheckInfo_COMMAND, DelaySeconds: ptr(3600.0),
					Command: &mesos.CheckInfo_Command{Command: mesos.CommandInfo{Value: ptr("true")}},
				}
				s := launched(c, info, task, 2)
				c.at(time.Second)
				test.leave(c.master, lostAgent)
				s.kill("t")
				c.at(2 * time.Second)
				s.kill("t")
				c.at(3 * time.Second)
				c.master.ReturnAgent(lostAgent)
				c.at(4 * time.Second)
				require.Equal(t, []string{"3 t TASK_KILLING"}, updatesOnly(s.since(time.Second)))
				require.Equal(t, &mesos.CheckStatusInfo{Type: mesos.CheckInfo_COMMAND.Enum(), Command: &mesos.CheckStatusInfo_Command{}}, s.lastStatus().CheckStatus)
				s.ackAll()
				c.at(5 * time.Second)
				require.Equal(t, []string{"4 t TASK_KILLED: Command terminated with signal Terminated"}, updatesOnly(s.since(4*time.Second)))
			})
		})
	}
}

func TestNoMaxCompletionTime(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent(), HeartbeatInterval: time.Hour}, func(c *cluster) {
		task := taskInfo(mesos.Offer{}, "t", "sleep 600")
		task.MaxCompletionTime = &mesos.DurationInfo{}
		s := launched(c, frameworkInfo(), task, 2)
		c.at(time.Minute)
		require.Empty(t, s.since(time.Second), "0 is no limit")
	})
}

func TestUserOfACommand(t *testing.T) {
	for _, test := range []struct {
		user string
		want string // of the state
	}{{"nobody", "TASK_RUNNING"}, {"fw-user", "TASK_RUNNING"}, {"somebody", "TASK_FAILED"}, {"", "TASK_FAILED"}} {
		t.Run(test.user, func(t *testing.T) {
			inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
				info := frameworkInfo()
				info.User = "fw-user"
				task := taskInfo(mesos.Offer{}, "t", "sleep 600")
				task.Command.User = &test.user
				s := launched(c, info, task, 1)
				got := s.lastStatus()
				require.Equal(t, test.want, got.GetState().String())
				if test.want == "TASK_RUNNING" {
					return
				}
				require.Equal(t, mesos.SOURCE_AGENT, got.GetSource())
				require.Equal(t, mesos.REASON_CONTAINER_LAUNCH_FAILED, got.GetReason())
				require.Regexp(t, "^Failed to launch container: Failed to chown '/var/lib/mesos/agent1/slaves/.*/stdout' to user '"+
					test.user+"' : No such user '"+test.user+"'$", got.GetMessage())
			})
		})
	}
}

func TestMaxCompletionTime(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
		task := taskInfo(mesos.Offer{}, "t", "sleep 600")
		task.MaxCompletionTime = &mesos.DurationInfo{Nanoseconds: int64(2 * time.Second)}
		s := launched(c, frameworkInfo(), task, 2)
		c.at(2500 * time.Millisecond)
		require.Equal(t, []string{"2.25 t TASK_FAILED: Command terminated with signal Terminated"}, s.since(time.Second))
		require.Equal(t, mesos.REASON_MAX_COMPLETION_TIME_REACHED, s.lastStatus().GetReason())
	})
}

// The time runs out between the end of the process and the report of it.
func TestMaxCompletionTimeIsOverWithTheProcess(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
		task := taskInfo(mesos.Offer{}, "t", "sleep 2")
		task.MaxCompletionTime = &mesos.DurationInfo{Nanoseconds: int64(2020 * time.Millisecond)}
		s := launched(c, frameworkInfo(), task, 2)
		c.at(2500 * time.Millisecond)
		require.Equal(t, []string{"2.25 t TASK_FINISHED: Command exited with status 0"}, s.since(time.Second))
	})
}

// Such checks would stop the clock of the bubble if they took no time.
func TestHealthChecksWithoutInterval(t *testing.T) {
	for _, check := range []*mesos.HealthCheck{
		{Type: mesos.HealthCheck_TCP, TCP: &mesos.HealthCheck_TCPCheckInfo{Port: 1}},
		{Type: mesos.HealthCheck_COMMAND, Command: &mesos.CommandInfo{Value: ptr("true")}},
	} {
		t.Run(check.Type.String(), func(t *testing.T) {
			inBubble(t, Config{Agents: oneAgent(), Reap: -1}, func(c *cluster) {
				task := taskInfo(mesos.Offer{}, "t", "sleep 1")
				task.HealthCheck = check
				check.DelaySeconds, check.IntervalSeconds = ptr(0.0), ptr(0.0)
				s := launched(c, frameworkInfo(), task, 3)
				c.at(2 * time.Second)
				require.Equal(t, []string{
					"0.2 t TASK_STARTING", "0.2 t TASK_RUNNING", "0.2 t TASK_RUNNING healthy=true", "1.2 t TASK_FINISHED: Command exited with status 0",
				}, updatesOnly(s.log()))
			})
		})
	}
}

func TestHealthCheckKillsAfterConsecutiveFailures(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
		task := taskInfo(mesos.Offer{}, "t", "touch up; sleep 2; rm up; sleep 600")
		half, none := 0.5, 0.0
		task.HealthCheck = &mesos.HealthCheck{
			Type: mesos.HealthCheck_COMMAND, Command: &mesos.CommandInfo{Value: ptr("test -e up")},
			DelaySeconds: &half, IntervalSeconds: &half, GracePeriodSeconds: &none, ConsecutiveFailures: ptr(uint32(2)),
		}
		s := launched(c, frameworkInfo(), task, 2)
		for range 9 {
			c.at(time.Since(c.start) + 500*time.Millisecond)
			s.ack(s.lastStatus())
		}
		require.Equal(t, []string{
			"0.75 t TASK_RUNNING healthy=true", // a result takes the executor 50 ms
			"2.4 t TASK_RUNNING healthy=false", // 0.7 + 3 × 0.55 s + 50 ms
			"2.95 t TASK_RUNNING healthy=false",
			"3.2 t TASK_KILLED healthy=false: Command terminated with signal Terminated", // acknowledged late
		}, updatesOnly(s.since(300*time.Millisecond)))
	})
}

func TestDockerTasksRunUntilKilled(t *testing.T) {
	docker := func(command *string) mesos.TaskInfo {
		task := taskInfo(mesos.Offer{}, "t", "")
		task.Container = &mesos.ContainerInfo{Type: mesos.ContainerInfo_DOCKER.Enum(), Docker: &mesos.ContainerInfo_DockerInfo{Image: "nginx"}}
		task.Command = &mesos.CommandInfo{Shell: ptr(command != nil), Value: command}
		return task
	}
	for _, test := range []struct {
		name  string
		agent Agent
		task  mesos.TaskInfo
		want  []string
	}{
		{"the entry point of the image", Agent{}, docker(nil), []string{"0.2 t TASK_STARTING", "0.2 t TASK_RUNNING"}},
		{"a program of the image", Agent{}, docker(ptr("action --loop")), []string{"0.2 t TASK_STARTING", "0.2 t TASK_RUNNING"}},
		{"a command that ends", Agent{}, docker(ptr("sleep 1; exit 3")),
			[]string{"0.2 t TASK_STARTING", "0.2 t TASK_RUNNING", "1.25 t TASK_FAILED: Command exited with status 3"}},
		{"no docker on the agent", Agent{Containerizers: "mesos"}, docker(nil),
			[]string{"0.1 t TASK_FAILED: Abnormal executor termination: unknown container"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, Config{Agents: []Agent{test.agent}}, func(c *cluster) {
				s := launched(c, frameworkInfo(), test.task, 2)
				c.at(5 * time.Second)
				require.Equal(t, test.want, updatesOnly(s.since(100*time.Millisecond)))
			})
		})
	}
}

func TestUpdateFromTheTest(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
		s := launched(c, frameworkInfo(), taskInfo(mesos.Offer{}, "t", "sleep 600"), 2)
		c.at(time.Second)
		require.True(t, c.master.Update(mesos.TaskStatus{
			TaskID: mesos.TaskID{Value: "t"}, State: mesos.TASK_RUNNING.Enum(), Healthy: ptr(true),
		}))
		c.at(2 * time.Second)
		s.ack(s.lastStatus())
		require.True(t, c.master.Update(mesos.TaskStatus{
			TaskID: mesos.TaskID{Value: "t"}, State: mesos.TASK_FAILED.Enum(), Message: ptr("out of memory"),
		}))
		c.at(3 * time.Second)
		require.Equal(t, []string{"1 t TASK_RUNNING healthy=true", "2 t TASK_FAILED: out of memory"}, updatesOnly(s.since(time.Second)))
		require.False(t, c.master.Update(mesos.TaskStatus{TaskID: mesos.TaskID{Value: "t"}, State: mesos.TASK_RUNNING.Enum()}))
	})
}
