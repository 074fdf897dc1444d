package mesosfake_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// inBubble runs a test in virtual time, with a framework that has launched the task t1 on agent1.example.
func inBubble(t *testing.T, config mesosfake.Config, f func(t *testing.T, c *mesosfake.Cluster, s *scheduler.Scheduler)) {
	synctest.Test(t, func(t *testing.T) {
		c := mesosfake.Start(t, config)
		s := run(t, c)
		_, err := s.Launch(t.Context(), task.Spec{
			ID: "t1", CPUs: 1, Mem: 64, Command: task.Command{Shell: "sleep 86400"}, HealthCheck: &task.HealthCheck{Command: &task.CheckCommand{Shell: "true"}},
		})
		require.NoError(t, err)
		f(t, c, s)
	})
}

// requireTask requires the state of t1 in the eyes of master and framework.
func requireTask(t *testing.T, c *mesosfake.Cluster, s *scheduler.Scheduler, mesos string, state task.State) {
	t.Helper()
	synctest.Wait()
	got, found := c.Snapshot().Task("t1")
	require.True(t, found)
	require.Equal(t, mesos, got.State)
	info, err := s.Task(t.Context(), "t1")
	require.NoError(t, err)
	require.Equal(t, state, info.State)
}

// Each thing that can happen to a task's agent, and what the task is some time later.
func TestWhatHappensToAgents(t *testing.T) {
	const host = "agent1.example"
	for name, row := range map[string]struct {
		do      func(c *mesosfake.Cluster) error
		after   time.Duration
		mesos   string
		state   task.State
		running bool
		agents  int
	}{
		"lost for a minute":      {func(c *mesosfake.Cluster) error { return c.LoseAgent(host) }, time.Minute, "TASK_RUNNING", task.StateRunning, true, 1},
		"lost for two minutes":   {func(c *mesosfake.Cluster) error { return c.LoseAgent(host) }, 2 * time.Minute, "TASK_UNREACHABLE", task.StateUnreachable, true, 0},
		"frozen for two minutes": {func(c *mesosfake.Cluster) error { return c.FreezeAgent(host) }, 2 * time.Minute, "TASK_UNREACHABLE", task.StateUnreachable, true, 0},
		"stopped":                {func(c *mesosfake.Cluster) error { return c.StopAgent(host) }, 0, "TASK_LOST", task.StateLost, false, 0},
		"drained":                {func(c *mesosfake.Cluster) error { return c.DrainAgent(host, -1) }, time.Minute, "TASK_KILLED", task.StateKilled, false, 1},
		"deactivated":            {func(c *mesosfake.Cluster) error { return c.DeactivateAgent(host) }, time.Minute, "TASK_RUNNING", task.StateRunning, true, 1},
		"gone":                   {func(c *mesosfake.Cluster) error { return c.MarkAgentGone(host) }, 0, "TASK_GONE_BY_OPERATOR", task.StateGoneByOperator, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, mesosfake.Config{}, func(t *testing.T, c *mesosfake.Cluster, s *scheduler.Scheduler) {
				require.NoError(t, row.do(c))
				time.Sleep(row.after)
				requireTask(t, c, s, row.mesos, row.state)
				now := c.Snapshot()
				require.Len(t, now.Agents, row.agents)
				require.Equal(t, row.running, now.Tasks[0].Running)
			})
		})
	}
}

func TestAgentTimeout(t *testing.T) {
	inBubble(t, mesosfake.Config{AgentTimeout: 5 * time.Second}, func(t *testing.T, c *mesosfake.Cluster, s *scheduler.Scheduler) {
		require.NoError(t, c.LoseAgent("agent1.example"))
		time.Sleep(20 * time.Second)
		requireTask(t, c, s, "TASK_UNREACHABLE", task.StateUnreachable)
		require.NoError(t, c.ReturnAgent("agent1.example"))
		requireTask(t, c, s, "TASK_RUNNING", task.StateRunning)
	})
}

// The host of a lost agent comes back under its name, as another agent.
func TestHostThatIsInstalledAnew(t *testing.T) {
	const host = "agent1.example"
	inBubble(t, mesosfake.Config{}, func(t *testing.T, c *mesosfake.Cluster, s *scheduler.Scheduler) {
		require.NoError(t, c.LoseAgent(host))
		require.NoError(t, c.AddAgent(mesosfake.Agent{Hostname: host}))
		time.Sleep(10 * time.Minute)
		requireTask(t, c, s, "TASK_UNREACHABLE", task.StateUnreachable)
		require.NoError(t, s.Forget(t.Context(), "t1"))
		info, err := s.Launch(t.Context(), task.Spec{ID: "t2", CPUs: 1, Mem: 64, Command: task.Command{Shell: "sleep 86400"}})
		require.NoError(t, err)
		first, _ := c.Snapshot().Task("t1")
		require.Equal(t, host, info.Hostname)
		require.NotEqual(t, first.AgentID, info.AgentID)
	})
}

