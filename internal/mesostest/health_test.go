package mesostest

import (
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"
)

// httpCheck checks every second from half a second on, and forgives failures in the first three
// seconds and two in a row.
func httpCheck() *mesos.HealthCheck {
	return &mesos.HealthCheck{
		Type: mesos.HealthCheck_HTTP, HTTP: &mesos.HealthCheck_HTTPCheckInfo{Port: 8080},
		DelaySeconds: ptr(0.5), IntervalSeconds: ptr(1.0), GracePeriodSeconds: ptr(3.0), ConsecutiveFailures: ptr(uint32(3)),
	}
}

// The task runs from 0.2 s on, so it is checked at 0.7 s, 1.7 s and so on.
func TestScriptedHealth(t *testing.T) {
	for _, test := range []struct {
		why    string
		health map[time.Duration]bool
		want   []string
	}{
		{"a first success, then none until something changes", nil, []string{"0.7 t TASK_RUNNING healthy=true"}},
		{
			"failures in the grace period are not told; the third after it kills",
			map[time.Duration]bool{500 * time.Millisecond: false},
			[]string{
				"3.7 t TASK_RUNNING healthy=false", "4.7 t TASK_RUNNING healthy=false", "5.7 t TASK_RUNNING healthy=false",
				"5.75 t TASK_KILLED healthy=false: Command terminated with signal Terminated",
			},
		},
		{
			"after a first success there is no grace",
			map[time.Duration]bool{time.Second: false},
			[]string{
				"0.7 t TASK_RUNNING healthy=true", "1.7 t TASK_RUNNING healthy=false", "2.7 t TASK_RUNNING healthy=false",
				"3.7 t TASK_RUNNING healthy=false", "3.75 t TASK_KILLED healthy=false: Command terminated with signal Terminated",
			},
		},
		{
			"a success between failures starts the count again",
			map[time.Duration]bool{time.Second: false, 3 * time.Second: true, 4 * time.Second: false, 6 * time.Second: true},
			[]string{
				"0.7 t TASK_RUNNING healthy=true", "1.7 t TASK_RUNNING healthy=false", "2.7 t TASK_RUNNING healthy=false",
				"3.7 t TASK_RUNNING healthy=true", "4.7 t TASK_RUNNING healthy=false", "5.7 t TASK_RUNNING healthy=false",
				"6.7 t TASK_RUNNING healthy=true",
			},
		},
	} {
		inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
			task := taskInfo(mesos.Offer{}, "t", "sleep 600")
			task.HealthCheck = httpCheck()
			s := launched(c, frameworkInfo(), task, 2)
			for at := 250 * time.Millisecond; at < 10*time.Second; at += 50 * time.Millisecond {
				c.at(at)
				if healthy, ok := test.health[at]; ok {
					require.True(t, c.master.SetHealth("t", healthy))
				}
				s.ack(s.lastStatus()) // again is harmless
			}
			require.Equal(t, test.want, updatesOnly(s.since(250*time.Millisecond)), test.why)
		})
	}
}

func TestScriptedHealthOfNothing(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
		launched(c, frameworkInfo(), taskInfo(mesos.Offer{}, "t", "sleep 600"), 2)
		require.False(t, c.master.SetHealth("t", false), "it has no health check")
		require.False(t, c.master.SetHealth("nobody", false))
	})
}

// A program that listens from 1.2 s to 3.2 s; its port is checked at 0.7 s, 1.7 s and so on.
func TestPortsOfPrograms(t *testing.T) {
	const program = `sleep 1; exec python3 -c "import socket, time
s=socket.socket(); s.bind(('', 8080)); s.listen(5)
time.sleep(2); s.close(); time.sleep(600)"`
	for _, test := range []struct {
		why     string
		command string
		port    uint32
		want    []string
	}{
		{"its own port", program, 8080, []string{
			"1.7 t TASK_RUNNING healthy=true", "3.7 t TASK_RUNNING healthy=false", "4.7 t TASK_RUNNING healthy=false",
			"5.7 t TASK_RUNNING healthy=false", "5.75 t TASK_KILLED healthy=false: Command terminated with signal Terminated",
		}},
		{"another port", program, 8081, []string{
			"3.7 t TASK_RUNNING healthy=false", "4.7 t TASK_RUNNING healthy=false", "5.7 t TASK_RUNNING healthy=false",
			"5.75 t TASK_KILLED healthy=false: Command terminated with signal Terminated",
		}},
		{"a program that does not say", "python3 -m http.server", 8080, []string{"0.7 t TASK_RUNNING healthy=true"}},
		{"more than is understood", `python3 -c "s.bind(('', 8080)); serve()"`, 8080, []string{"0.7 t TASK_RUNNING healthy=true"}},
	} {
		inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
			task := taskInfo(mesos.Offer{}, "t", test.command)
			task.HealthCheck = httpCheck()
			task.HealthCheck.HTTP.Port = test.port
			s := launched(c, frameworkInfo(), task, 2)
			for at := 250 * time.Millisecond; at < 8*time.Second; at += 50 * time.Millisecond {
				c.at(at)
				s.ack(s.lastStatus())
			}
			require.Equal(t, test.want, updatesOnly(s.since(250*time.Millisecond)), test.why)
		})
	}
}

// What checks say is not the task's output.
func TestOutputOfChecks(t *testing.T) {
	inBubbleWithAgents(t, Config{Agents: oneAgent()}, func(c *cluster) {
		task := taskInfo(mesos.Offer{}, "t", "echo task; sleep 600")
		task.HealthCheck = &mesos.HealthCheck{
			Type: mesos.HealthCheck_COMMAND, Command: &mesos.CommandInfo{Value: ptr("echo fine")}, DelaySeconds: ptr(1.0),
		}
		s := launched(c, frameworkInfo(), task, 2)
		c.at(2 * time.Second)
		require.Equal(t, "task\n", c.read(s.latest("t")+"/stdout", 0))
		require.Equal(t, "fine\n", c.read(s.latest("t")+"/stderr", 0))
	})
}
