package mesostest

import (
	"net/http"
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"
)

// Tests change the files of the newest launch of a task, also after its end, until they are removed.
func TestOutputIsChanged(t *testing.T) {
	inBubbleWithAgents(t, Config{Agents: oneAgent()}, func(c *cluster) {
		s := launched(c, frameworkInfo(), taskInfo(mesos.Offer{}, "t", "echo one; sleep 1; echo two"), 2)
		stdout := s.latest("t") + "/stdout"
		require.True(t, c.master.WriteOutput("t", "stdout", []byte("\xff\n")))
		require.True(t, c.master.WriteOutput("t", "core", []byte("dump")))
		require.Equal(t, "one\n\ufffd\n", c.read(stdout, 0), "not UTF-8, which this way of reading loses")
		require.Equal(t, "dump", c.read(s.latest("t")+"/core", 0))
		require.True(t, c.master.RotateOutput("t", "stdout"))
		require.Empty(t, c.read(stdout, 0))
		require.Equal(t, "one\n\ufffd\n", c.read(stdout+".1", 0))
		c.at(5 * time.Second)
		s.ack(s.lastStatus())
		c.at(10 * time.Second)
		require.Equal(t, "two\n", c.read(stdout, 0), "it goes on in the new file")
		require.True(t, c.master.WriteOutput("t", "stdout", []byte("late\n")))
		require.Equal(t, "two\nlate\n", c.read(stdout, 0))

		require.True(t, c.master.RemoveSandbox("t"))
		status, _ := c.agent("/files/read?offset=0&path=" + stdout)
		require.Equal(t, http.StatusNotFound, status)
		require.False(t, c.master.WriteOutput("t", "stdout", nil))
		require.False(t, c.master.RemoveSandbox("t"))
		require.False(t, c.master.RotateOutput("nobody", "stdout"))
	})
}

// The API of an agent may be away while the agent goes on.
func TestAgentWithoutItsAPI(t *testing.T) {
	inBubbleWithAgents(t, Config{Agents: []Agent{{Hostname: lostAgent}}}, func(c *cluster) {
		require.True(t, c.master.SetAgentAPI(lostAgent, false))
		require.False(t, c.reachable())
		require.Len(t, c.subscribe(frameworkInfo()).offers(), 1)
		require.True(t, c.master.SetAgentAPI(lostAgent, true))
		require.True(t, c.reachable())
		require.False(t, c.master.SetAgentAPI("nobody", true))
		require.True(t, c.master.LoseAgent(lostAgent))
		require.True(t, c.master.SetAgentAPI(lostAgent, true))
		require.False(t, c.reachable(), "there is no process that could serve it")
	})
}

// Offers name the host of the API as configured, and the agent by its hostname.
func TestHostInTheURLOfAnAgent(t *testing.T) {
	inBubble(t, Config{Agents: []Agent{{URLHost: "10.0.0.7"}}}, func(c *cluster) {
		offer := c.subscribe(frameworkInfo()).offers()[0]
		require.Equal(t, "10.0.0.7", offer.URL.Address.GetHostname())
		require.Equal(t, "agent1.example", offer.Hostname)
	})
}