// Each way in which a task ends beside that of its command.
func TestEndsOfTasks(t *testing.T) {
	for name, row := range map[string]struct {
		do      func(c *mesosfake.Cluster) error
		mesos   string
		state   task.State
		message string
	}{
		"success":   {func(c *mesosfake.Cluster) error { return c.EndTask("t1", 0) }, "TASK_FINISHED", task.StateFinished, "Command exited with status 0"},
		"failure":   {func(c *mesosfake.Cluster) error { return c.EndTask("t1", 3) }, "TASK_FAILED", task.StateFailed, "Command exited with status 3"},
		"killed":    {func(c *mesosfake.Cluster) error { return c.KillTask("t1") }, "TASK_FAILED", task.StateFailed, "Executor terminated"},
		"unhealthy": {func(c *mesosfake.Cluster) error { return c.SetHealth("t1", false) }, "TASK_KILLED", task.StateKilled, "Command terminated with signal Terminated"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, mesosfake.Config{}, func(t *testing.T, c *mesosfake.Cluster, s *scheduler.Scheduler) {
				require.NoError(t, row.do(c))
				time.Sleep(5 * time.Minute)
				requireTask(t, c, s, row.mesos, row.state)
				ended := c.Snapshot().Tasks[0]
				require.Equal(t, row.message, ended.Message)
				require.False(t, ended.Running)
				require.ErrorIs(t, row.do(c), mesosfake.ErrNotFound)
			})
		})
	}
}

// What the framework must get over without its task's noticing.
func TestFaultsOfMastersAndNetwork(t *testing.T) {
	for name, do := range map[string]func(t *testing.T, c *mesosfake.Cluster){
		"failover": func(t *testing.T, c *mesosfake.Cluster) { require.NoError(t, c.Failover(30*time.Second)) },
		"disconnected": func(t *testing.T, c *mesosfake.Cluster) {
			c.Disconnect()
			require.False(t, c.Snapshot().Frameworks[0].Connected)
		},
		"silence": func(t *testing.T, c *mesosfake.Cluster) {
			c.Silence(true)
			time.AfterFunc(10*time.Minute, func() { c.Silence(false) })
		},
		"rescinded": func(_ *testing.T, c *mesosfake.Cluster) { c.RescindOffers() },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, mesosfake.Config{Masters: 3}, func(t *testing.T, c *mesosfake.Cluster, s *scheduler.Scheduler) {
				do(t, c)
				time.Sleep(15 * time.Minute)
				requireTask(t, c, s, "TASK_RUNNING", task.StateRunning)
				now := c.Snapshot()
				require.Len(t, now.Tasks, 1)
				require.True(t, now.Frameworks[0].Connected)
				require.Equal(t, name == "failover", now.Leader != 0)
			})
		})
	}
}

func TestTeardown(t *testing.T) {
	inBubble(t, mesosfake.Config{}, func(t *testing.T, c *mesosfake.Cluster, s *scheduler.Scheduler) {
		id := c.Snapshot().Frameworks[0].ID
		require.NoError(t, c.Teardown(id))
		require.Empty(t, c.Snapshot().Frameworks)
		require.Equal(t, []string{id}, c.Snapshot().Removed)
		require.Equal(t, "TASK_KILLED", c.Snapshot().Tasks[0].State)
		require.ErrorIs(t, c.Teardown(id), mesosfake.ErrRefused)
	})
}

func TestMaintenance(t *testing.T) {
	const host = "agent1.example"
	inBubble(t, mesosfake.Config{}, func(t *testing.T, c *mesosfake.Cluster, s *scheduler.Scheduler) {
		require.ErrorIs(t, c.StartMaintenance(host), mesosfake.ErrRefused, "not scheduled")
		require.NoError(t, c.ScheduleMaintenance(mesosfake.Window{Hostnames: []string{host}, Start: time.Now()}))
		require.NoError(t, c.StartMaintenance(host))
		requireTask(t, c, s, "TASK_LOST", task.StateLost)
		require.NoError(t, c.StopMaintenance(host))
		require.NoError(t, c.ReturnAgent(host))
		require.Len(t, c.Snapshot().Agents, 1)
		require.NoError(t, c.DeactivateAgent(host))
		require.NoError(t, c.ReactivateAgent(host))
	})
}

