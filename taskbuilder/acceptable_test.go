package taskbuilder_test

import (
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskbuilder"
)

// requireAcceptable checks a task as a master does before it launches it, and then as the agent's docker containerizer
// does.
func requireAcceptable(t *testing.T, name string, s task.Spec, info mesos.TaskInfo) {
	t.Helper()
	require.Regexp(t, regexp.MustCompile(`^[^/\\[:cntrl:]]{1,255}$`), info.TaskID.Value, name)
	require.Equal(t, "S1", info.AgentID.Value, name)
	if h := info.HealthCheck; h != nil {
		switch h.Type {
		case mesos.HealthCheck_TCP:
			require.NotZero(t, h.TCP.Port, name)
		case mesos.HealthCheck_HTTP:
			require.NotZero(t, h.HTTP.Port, name)
			require.Contains(t, []string{"http", "https"}, h.HTTP.GetScheme(), name)
			require.Equal(t, "/", h.HTTP.GetPath()[:1], name)
		default:
			require.Equal(t, mesos.HealthCheck_COMMAND, h.Type, name)
			require.NotEmpty(t, h.Command.GetValue(), name)
		}
		for _, seconds := range []*float64{h.DelaySeconds, h.IntervalSeconds, h.TimeoutSeconds, h.GracePeriodSeconds} {
			require.GreaterOrEqual(t, *seconds, 0.0, name)
		}
	}
	require.NotEmpty(t, info.Resources, name)
	offeredPorts := map[uint64]bool{}
	for _, r := range info.Resources {
		require.NotEmpty(t, r.Name, name)
		require.Equal(t, "test", r.AllocationInfo.GetRole(), "%s: one role", name)
		for _, each := range r.GetRanges().GetRange() {
			for port := each.Begin; port <= each.End; port++ {
				offeredPorts[port] = true
			}
		}
		if *r.Type == mesos.SCALAR {
			require.GreaterOrEqual(t, r.Scalar.Value, 0.001, name)
		}
	}
	require.Len(t, offeredPorts, hostPorts(s), name)
	require.NotNil(t, info.Command, "%s: a command or an executor, not both", name)
	require.Nil(t, info.Executor, name)
	require.Equal(t, info.Command.GetShell(), s.Command.Shell != "", name)
	if info.Command.GetShell() || info.Container.GetDocker() == nil && info.Container.GetMesos() == nil {
		require.NotEmpty(t, info.Command.GetValue(), name)
	}
	for _, variable := range info.Command.GetEnvironment().GetVariables() {
		isSecret := variable.GetType() == mesos.Environment_Variable_SECRET
		require.Equal(t, isSecret, variable.Value == nil, "%s: %s must have a value or a secret", name, variable.Name)
		require.Equal(t, isSecret, variable.Secret != nil, "%s: %s must have a value or a secret", name, variable.Name)
	}
	requireAcceptableVolumes(t, name, info)
	for _, network := range info.Container.GetNetworkInfos() {
		for _, m := range network.PortMappings {
			require.True(t, offeredPorts[uint64(m.HostPort)], "%s: port %d is not among the resources", name, m.HostPort)
		}
	}
	docker := info.Container.GetDocker()
	for _, m := range docker.GetPortMappings() {
		require.NotEqual(t, mesos.ContainerInfo_DockerInfo_HOST, docker.GetNetwork(), "%s: no mappings on the host's network", name)
		require.True(t, offeredPorts[uint64(m.HostPort)], "%s: port %d is not among the resources", name, m.HostPort)
	}
	if docker.GetNetwork() == mesos.ContainerInfo_DockerInfo_USER {
		require.Len(t, info.Container.NetworkInfos, 1, name)
		require.NotEmpty(t, info.Container.NetworkInfos[0].GetName(), name)
	}
}

// hostPorts returns how many host ports a task asks for.
func hostPorts(s task.Spec) (n int) {
	for _, p := range s.Ports {
		if !p.NoHost {
			n++
		}
	}
	return n
}

func requireAcceptableVolumes(t *testing.T, name string, info mesos.TaskInfo) {
	t.Helper()
	for _, v := range info.Container.GetVolumes() {
		require.NotNil(t, v.Mode, name)
		require.NotEmpty(t, v.ContainerPath, name)
		require.Nil(t, v.Image, name)
		require.NotEqual(t, v.HostPath == nil, v.Source == nil, "%s: one source for %s", name, v.ContainerPath)
		if info.Container.Docker != nil {
			require.Nil(t, v.Source, "%s: docker ignores %s", name, v.ContainerPath)
		}
		if v.HostPath != nil && !filepath.IsAbs(*v.HostPath) {
			require.True(t, filepath.IsAbs(v.ContainerPath), "%s: both paths of %s are relative", name, v.ContainerPath)
		}
	}
}

