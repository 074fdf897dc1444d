package cluster

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

// The run before of a member, at the same address, is no copy of it.
func TestRunBeforeIsNoCopy(t *testing.T) {
	g := &gossip{self: "m-1-now", own: meta{id: "m-1"}, net: &gossipNet{advertise: netip.MustParseAddrPort("10.0.0.1:7946")}}
	g.nodes = map[string]peer{"m-1-before": {meta: g.own, alive: true, gossip: "10.0.0.1:7946"}}
	_, _, is := g.double()
	require.False(t, is)
	g.nodes["m-1-copy"] = peer{meta: g.own, alive: true, gossip: "10.0.0.2:7946"}
	_, _, is = g.double()
	require.True(t, is)
}
