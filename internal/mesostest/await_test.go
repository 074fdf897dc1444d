package mesostest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
)

func TestAwait(t *testing.T) {
	inBubble(t, Config{Agents: make([]Agent, 2), AgentPingTimeout: time.Minute}, func(c *cluster) {
		agents := func(n int) func(Snapshot) bool {
			return func(s Snapshot) bool { return len(s.Agents) == n }
		}
		require.NoError(t, c.master.Await(c.t.Context(), agents(2)), "it is so already")
		require.True(t, c.master.LoseAgent("agent1.example"))
		require.NoError(t, c.master.Await(c.t.Context(), agents(1)))
		require.Equal(t, 72*time.Second, time.Since(c.start), "the very instant: a minute after the first ping that it missed")

		ctx, cancel := context.WithTimeout(c.t.Context(), time.Hour)
		defer cancel()
		require.ErrorIs(t, c.master.Await(ctx, agents(0)), context.DeadlineExceeded)
	})
}

// What waits when Run ends is told so.
func TestAwaitEnds(t *testing.T) {
	var network virtualnet.Network
	l, err := network.Listen(masterAddress)
	require.NoError(t, err)
	m, err := New(Config{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx, l) }()
	require.NoError(t, m.Await(t.Context(), func(Snapshot) bool { return true }), "Run has begun")
	waiting := make(chan error, 1)
	go func() {
		waiting <- m.Await(context.Background(), func(Snapshot) bool { cancel(); return false })
	}()
	require.ErrorIs(t, <-waiting, errEnded)
	require.NoError(t, <-ended)
	require.ErrorIs(t, m.Await(t.Context(), func(Snapshot) bool { return true }), errEnded)
}
