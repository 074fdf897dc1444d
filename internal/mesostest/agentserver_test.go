package mesostest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
)

// The API is that of the agent's process: it goes and comes with it.
func TestReachOfAgents(t *testing.T) {
	inBubbleWithAgents(t, Config{Agents: []Agent{{Hostname: lostAgent}}}, func(c *cluster) {
		require.True(t, c.reachable())
		require.True(t, c.master.LoseAgent(lostAgent))
		require.False(t, c.reachable())
		require.True(t, c.master.ReturnAgent(lostAgent))
		require.True(t, c.reachable())

		require.True(t, c.master.FreezeAgent(lostAgent))
		before := time.Now()
		status, why := c.agent("/health")
		require.Zero(t, status)
		require.Contains(t, why, context.DeadlineExceeded.Error())
		require.Equal(t, 100*time.Millisecond, time.Since(before), "it hangs")
		require.True(t, c.master.ReturnAgent(lostAgent))
		require.True(t, c.reachable())

		require.ErrorContains(t, c.master.AddAgent(Agent{Port: 5051}), "address already in use")
		require.Len(t, c.master.Snapshot().Agents, 1)
		require.True(t, c.master.RemoveAgent(lostAgent))
		require.False(t, c.reachable())
		require.NoError(t, c.master.AddAgent(Agent{Port: 5051}))
		require.True(t, c.reachable())
	})
}

func (c *cluster) reachable() bool {
	status, _ := c.agent("/health")
	return status == http.StatusOK
}

// Run ends with agents that cannot listen, and leaves nobody behind.
func TestAgentsThatCannotListen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network virtualnet.Network
		l, err := network.Listen(masterAddress)
		require.NoError(t, err)
		m, err := New(Config{Agents: []Agent{{}, {Port: 5051}}, ListenAgents: AtIP(network.Listen)})
		require.NoError(t, err)
		require.ErrorContains(t, m.Run(t.Context(), l), "address already in use")
		_, err = network.DialContext(t.Context(), "tcp", agentAddress)
		require.Error(t, err, "nobody listens any more")
	})
}

// Run returns with requests to agents that never get an answer and connections that nobody closes.
func TestAgentsLeaveNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network virtualnet.Network
		l, err := network.Listen(masterAddress)
		require.NoError(t, err)
		m, err := New(Config{Agents: []Agent{{Hostname: lostAgent}}, ListenAgents: AtIP(network.Listen)})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- m.Run(ctx, l) }()
		synctest.Wait()
		for _, request := range []string{"", "GET /sta", "GET /health HTTP/1.1\r\nHost: a\r\n\r\n", "GET /state HTTP/1.1\r\nHost: a\r\n\r\nGET"} {
			conn, err := network.DialContext(t.Context(), "tcp", agentAddress)
			require.NoError(t, err)
			_, err = io.WriteString(conn, request)
			require.NoError(t, err)
			synctest.Wait()
			m.FreezeAgent(lostAgent) // the last one hangs
		}
		cancel()
		require.NoError(t, <-done)
	})
}

// An agent that comes back but whose port was taken stays in the cluster without its API.
func TestAgentReturnsWithoutItsPort(t *testing.T) {
	taken := false
	var network virtualnet.Network
	config := Config{Agents: []Agent{{Hostname: lostAgent}}}
	config.ListenAgents = func(a Agent) (net.Listener, error) {
		if taken {
			return nil, os.ErrPermission
		}
		return network.Listen(a.address())
	}
	inBubble(t, config, func(c *cluster) {
		require.True(t, c.master.LoseAgent(lostAgent))
		taken = true
		require.True(t, c.master.ReturnAgent(lostAgent))
		s := c.subscribe(frameworkInfo())
		require.Len(t, s.offers(), 1)
		_, err := network.DialContext(c.t.Context(), "tcp", agentAddress)
		require.True(t, errors.As(err, new(*net.OpError)))
	})
}

// A listener that chooses its port decides what offers say.
func TestAgentTakesThePortOfItsListener(t *testing.T) {
	var network virtualnet.Network
	config := Config{Agents: oneAgent(), ListenAgents: func(Agent) (net.Listener, error) { return network.Listen("127.0.0.1:0") }}
	inBubble(t, config, func(c *cluster) {
		address := c.subscribe(frameworkInfo()).offers()[0].URL.Address
		conn, err := network.DialContext(c.t.Context(), "tcp", fmt.Sprintf("%s:%d", address.GetIP(), address.Port))
		require.NoError(t, err)
		require.NoError(t, conn.Close())
	})
}

// Of each framework an agent remembers 150 executors that ended.
func TestExecutorsThatAreRemembered(t *testing.T) {
	m, err := New(Config{ListenAgents: AtIP(new(virtualnet.Network).Listen)})
	require.NoError(t, err)
	a := &agent{}
	one, other := &framework{id: "one"}, &framework{id: "other"}
	a.remember(m, &executor{framework: other, id: "first"})
	for i := range 200 {
		a.remember(m, &executor{framework: one, id: fmt.Sprint(i)})
	}
	require.Len(t, a.ended, 151)
	require.Equal(t, "first", a.ended[0].id)
	require.Equal(t, "50", a.ended[1].id)

	m.config.ListenAgents = nil
	a.remember(m, &executor{framework: one})
	require.Len(t, a.ended, 151, "nobody can ask")
}
