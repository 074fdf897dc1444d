package taskbuilder_test

import (
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskbuilder"
)

func pods() map[string][]task.Spec {
	mesosBridge := &task.Container{Containerizer: task.ContainerizerMesos, Network: task.NetworkBridge}
	return map[string][]task.Spec{
		"pod-host-network": {
			{
				ID: "app", Pod: "pod-1", CPUs: 0.1, Mem: 32, Ports: []task.Port{{Name: "web"}}, Command: task.Command{Shell: "./app"},
				HealthCheck: &task.HealthCheck{},
			},
			{
				ID: "logs", Pod: "pod-1", CPUs: 0.1, Mem: 32, Command: task.Command{Shell: "tail -F shared/log"},
				Container: &task.Container{
					Containerizer: task.ContainerizerMesos, Image: "busybox", Volumes: []task.Volume{{Path: "shared", SandboxPath: "shared"}},
				},
			},
		},
		"pod-bridge": {
			{
				ID: "app", Pod: "pod-2", CPUs: 0.1, Mem: 32, Ports: []task.Port{{Container: 80}}, Command: task.Command{Shell: "./app"},
				Container: mesosBridge, HealthCheck: &task.HealthCheck{}, Limits: &task.Limits{Mem: 64},
			},
			{
				ID: "proxy", Pod: "pod-2", CPUs: 0.1, Mem: 32, Ports: []task.Port{{Container: 443}, {}, {Container: 9000, NoHost: true}}, Command: task.Command{Shell: "./proxy"},
				Container: mesosBridge,
			},
		},
	}
}

// placePod places a pod and its executor on one agent.
func placePod(members []task.Spec) (placements []task.Placement, executor task.Placement) {
	next := uint16(31000)
	on := func(s task.Spec) task.Placement {
		p := task.Placement{
			TaskID: s.ID, AgentID: "S1", Hostname: "agent1", Resources: []mesos.Resource{scalar("cpus", s.CPUs), scalar("mem", s.Mem)},
		}
		if s.Disk > 0 {
			p.Resources = append(p.Resources, scalar("disk", s.Disk))
		}
		for _, port := range s.Ports {
			if port.NoHost {
				p.HostPorts = append(p.HostPorts, 0)
				continue
			}
			p.Resources = append(p.Resources, ports(uint64(next), uint64(next)))
			p.HostPorts = append(p.HostPorts, next)
			next++
		}
		return p
	}
	for _, s := range members {
		placements = append(placements, on(s))
	}
	return placements, on(task.Spec{ID: members[0].Pod, CPUs: 0.1, Mem: 32, Disk: 10})
}

func TestBuildPodGolden(t *testing.T) {
	for name, members := range pods() {
		for _, s := range members {
			require.NoError(t, s.Validate(), name)
		}
		require.NoError(t, task.ValidatePod(members), name)
		placements, executorPlacement := placePod(members)
		executor, tasks, err := taskbuilder.Standard{}.BuildPod(task.PodBuildInput{Members: members, Placements: placements, Executor: executorPlacement, FrameworkID: "f-1"})
		require.NoError(t, err, name)
		golden(t, name, map[string]any{"executor": &executor, "tasks": tasks})
		requireAcceptablePod(t, name, executor, tasks)
	}
}

// requireAcceptablePod checks a pod as a master checks a task group.
func requireAcceptablePod(t *testing.T, name string, executor mesos.ExecutorInfo, tasks []mesos.TaskInfo) {
	t.Helper()
	require.Equal(t, mesos.ExecutorInfo_DEFAULT, executor.Type, name)
	require.Nil(t, executor.Command, name)
	has := map[string]float64{}
	for _, r := range executor.Resources {
		has[r.Name] += r.GetScalar().GetValue()
	}
	require.GreaterOrEqual(t, has["cpus"], 0.01, name)
	require.GreaterOrEqual(t, has["mem"], 32.0, name)
	require.Positive(t, has["disk"], name)
	if executor.Container != nil {
		require.Equal(t, mesos.ContainerInfo_MESOS, *executor.Container.Type, name)
		require.Nil(t, executor.Container.Mesos, name)
	}
	shared := map[bool]bool{}
	for _, info := range tasks {
		require.Nil(t, info.Executor, name)
		require.Empty(t, info.Container.GetNetworkInfos(), "%s: the network is the executor's", name)
		require.Nil(t, info.Container.GetDocker(), name)
		shared[info.Container.GetLinuxInfo().GetShareCgroups()] = true
		if len(info.Limits) > 0 {
			require.False(t, info.Container.GetLinuxInfo().GetShareCgroups(), "%s: limits need separate cgroups", name)
		}
	}
	require.Len(t, shared, 1, "%s: all tasks share cgroups, or none does", name)
}

func TestBuildPodRefusesMismatch(t *testing.T) {
	for _, c := range []struct {
		change func(members []task.Spec, placements []task.Placement, executor *task.Placement)
		want   string
	}{
		{func(m []task.Spec, _ []task.Placement, _ *task.Placement) { m[1].Pod = "other" }, `"logs" cannot be a member of pod "pod-1"`},
		{func(m []task.Spec, _ []task.Placement, _ *task.Placement) {
			m[0].Container = &task.Container{Image: "x"}
		}, `"app" cannot be a member of pod "pod-1"`},
		{func(_ []task.Spec, p []task.Placement, _ *task.Placement) { p[1].AgentID = "S2" }, `"logs" is on agent "S2", its pod on "S1"`},
		{func(_ []task.Spec, p []task.Placement, _ *task.Placement) { p[1].TaskID = "x" }, `task "logs", placement of "x"`},
		{func(_ []task.Spec, _ []task.Placement, e *task.Placement) { e.TaskID = "x" }, `task "pod-1", placement of "x"`},
		{func(_ []task.Spec, _ []task.Placement, e *task.Placement) { e.Resources = nil }, `"pod-1": no resources`},
	} {
		members := pods()["pod-host-network"]
		placements, executor := placePod(members)
		c.change(members, placements, &executor)
		_, _, err := taskbuilder.Standard{}.BuildPod(task.PodBuildInput{Members: members, Placements: placements, Executor: executor})
		require.ErrorIs(t, err, taskbuilder.ErrMismatch)
		require.ErrorContains(t, err, c.want)
	}
	for _, placements := range [][]task.Placement{nil, make([]task.Placement, 1)} {
		_, _, err := taskbuilder.Standard{}.BuildPod(task.PodBuildInput{Members: make([]task.Spec, len(placements)*2), Placements: placements})
		require.ErrorIs(t, err, taskbuilder.ErrMismatch, "as many placements as members, and at least one")
	}
}
