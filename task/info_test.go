package task_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

func TestInfoJSON(t *testing.T) {
	healthy, exit, message, ip := true, 137, "Command terminated with signal Killed", "172.17.0.2"
	at := time.Date(2026, 11, 29, 1, 2, 3, 4, time.UTC)
	full := task.Info{
		Spec:    task.Spec{ID: "a", CPUs: 1, Command: task.Command{Shell: "a && b"}, MaxCompletionTime: time.Hour},
		State:   task.StateGoneByOperator,
		Version: 1<<53 - 1,
		AgentID: "S1", Hostname: "agent1.example", HostPorts: []uint16{31000}, AgentAddress: "https://agent1.example:5051",
		IPs: []string{ip, "fe80::1"}, Healthy: &healthy, ExitStatus: &exit, Err: errors.New("scheduler: no place"),
		Status: &mesos.TaskStatus{
			TaskID: mesos.TaskID{Value: "a"}, State: mesos.TASK_KILLED.Enum(), Message: &message, UUID: []byte{0, 1, 255},
			Reason:          mesos.REASON_AGENT_DRAINING.Enum(),
			ContainerStatus: &mesos.ContainerStatus{NetworkInfos: []mesos.NetworkInfo{{IPAddresses: []mesos.NetworkInfo_IPAddress{{IPAddress: &ip}}}}},
		},
		Submitted: at, Updated: at.Add(time.Second),
	}
	for _, want := range []task.Info{full, {Spec: task.Spec{ID: "least"}}} {
		encoded, err := json.Marshal(want)
		require.NoError(t, err)
		got := task.Info{Err: errors.New("of before")}
		require.NoError(t, json.Unmarshal(encoded, &got))
		if want.Status != nil {
			require.True(t, want.Status.Equal(got.Status), string(encoded))
			want.Status, got.Status = nil, nil
		}
		require.Equal(t, want, got)
	}
	encoded, err := json.Marshal(full)
	require.NoError(t, err)
	for _, part := range []string{`"state":"gone_by_operator"`, `"version":9007199254740991`, `"err":"scheduler: no place"`, `"exitStatus":137`, `"ips":["172.17.0.2","fe80::1"]`} {
		require.Contains(t, string(encoded), part)
	}
	encoded, err = json.Marshal(task.Info{Spec: task.Spec{ID: "a"}})
	require.NoError(t, err)
	require.JSONEq(t, `{"spec":{"id":"a"},"state":"pending"}`, string(encoded))
	require.Error(t, json.Unmarshal([]byte(`{"state":"asleep"}`), new(task.Info)))
}
