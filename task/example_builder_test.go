package task_test

import (
	"fmt"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// shellBuilder is a builder in short: it knows only tasks and pods of plain commands. Package taskbuilder has a complete one.
type shellBuilder struct{}

func (shellBuilder) Build(in task.BuildInput) (mesos.TaskInfo, error) {
	return mesos.TaskInfo{
		Name: in.Spec.Name, TaskID: mesos.TaskID{Value: in.Spec.ID}, AgentID: mesos.AgentID{Value: in.Placement.AgentID},
		Resources: in.Placement.Resources, Command: &mesos.CommandInfo{Value: &in.Spec.Command.Shell},
	}, nil
}

func (b shellBuilder) BuildPod(in task.PodBuildInput) (mesos.ExecutorInfo, []mesos.TaskInfo, error) {
	executor := mesos.ExecutorInfo{
		Type: mesos.ExecutorInfo_DEFAULT, ExecutorID: mesos.ExecutorID{Value: in.Executor.TaskID}, Resources: in.Executor.Resources,
	}
	var members []mesos.TaskInfo
	for i, spec := range in.Members {
		member, err := b.Build(task.BuildInput{Spec: spec, Placement: in.Placements[i], FrameworkID: in.FrameworkID})
		if err != nil {
			return executor, nil, err
		}
		members = append(members, member)
	}
	return executor, members, nil
}

// What a builder is given for a pod of two tasks.
func ExamplePodBuildInput() {
	executor, members, err := shellBuilder{}.BuildPod(task.PodBuildInput{
		Members: []task.Spec{
			{ID: "web-1", Pod: "shop-1", Command: task.Command{Shell: "serve"}},
			{ID: "proxy-1", Pod: "shop-1", Command: task.Command{Shell: "proxy"}},
		},
		Placements:  []task.Placement{{TaskID: "web-1", AgentID: "S1"}, {TaskID: "proxy-1", AgentID: "S1"}},
		Executor:    task.Placement{TaskID: "shop-1", AgentID: "S1"},
		FrameworkID: "F1",
	})
	fmt.Println(executor.ExecutorID.Value, err)
	for _, m := range members {
		fmt.Println(m.TaskID.Value, "on", m.AgentID.Value, "runs", m.Command.GetValue())
	}
	// Output:
	// shop-1 <nil>
	// web-1 on S1 runs serve
	// proxy-1 on S1 runs proxy
}
