package task_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

func TestHostPorts(t *testing.T) {
	require.Equal(t, []task.Port{{Host: 8000}, {Host: 8001}, {Host: 8002}}, task.HostPorts(8000, 8002))
	require.Equal(t, []task.Port{{Host: math.MaxUint16}}, task.HostPorts(math.MaxUint16, math.MaxUint16))
	require.Empty(t, task.HostPorts(2, 1))
}
