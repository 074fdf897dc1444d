package taskbuilder_test

import (
	"fmt"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskbuilder"
)

func ExampleStandard() {
	info, err := taskbuilder.Standard{}.Build(task.BuildInput{
		Spec: task.Spec{
			ID: "web-1", CPUs: 0.5, Mem: 64,
			Container:   &task.Container{Image: "nginx:1.27"},
			Ports:       []task.Port{{Container: 80}},
			HealthCheck: &task.HealthCheck{Port: 0},
		},
		Placement: task.Placement{
			TaskID: "web-1", AgentID: "S1", Hostname: "agent1",
			Resources: []mesos.Resource{scalar("cpus", 0.5), scalar("mem", 64), ports(31000, 31000)},
			HostPorts: []uint16{31000},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	docker := info.Container.Docker
	fmt.Println(info.TaskID.Value, "on", info.AgentID.Value, "runs", docker.Image)
	fmt.Println("network", docker.GetNetwork(), "maps", docker.PortMappings[0].HostPort, "to", docker.PortMappings[0].ContainerPort)
	fmt.Println("healthy if port", info.HealthCheck.TCP.Port, "answers every", info.HealthCheck.GetIntervalSeconds(), "s")
	// Output:
	// web-1 on S1 runs nginx:1.27
	// network BRIDGE maps 31000 to 80
	// healthy if port 80 answers every 1 s
}

// A custom builder calls the standard one and modifies the result.
func ExampleStandard_Build() {
	build := func(in task.BuildInput) (mesos.TaskInfo, error) {
		info, err := taskbuilder.Standard{}.Build(in)
		info.Data = []byte(in.Placement.Hostname) // for a custom executor
		return info, err
	}
	info, err := build(task.BuildInput{
		Spec:      task.Spec{ID: "sleep-1", CPUs: 0.1, Command: task.Command{Shell: "sleep 60"}},
		Placement: task.Placement{TaskID: "sleep-1", AgentID: "S1", Hostname: "agent1", Resources: []mesos.Resource{scalar("cpus", 0.1)}},
	})
	fmt.Printf("%s %q %v\n", info.Command.GetValue(), info.Data, err)
	// Output: sleep 60 "agent1" <nil>
}

// The ports of a plain command are in its environment, as with Marathon.
func ExampleStandard_Build_environment() {
	info, err := taskbuilder.Standard{}.Build(task.BuildInput{
		Spec: task.Spec{
			ID: "api-1", CPUs: 0.1, Mem: 32, Ports: []task.Port{{Name: "web-ui"}, {}},
			Command: task.Command{Shell: "exec ./api -port $PORT_WEB_UI", Env: map[string]string{"PORT": "none"}},
		},
		Placement: task.Placement{
			TaskID: "api-1", AgentID: "S1", Hostname: "agent1",
			Resources: []mesos.Resource{scalar("cpus", 0.1), scalar("mem", 32), ports(31000, 31001)},
			HostPorts: []uint16{31000, 31001},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, v := range info.Command.Environment.Variables {
		fmt.Println(v.Name, v.GetValue())
	}
	// Output:
	// HOST agent1
	// PORT none
	// PORT0 31000
	// PORT1 31001
	// PORTS 31000,31001
	// PORT_31000 31000
	// PORT_31001 31001
	// PORT_WEB_UI 31000
}

// The Mesos containerizer runs images as well. Without an image it runs a plain command with volumes and a network.
func ExampleStandard_Build_mesos() {
	s := task.Spec{
		ID: "batch-1", CPUs: 1, Mem: 128,
		Container: &task.Container{
			Containerizer: task.ContainerizerMesos,
			Volumes: []task.Volume{
				{Path: "in", HostPath: "/data/in", ReadOnly: true},
				{Path: "key.pem", Secret: &task.Secret{Name: "batch/key"}},
			},
		},
		Command: task.Command{
			Argv:    []string{"./batch", "in"},
			Secrets: map[string]task.Secret{"TOKEN": {Name: "batch/token"}},
		},
		Limits:            &task.Limits{CPUs: task.Unlimited, Mem: 256},
		MaxCompletionTime: time.Hour,
	}
	if err := s.Validate(); err != nil {
		fmt.Println(err)
		return
	}
	info, err := taskbuilder.Standard{}.Build(task.BuildInput{Spec: s, Placement: task.Placement{
		TaskID: "batch-1", AgentID: "S1", Resources: []mesos.Resource{scalar("cpus", 1), scalar("mem", 128)},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, v := range info.Container.Volumes {
		fmt.Println("volume", v.ContainerPath, v.GetMode())
	}
	fmt.Println("TOKEN is", info.Command.Environment.Variables[0].Secret.Reference.Name)
	fmt.Println("at most", info.Limits["cpus"].Value, "cpus and", info.Limits["mem"].Value, "MiB")
	// Output:
	// volume in RO
	// volume key.pem RW
	// TOKEN is batch/token
	// at most +Inf cpus and 256 MiB
}

// The members of a pod share the network of its executor; these two also share a directory by means of a volume.
func ExampleStandard_BuildPod() {
	shared := &task.Container{Containerizer: task.ContainerizerMesos, Volumes: []task.Volume{{Path: "logs", SandboxPath: "logs"}}}
	members := []task.Spec{
		{ID: "web-1.app", Pod: "web-1", CPUs: 0.5, Mem: 64, Container: shared, Command: task.Command{Shell: "./app > logs/app"}},
		{ID: "web-1.logs", Pod: "web-1", CPUs: 0.1, Mem: 32, Container: shared, Command: task.Command{Shell: "tail -F logs/app"}},
	}
	if err := task.ValidatePod(members); err != nil {
		fmt.Println(err)
		return
	}
	place := func(s task.Spec) task.Placement { // in place of a matcher
		return task.Placement{TaskID: s.ID, AgentID: "S1", Resources: []mesos.Resource{scalar("cpus", s.CPUs), scalar("mem", s.Mem)}}
	}
	executor, tasks, err := taskbuilder.Standard{}.BuildPod(task.PodBuildInput{
		Members: members, Placements: []task.Placement{place(members[0]), place(members[1])},
		Executor: place(task.Spec{ID: "web-1", CPUs: 0.1, Mem: 32}), FrameworkID: "f-1",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(executor.Type, "executor", executor.ExecutorID.Value)
	for _, each := range tasks {
		volume := each.Container.Volumes[0]
		fmt.Println(each.TaskID.Value, "sees", volume.Source.SandboxPath.Path, "as", volume.ContainerPath)
	}
	// Output:
	// DEFAULT executor web-1
	// web-1.app sees logs as logs
	// web-1.logs sees logs as logs
}