// Every spec that Validate accepts can be built, and a master accepts the result. The specs are random; many of them
// are not valid.
func TestStandardBuildsValidSpecs(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	valid, inContainer, checked, mounted := 0, 0, 0, 0
	for range 5000 {
		s := randomSpec(random)
		if s.Validate() != nil {
			continue
		}
		p := task.Placement{TaskID: s.ID, AgentID: "S1", Hostname: "h", Resources: []mesos.Resource{scalar("cpus", s.CPUs)}}
		for i, port := range s.Ports {
			if port.NoHost {
				p.HostPorts = append(p.HostPorts, 0)
				continue
			}
			p.HostPorts = append(p.HostPorts, 31000+uint16(i))
			p.Resources = append(p.Resources, ports(31000+uint64(i), 31000+uint64(i)))
		}
		requireAcceptable(t, s.ID, s, build(t, s, p))
		valid++
		if s.Container != nil {
			inContainer++
			mounted += len(s.Container.Volumes)
		}
		if s.HealthCheck != nil || s.Check != nil {
			checked++
		}
	}
	for _, n := range []int{valid, inContainer, checked, mounted} {
		require.Greater(t, n, 20, "enough specs of each kind must be valid")
	}
}

func build(t *testing.T, s task.Spec, p task.Placement) mesos.TaskInfo {
	t.Helper()
	if s.Pod == "" {
		info, err := taskbuilder.Standard{}.Build(task.BuildInput{Spec: s, Placement: p})
		require.NoError(t, err)
		return info
	}
	executor := task.Placement{TaskID: s.Pod, AgentID: p.AgentID, Resources: []mesos.Resource{scalar("cpus", 0.1), scalar("mem", 32), scalar("disk", 10)}}
	info, tasks, err := taskbuilder.Standard{}.BuildPod(task.PodBuildInput{Members: []task.Spec{s}, Placements: []task.Placement{p}, Executor: executor, FrameworkID: "f-1"})
	require.NoError(t, err)
	requireAcceptablePod(t, s.ID, info, tasks)
	return tasks[0]
}

func randomSpec(random *rand.Rand) task.Spec {
	maybe := func() bool { return random.IntN(3) == 0 }
	text := func(values ...string) string { return values[random.IntN(len(values))] }
	command := func() *task.CheckCommand {
		if maybe() {
			return &task.CheckCommand{Argv: []string{"true"}}
		}
		return nil
	}
	get := func() *task.HTTPGet {
		if maybe() {
			return &task.HTTPGet{Scheme: text("", "http", "https"), Path: text("", "/x", "x")}
		}
		return nil
	}
	s := task.Spec{ID: "x", CPUs: 0.1, Pod: text("", "", "pod")}
	for range random.IntN(3) {
		s.Ports = append(s.Ports, task.Port{Container: uint16(random.IntN(2) * 80), Protocol: text("", "tcp", "udp"), Name: text("", "a", "b"), NoHost: random.IntN(4) == 0})
	}
	if maybe() {
		s.Command.Shell = "true"
	}
	if maybe() {
		s.Command.Argv = []string{"true", "x"}
	}
	if maybe() {
		s.Command.Secrets = map[string]task.Secret{text("A", "PORT0", "HOST"): {Name: text("", "n"), Key: text("", "k")}}
	}
	if maybe() {
		s.HealthCheck = &task.HealthCheck{Port: random.IntN(2), HTTP: get(), Command: command(), Timeout: time.Duration(random.IntN(3)-1) * time.Second}
	}
	if maybe() {
		s.Check = &task.Check{Port: random.IntN(2), HTTP: get(), Command: command()}
	}
	if maybe() {
		return s
	}
	s.Container = &task.Container{
		Containerizer: task.Containerizer(text("", "docker", "mesos")), Image: text("", "nginx"), ForcePull: maybe(),
		Network: task.Network(text("", "host", "bridge", "none", "overlay")),
	}
	for range random.IntN(3) {
		v := task.Volume{Path: text("/a", "/b", "c", "d", ""), ReadOnly: maybe()}
		switch random.IntN(5) {
		case 0:
			v.HostPath = text("/h", "h")
		case 1:
			v.SandboxPath = text("s", "/s", "../s")
		case 2:
			v.Tmpfs = 16
		case 3:
			v.Secret = &task.Secret{Name: text("", "n")}
		}
		s.Container.Volumes = append(s.Container.Volumes, v)
	}
	return s
}
