package taskbuilder_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gogo/protobuf/proto"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskbuilder"
	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func scalar(name string, value float64) mesos.Resource {
	return mesos.Resource{
		Name: name, Type: mesos.SCALAR.Enum(), Scalar: &mesos.Value_Scalar{Value: value},
		AllocationInfo: &mesos.Resource_AllocationInfo{Role: proto.String("test")},
	}
}

func ports(begin, end uint64) mesos.Resource {
	return mesos.Resource{
		Name: "ports", Type: mesos.RANGES.Enum(), Ranges: &mesos.Value_Ranges{Range: []mesos.Value_Range{{Begin: begin, End: end}}},
		AllocationInfo: &mesos.Resource_AllocationInfo{Role: proto.String("test")},
	}
}

// place places a task with FirstFit on an agent that has enough of all resources.
func place(t *testing.T, s task.Spec) task.Placement {
	t.Helper()
	reserved := scalar("cpus", 0.25)
	reserved.Reservations = []mesos.Resource_ReservationInfo{{
		Type: mesos.Resource_ReservationInfo_STATIC.Enum(), Role: proto.String("test"),
	}}
	placements, _ := taskmatcher.FirstFit{Options: taskmatcher.Options{ShareGPUAgents: true}}.Match(task.Cycle{Tasks: []task.Demand{{ID: s.ID, Spec: &s}}, Offers: []task.Offer{{
		ID: "O1", Agent: task.Agent{ID: "S1", Hostname: "agent1"}, Role: "test",
		Resources: []mesos.Resource{scalar("cpus", 4), reserved, scalar("mem", 4096), scalar("disk", 4096), scalar("gpus", 2), ports(31000, 31999)},
	}}})
	require.Len(t, placements, 1)
	return placements[0]
}

