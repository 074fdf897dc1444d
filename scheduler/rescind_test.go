package scheduler

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A launch on two offers waits for the store when the master takes one of them back. The other one is returned: nothing
// else would use it, and the master would keep it for the framework.
func TestRescindOfOneOfTwoOffers(t *testing.T) {
	s := durableStage(t, "submit t cpus=4", "stored")
	require.Contains(t, s.play(strings.Fields("offers o1@a1:2:1024 o2@a1:2:1024")), "store t staging")
	rescinded := s.play(strings.Fields("rescind o1"))
	require.Contains(t, rescinded, "DECLINE o2 refuse 0s")
	require.NotContains(t, rescinded, "o1")
	require.NotContains(t, s.play(strings.Fields("stored")), "ACCEPT")
	s.play(strings.Fields("stored"))
	s.play(strings.Fields("offers o3@a1:4:1024"))
	s.play(strings.Fields("wait 10ms"))
	require.Contains(t, s.play(strings.Fields("stored")), "ACCEPT o3 launch t on a1")
}
