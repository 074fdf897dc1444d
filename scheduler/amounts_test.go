package scheduler

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// A port without a host port takes nothing of an agent.
func TestAmountsWithoutHostPorts(t *testing.T) {
	var a Amounts
	a.addSpec(&task.Spec{CPUs: 1, Ports: []task.Port{{Container: 80, NoHost: true}, {}, {Host: 31000}}})
	require.Equal(t, Amounts{CPUs: 1, Ports: 2}, a)
}