func cases() map[string]task.Spec {
	nginx := task.Container{Image: "nginx:1.27"}
	with := func(c task.Container, change func(*task.Container)) *task.Container {
		change(&c)
		return &c
	}
	return map[string]task.Spec{
		"docker-image-decides": {ID: "web-1", CPUs: 0.1, Mem: 32, Container: &nginx},
		"docker-bridge-ports": {
			ID: "web-2", Name: "web", CPUs: 0.5, Mem: 64, Container: with(nginx, func(c *task.Container) { c.Network = task.NetworkBridge }),
			Ports:       []task.Port{{Container: 80}, {Container: 53, Protocol: "udp"}, {}},
			HealthCheck: &task.HealthCheck{},
		},
		"docker-bridge-same-port": {
			ID: "web-3", CPUs: 0.5, Mem: 64, Container: &nginx,
			Ports: []task.Port{{}}, HealthCheck: &task.HealthCheck{},
		},
		"docker-host-network": {
			ID: "web-4", CPUs: 0.5, Mem: 64, Container: with(nginx, func(c *task.Container) { c.Network = task.NetworkHost }),
			Ports: []task.Port{{}, {Protocol: "tcp"}},
			HealthCheck: &task.HealthCheck{
				Port: 1, Delay: 2 * time.Second, Interval: 1500 * time.Millisecond, Timeout: 500 * time.Millisecond,
				GracePeriod: time.Minute, ConsecutiveFailures: 5,
			},
		},
		"docker-user-network": {
			ID: "action-1", CPUs: 0.1, Mem: 256, Ports: []task.Port{{Container: 8080}}, HealthCheck: &task.HealthCheck{Port: 0},
			Container: &task.Container{
				Image: "registry:5000/action@sha256:00", ForcePull: true, Network: "overlay",
				Parameters: []task.Parameter{{Key: "dns", Value: "10.0.0.2"}, {Key: "dns", Value: "10.0.0.1"}, {Key: "cap-drop", Value: "ALL"}},
			},
			Command: task.Command{Env: map[string]string{"__OW_API": "x", "PORT": "8080", "EMPTY": ""}},
		},
		"docker-argv": {
			ID: "web-5", CPUs: 0.1, Mem: 32, Container: &nginx, Command: task.Command{Argv: []string{"-g", "daemon off;"}},
		},
		"docker-shell": {
			ID: "web-6", CPUs: 0.1, Mem: 32, GPUs: 1, Container: &nginx,
			Command: task.Command{Shell: "echo $HOME && exec nginx", URIs: []task.URI{{Value: "hdfs://h/page.tgz", Extract: true}}},
		},
		"command-shell": {
			ID: "sleep-1", CPUs: 0.1, Mem: 32, Disk: 10, Command: task.Command{Shell: "sleep 3600", User: "nobody"},
			Labels: map[string]string{"team": "blue", "app": "sleep", "flag": ""},
		},
		"command-argv": {
			ID: "sleep-2", CPUs: 0.1, Mem: 32, Command: task.Command{
				Argv: []string{"./run", "--port", "1"}, Env: map[string]string{"B": "2", "A": "1"},
				URIs: []task.URI{{Value: "http://h/run", Executable: true, Cache: true}, {Value: "http://h/data.tgz", Extract: true}, {Value: "http://h/raw.tgz"}},
			},
		},
		"command-port": {
			ID: "serve-1", CPUs: 0.1, Mem: 32, Ports: []task.Port{{}}, HealthCheck: &task.HealthCheck{},
			Command: task.Command{Shell: "nc -lk 31000"},
		},
		"command-everything": {
			ID: "serve-2", Name: "serve", CPUs: 0.1, Mem: 32, Ports: []task.Port{{Name: "web-ui"}, {Name: "dns", Protocol: "udp"}},
			Command: task.Command{
				Shell: "exec ./serve $PORT_WEB_UI",
				Env:   map[string]string{"PORT": "mine"},
				Secrets: map[string]task.Secret{
					"TOKEN": {Name: "blue/token", Key: "v1"}, "HOST": {Value: []byte("hidden")}, "A": {Name: "a"},
				},
				URIs: []task.URI{{Value: "http://h/serve?v=1", Executable: true, OutputFile: "serve"}},
			},
			Limits:            &task.Limits{CPUs: 2, Mem: 64},
			MaxCompletionTime: time.Hour,
			KillPolicy:        &task.KillPolicy{GracePeriod: 1500 * time.Millisecond},
			HealthCheck:       &task.HealthCheck{HTTP: &task.HTTPGet{Scheme: "https", Path: "/health?deep=1"}},
			Check:             &task.Check{Command: &task.CheckCommand{Argv: []string{"test", "-e", "ready"}, Env: map[string]string{"A": "1"}}},
			Discovery: &task.Discovery{
				Visibility: task.VisibilityExternal, Name: "api", Environment: "prod", Location: "us-east", Version: "v2.0",
				Labels: map[string]string{"vip": "api:80"},
			},
			Labels: map[string]string{"team": "blue"},
		},
		"command-checks": {
			ID: "serve-3", CPUs: 0.1, Mem: 32, Ports: []task.Port{{}, {}}, Command: task.Command{Argv: []string{"./serve"}},
			HealthCheck: &task.HealthCheck{Command: &task.CheckCommand{Shell: "test -e well"}},
			Check:       &task.Check{Port: 1, HTTP: &task.HTTPGet{}, Delay: time.Second, Interval: time.Minute, Timeout: 5 * time.Second},
			KillPolicy:  &task.KillPolicy{}, Discovery: &task.Discovery{},
		},
		"docker-volumes": {
			ID: "db-1", CPUs: 0.5, Mem: 64, Ports: []task.Port{{Container: 5432, Name: "sql"}},
			Container: &task.Container{
				Containerizer: task.ContainerizerDocker, Image: "postgres:17", Parameters: []task.Parameter{{Key: "shm-size", Value: "64m"}},
				Volumes: []task.Volume{
					{Path: "/var/lib/postgresql", HostPath: "/data/db-1"}, {Path: "etc", HostPath: "/etc/postgres", ReadOnly: true},
					{Path: "/backup", SandboxPath: "backup"}, {Path: "/tmp", Tmpfs: 16},
				},
			},
			HealthCheck: &task.HealthCheck{Command: &task.CheckCommand{Argv: []string{"pg_isready", "-q"}}},
			Discovery:   &task.Discovery{Visibility: task.VisibilityCluster},
		},
		"mesos-image": {
			ID: "web-7", CPUs: 0.1, Mem: 32, Ports: []task.Port{{}}, Command: task.Command{Argv: []string{"-g", "daemon off;"}},
			Container: &task.Container{Containerizer: task.ContainerizerMesos, Image: "nginx:1.27", ForcePull: true},
			Check:     &task.Check{},
		},
		"mesos-bridge": {
			ID: "web-8", CPUs: 0.1, Mem: 32, Ports: []task.Port{{Container: 80}, {Container: 53, Protocol: "udp"}, {}},
			Container:   &task.Container{Containerizer: task.ContainerizerMesos, Image: "nginx:1.27", Network: task.NetworkBridge},
			HealthCheck: &task.HealthCheck{HTTP: &task.HTTPGet{}},
		},
		"mesos-cni-network": {
			ID: "web-9", CPUs: 0.1, Mem: 32, Ports: []task.Port{{Container: 80}}, Command: task.Command{Shell: "serve"},
			Container: &task.Container{Containerizer: task.ContainerizerMesos, Network: "overlay"}, Check: &task.Check{HTTP: &task.HTTPGet{Path: "/ready"}},
		},
		"mesos-no-host-port": {
			ID: "web-10", CPUs: 0.1, Mem: 32, Command: task.Command{Shell: "serve"},
			Ports:       []task.Port{{Container: 8080, NoHost: true, Name: "web-ui"}, {Container: 9090}},
			Container:   &task.Container{Containerizer: task.ContainerizerMesos, Network: "overlay"},
			HealthCheck: &task.HealthCheck{HTTP: &task.HTTPGet{}}, Check: &task.Check{}, Discovery: &task.Discovery{},
		},
		"docker-no-host-port": {
			ID: "web-11", CPUs: 0.1, Mem: 32, Ports: []task.Port{{Container: 80, NoHost: true}},
			Container: &task.Container{Image: "nginx:1.27", Network: "overlay"}, HealthCheck: &task.HealthCheck{},
		},
		"mesos-volumes": {
			ID: "batch-1", CPUs: 0.1, Mem: 32, Command: task.Command{Argv: []string{"./run"}},
			Container: &task.Container{Containerizer: task.ContainerizerMesos, Volumes: []task.Volume{
				{Path: "data", HostPath: "/data", ReadOnly: true}, {Path: "/mnt/scratch", SandboxPath: "scratch"},
				{Path: "key.pem", Secret: &task.Secret{Name: "blue/key"}},
			}},
		},
	}
}

