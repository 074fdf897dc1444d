package taskbuilder

import (
	"fmt"
	"slices"

	"github.com/gogo/protobuf/proto"
	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// BuildPod returns the executor of a pod and the TaskInfo of each member, for a LAUNCH_GROUP operation. The members must
// have passed [task.ValidatePod]. If the placements are not all on one agent, BuildPod returns [ErrMismatch].
//
// The members share the network of the executor, which therefore has the port mappings of all members.
func (Standard) BuildPod(in task.PodBuildInput) (mesos.ExecutorInfo, []mesos.TaskInfo, error) {
	members, placements, executor := in.Members, in.Placements, in.Executor
	if len(members) == 0 || len(placements) != len(members) {
		return mesos.ExecutorInfo{}, nil, fmt.Errorf("%w: a pod of %d members with %d placements", ErrMismatch, len(members), len(placements))
	}
	pod := members[0].Pod
	if err := checkPlacement(task.Spec{ID: pod}, executor); err != nil {
		return mesos.ExecutorInfo{}, nil, err
	}
	tasks := make([]mesos.TaskInfo, 0, len(members))
	var mappings []mesos.NetworkInfo_PortMapping
	for i, s := range members {
		p := placements[i]
		switch {
		case s.Pod == "" || s.Pod != pod || s.Container.RunBy() != task.ContainerizerMesos:
			return mesos.ExecutorInfo{}, nil, fmt.Errorf("%w: %q cannot be a member of pod %q", ErrMismatch, s.ID, pod)
		case p.AgentID != executor.AgentID:
			return mesos.ExecutorInfo{}, nil, fmt.Errorf("%w: %q is on agent %q, its pod on %q", ErrMismatch, s.ID, p.AgentID, executor.AgentID)
		}
		info, err := build(s, p)
		if err != nil {
			return mesos.ExecutorInfo{}, nil, err
		}
		tasks = append(tasks, info)
		mappings = append(mappings, portMappings(s, p)...)
	}
	separateCgroups(members, tasks)
	info := mesos.ExecutorInfo{
		Type:        mesos.ExecutorInfo_DEFAULT,
		ExecutorID:  mesos.ExecutorID{Value: pod},
		FrameworkID: &mesos.FrameworkID{Value: in.FrameworkID},
		Name:        proto.String(pod),
		Resources:   executor.Resources,
	}
	if network := networks(members[0].Container.Attached(), mappings); network != nil {
		info.Container = &mesos.ContainerInfo{Type: mesos.ContainerInfo_MESOS.Enum(), NetworkInfos: network}
	}
	return info, tasks, nil
}

// separateCgroups puts each task into its own cgroups if any task has limits. Limits need this, and Mesos demands
// that either all tasks of an executor share its cgroups or none does.
func separateCgroups(members []task.Spec, tasks []mesos.TaskInfo) {
	if !slices.ContainsFunc(members, func(s task.Spec) bool { return s.Limits != nil }) {
		return
	}
	for i := range tasks {
		if tasks[i].Container == nil {
			tasks[i].Container = &mesos.ContainerInfo{Type: mesos.ContainerInfo_MESOS.Enum()}
		}
		tasks[i].Container.LinuxInfo = &mesos.LinuxInfo{ShareCgroups: proto.Bool(false)}
	}
}