func TestWhatIsNotThere(t *testing.T) {
	inBubble(t, mesosfake.Config{}, func(t *testing.T, c *mesosfake.Cluster, _ *scheduler.Scheduler) {
		for _, err := range []error{
			c.LoseAgent("x"), c.FreezeAgent("x"), c.ReturnAgent("x"), c.StopAgent("x"), c.DrainAgent("x", 0), c.DeactivateAgent("x"),
			c.ReactivateAgent("x"), c.MarkAgentGone("x"), c.EndTask("x", 0), c.KillTask("x"), c.SetHealth("x", false),
		} {
			require.ErrorIs(t, err, mesosfake.ErrNotFound)
		}
		require.Error(t, c.AddAgent(mesosfake.Agent{Resources: "cpus"}))
		_, found := c.Snapshot().Task("x")
		require.False(t, found)
	})
}

func TestBadConfigs(t *testing.T) {
	for _, config := range []mesosfake.Config{
		{Masters: -1}, {AgentTimeout: -1}, {Listen: "127.0.0.1"}, {Agents: []mesosfake.Agent{{Resources: "cpus"}}},
		{Agents: []mesosfake.Agent{{Attributes: "rack"}}}, {Agents: []mesosfake.Agent{{Domain: "region"}}},
	} {
		_, err := mesosfake.New(config)
		require.ErrorContains(t, err, "mesosfake: ")
	}
}

// Several masters on the real network: the second redirects to the first.
func TestListen(t *testing.T) {
	c := mesosfake.Start(t, mesosfake.Config{Listen: "127.0.0.1:0", Masters: 2})
	transport := &http.Transport{DialContext: c.DialContext}
	defer transport.CloseIdleConnections()
	masters := strings.Split(c.Master(), ",")
	require.Len(t, masters, 2)
	for i, status := range []int{http.StatusOK, http.StatusTemporaryRedirect} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, masters[i]+"/state", nil)
		require.NoError(t, err)
		response, err := transport.RoundTrip(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, status, response.StatusCode)
	}
	_, err := mesosfake.New(mesosfake.Config{Listen: strings.TrimPrefix(masters[0], "http://")})
	require.ErrorContains(t, err, "address already in use")
}

func TestCredentialsAndTokens(t *testing.T) {
	for name, row := range map[string]struct {
		cluster   mesosfake.Config
		framework func(*scheduler.Config)
	}{
		"credential": {
			mesosfake.Config{Credentials: map[string]string{"shop": "secret"}},
			func(c *scheduler.Config) { c.Credential = &scheduler.Credential{Principal: "shop", Secret: "secret"} },
		},
		"token": {
			mesosfake.Config{Tokens: map[string]string{"letmein": "shop"}},
			func(c *scheduler.Config) { c.Token = func(context.Context) (string, error) { return "letmein", nil } },
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, known := range []bool{true, false} {
				synctest.Test(t, func(t *testing.T) {
					c := mesosfake.Start(t, row.cluster)
					config := scheduler.Config{Master: c.Master(), DialContext: c.DialContext, Framework: scheduler.Framework{Name: "shop"}}
					config.Logger = slog.New(slog.DiscardHandler)
					if known {
						row.framework(&config)
					}
					s, err := scheduler.New(config)
					require.NoError(t, err)
					go func() { _ = s.Run(t.Context()) }()
					time.Sleep(time.Second)
					require.Equal(t, known, len(c.Snapshot().Frameworks) == 1)
				})
			}
		})
	}
}

// Run ends what waits, leaves nothing behind, and cannot be called again.
func TestRunOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := mesosfake.New(mesosfake.Config{})
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- c.Run(ctx) }()
		require.Len(t, c.Snapshot().Agents, 1)
		waiting := make(chan error)
		go func() { waiting <- c.Await(t.Context(), func(mesosfake.Snapshot) bool { return false }) }()
		synctest.Wait()
		stop()
		require.NoError(t, <-ended)
		require.ErrorContains(t, <-waiting, "has ended")
		require.Len(t, c.Snapshot().Agents, 1, "the last state")
		require.Error(t, c.Run(t.Context()))
	})
}

// A snapshot can be passed to a test in another language.
func TestSnapshotAsJSON(t *testing.T) {
	inBubble(t, mesosfake.Config{}, func(t *testing.T, c *mesosfake.Cluster, _ *scheduler.Scheduler) {
		encoded, err := json.Marshal(c.Snapshot())
		require.NoError(t, err)
		for _, part := range []string{
			`{"leader":0,"frameworks":[{"id":"`, `"connected":true,"roles":["*"]`, `"agents":[{"id":"`, `"hostname":"agent1.example","free":"`,
			`"tasks":[{"id":"t1","frameworkID":"`, `"state":"TASK_RUNNING","running":true,"info":{"name":"t1"`, `"calls":{"ACCEPT":1,`,
		} {
			require.Contains(t, string(encoded), part)
		}
	})
}
