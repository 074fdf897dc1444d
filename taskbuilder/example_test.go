package taskbuilder_test

import (
	"fmt"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskbuilder"
)

func ExampleStandard() {
	info, err := taskbuilder.Standard{}.Build(
		task.Spec{
			ID: "web-1", CPUs: 0.5, Mem: 64,
			Container:   &task.Container{Image: "nginx:1.27"},
			Ports:       []task.Port{{Container: 80}},
			HealthCheck: &task.HealthCheck{Port: 0},
		},
		task.Placement{
			TaskID: "web-1", AgentID: "S1", Hostname: "agent1",
			Resources: []mesos.Resource{scalar("cpus", 0.5), scalar("mem", 64), ports(31000, 31000)},
			HostPorts: []uint16{31000},
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

// A builder of one's own starts from the standard one and changes what it needs.
func ExampleStandard_Build() {
	build := func(s task.Spec, p task.Placement) (mesos.TaskInfo, error) {
		info, err := taskbuilder.Standard{}.Build(s, p)
		info.KillPolicy = &mesos.KillPolicy{GracePeriod: &mesos.DurationInfo{Nanoseconds: 10e9}}
		return info, err
	}
	info, err := build(
		task.Spec{ID: "sleep-1", CPUs: 0.1, Command: task.Command{Shell: "sleep 60"}},
		task.Placement{TaskID: "sleep-1", AgentID: "S1", Resources: []mesos.Resource{scalar("cpus", 0.1)}})
	fmt.Println(info.Command.GetValue(), info.KillPolicy.GracePeriod.Nanoseconds, err)
	// Output: sleep 60 10000000000 <nil>
}