// The golden files are the TaskInfo of each case as JSON. go test ./taskbuilder -update rewrites them.
func TestStandardGolden(t *testing.T) {
	for name, s := range cases() {
		require.NoError(t, s.Validate(), name)
		info, err := taskbuilder.Standard{}.Build(task.BuildInput{Spec: s, Placement: place(t, s)})
		require.NoError(t, err, name)
		want := golden(t, name, &info)

		var fromJSON mesos.TaskInfo
		require.NoError(t, json.Unmarshal(want, &fromJSON), name)
		wire, err := info.Marshal()
		require.NoError(t, err, name)
		var fromWire mesos.TaskInfo
		require.NoError(t, fromWire.Unmarshal(wire), name)
		require.True(t, info.Equal(fromWire), "%s: decoded from protobuf", name)
		require.True(t, info.Equal(fromJSON), "%s: decoded from the golden file", name)
		requireAcceptable(t, name, s, info)
	}
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(t, err)
	require.Len(t, files, len(cases())+len(pods()), "each file belongs to a case")
}

// golden requires that a message as JSON equals the golden file of that name. It returns the content of the file.
func golden(t *testing.T, name string, message any) []byte {
	t.Helper()
	compact, err := json.Marshal(message)
	require.NoError(t, err, name)
	var text bytes.Buffer
	require.NoError(t, json.Indent(&text, compact, "", "  "), name)
	text.WriteByte('\n')

	file := filepath.Join("testdata", name+".json")
	if *update {
		require.NoError(t, os.WriteFile(file, text.Bytes(), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err, name)
	require.Equal(t, string(want), text.String(), name)
	return want
}

// The health check uses the port that the task listens on.
func TestStandardHealthCheckPort(t *testing.T) {
	for _, c := range []struct {
		reason    string
		container *task.Container
		port      task.Port
		want      uint32
	}{
		{"bridge by default: the container's port", &task.Container{}, task.Port{Container: 80}, 80},
		{"bridge: the same port on both sides", &task.Container{Network: task.NetworkBridge}, task.Port{}, 31001},
		{"user network: the container's port", &task.Container{Network: "overlay"}, task.Port{Container: 80}, 80},
		{"no host port: the container's port", &task.Container{Network: "overlay"}, task.Port{Container: 80, NoHost: true}, 80},
		{"mesos without a network: the host's port", &task.Container{Containerizer: task.ContainerizerMesos}, task.Port{}, 31001},
		{"mesos' bridge: the container's port", &task.Container{Containerizer: task.ContainerizerMesos, Network: task.NetworkBridge}, task.Port{Container: 80}, 80},
		{"host network: the host's port", &task.Container{Network: task.NetworkHost}, task.Port{}, 31001},
		{"plain command: the host's port", nil, task.Port{}, 31001},
	} {
		info, err := taskbuilder.Standard{}.Build(task.BuildInput{Spec: task.Spec{
			ID: "x", Container: c.container, Ports: []task.Port{{}, c.port}, HealthCheck: &task.HealthCheck{Port: 1},
		}, Placement: task.Placement{TaskID: "x", AgentID: "S1", Resources: []mesos.Resource{ports(31000, 31001)}, HostPorts: []uint16{31000, 31001}}})
		require.NoError(t, err, c.reason)
		require.Equal(t, c.want, info.HealthCheck.TCP.Port, c.reason)
	}
}

func TestStandardRefusesMismatch(t *testing.T) {
	for _, c := range []struct {
		change func(*task.Spec, *task.Placement)
		want   string
	}{
		{func(s *task.Spec, _ *task.Placement) { s.Pod = "pod" }, `"x" is a member of pod "pod"`},
		{func(_ *task.Spec, p *task.Placement) { p.TaskID = "y" }, `task "x", placement of "y"`},
		{func(_ *task.Spec, p *task.Placement) { p.AgentID = "" }, `"x": no agent`},
		{func(_ *task.Spec, p *task.Placement) { p.Resources = nil }, `"x": no resources`},
		{func(_ *task.Spec, p *task.Placement) { p.HostPorts = nil }, `"x": 0 host ports for 1 ports`},
		{func(s *task.Spec, _ *task.Placement) { s.HealthCheck = &task.HealthCheck{Port: 1} }, `"x": the health check is about port 1 of 1`},
		{func(s *task.Spec, _ *task.Placement) { s.Check = &task.Check{Port: 1} }, `"x": the check is about port 1 of 1`},
		{func(s *task.Spec, _ *task.Placement) { s.HealthCheck = &task.HealthCheck{Port: -1} }, `"x": the health check is about port -1 of 1`},
	} {
		s := task.Spec{ID: "x", Ports: []task.Port{{}}}
		p := task.Placement{TaskID: "x", AgentID: "S1", Resources: []mesos.Resource{ports(31000, 31000)}, HostPorts: []uint16{31000}}
		c.change(&s, &p)
		_, err := taskbuilder.Standard{}.Build(task.BuildInput{Spec: s, Placement: p})
		require.ErrorIs(t, err, taskbuilder.ErrMismatch)
		require.ErrorContains(t, err, c.want)
	}
}
