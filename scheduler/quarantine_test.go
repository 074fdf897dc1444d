package scheduler

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A port without a host port is 0 among the host ports, and nothing to keep from being used.
func TestQuarantineWithoutHostPorts(t *testing.T) {
	var q quarantine
	now := time.Unix(1e9, 0)
	q.add(10, "S1", []uint16{0}, now.Add(time.Minute))
	require.Empty(t, q.ports(now))
	hostPorts := []uint16{31001, 0, 31000}
	q.add(10, "S1", hostPorts, now.Add(time.Minute))
	require.Equal(t, map[string][]uint16{"S1": {31000, 31001}}, q.ports(now))
	require.Equal(t, []uint16{31001, 0, 31000}, hostPorts, "they belong to the task")
}
