package taskbuilder_test

import (
	"math"
	"strings"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskbuilder"
)

// The variables for ports contain host ports on every network, as in Marathon.
func TestStandardPortVariables(t *testing.T) {
	mapped := &task.Container{Image: "x"}
	for _, c := range []struct {
		reason    string
		container *task.Container
		ports     []task.Port
		env       map[string]string
		want      string
	}{
		{"no ports", nil, nil, nil, "HOST=h"},
		{
			"on the agent's network a port has its own number", nil, []task.Port{{}, {}}, nil,
			"HOST=h PORT=31000 PORT0=31000 PORT1=31001 PORTS=31000,31001 PORT_31000=31000 PORT_31001=31001",
		},
		{
			"a mapped port has the number of the container port in its name", mapped, []task.Port{{Container: 80}}, nil,
			"HOST=h PORT=31000 PORT0=31000 PORTS=31000 PORT_80=31000",
		},
		{
			"mapped to the same port", mapped, []task.Port{{}}, nil,
			"HOST=h PORT=31000 PORT0=31000 PORTS=31000 PORT_31000=31000",
		},
		{
			"names are upper case, without dashes", mapped, []task.Port{{Container: 80, Name: "web-ui_2"}}, nil,
			"HOST=h PORT=31000 PORT0=31000 PORTS=31000 PORT_80=31000 PORT_WEB_UI_2=31000",
		},
		{
			"of two ports with one number the last one counts", mapped, []task.Port{{Container: 53}, {Container: 53, Protocol: "udp"}}, nil,
			"HOST=h PORT=31000 PORT0=31000 PORT1=31001 PORTS=31000,31001 PORT_53=31001",
		},
		{
			"the user's variables override the others", nil, []task.Port{{}}, map[string]string{"HOST": "0.0.0.0", "PORT": "", "A": "b"},
			"A=b HOST=0.0.0.0 PORT= PORT0=31000 PORTS=31000 PORT_31000=31000",
		},
	} {
		p := task.Placement{TaskID: "x", AgentID: "S1", Hostname: "h", Resources: []mesos.Resource{scalar("cpus", 1)}}
		for i := range c.ports {
			p.HostPorts = append(p.HostPorts, 31000+uint16(i))
		}
		info, err := taskbuilder.Standard{}.Build(task.BuildInput{Spec: task.Spec{
			ID: "x", Container: c.container, Ports: c.ports, Command: task.Command{Shell: "true", Env: c.env},
		}, Placement: p})
		require.NoError(t, err, c.reason)
		var got []string
		for _, v := range info.Command.Environment.Variables {
			got = append(got, v.Name+"="+v.GetValue())
		}
		require.Equal(t, c.want, strings.Join(got, " "), c.reason)
	}
}

// Infinity cannot be written as JSON, so this is not among the golden files.
func TestStandardUnlimited(t *testing.T) {
	info, err := taskbuilder.Standard{}.Build(task.BuildInput{
		Spec:      task.Spec{ID: "x", CPUs: 1, Mem: 32, Limits: &task.Limits{CPUs: task.Unlimited}},
		Placement: task.Placement{TaskID: "x", AgentID: "S1", Resources: []mesos.Resource{scalar("cpus", 1), scalar("mem", 32)}},
	})
	require.NoError(t, err)
	require.Equal(t, map[string]mesos.Value_Scalar{"cpus": {Value: math.Inf(1)}}, info.Limits)
	wire, err := info.Marshal()
	require.NoError(t, err)
	var back mesos.TaskInfo
	require.NoError(t, back.Unmarshal(wire))
	require.Equal(t, info.Limits, back.Limits)
}
