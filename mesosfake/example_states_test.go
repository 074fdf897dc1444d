package mesosfake_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// running returns the tasks on an agent that have not ended.
func running(now mesosfake.Snapshot, agent mesosfake.AgentState) (tasks []mesosfake.TaskState) {
	for _, t := range now.Tasks {
		if t.AgentID == agent.ID && t.Running {
			tasks = append(tasks, t)
		}
	}
	return tasks
}

// offered returns the offers that a framework has not answered.
func offered(now mesosfake.Snapshot, framework mesosfake.FrameworkState) (offers []mesosfake.OfferState) {
	for _, o := range now.Offers {
		if o.FrameworkID == framework.ID {
			offers = append(offers, o)
		}
	}
	return offers
}

// Where tasks run, and that the framework gives back what it does not need.
func ExampleTaskState() {
	runTest(func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			cluster := mesosfake.Start(t, mesosfake.Config{Agents: make([]mesosfake.Agent, 2)})
			s := run(t, cluster)
			for _, id := range []string{"web-1", "web-2"} {
				spec := task.Spec{ID: id, CPUs: 3, Mem: 64, Command: task.Command{Shell: "sleep 86400"}}
				if _, err := s.Launch(t.Context(), spec); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(time.Second)

			now := cluster.Snapshot()
			for _, agent := range now.Agents {
				for _, t := range running(now, agent) {
					fmt.Println(t.ID, t.State, "on", agent.Hostname)
				}
			}
			fmt.Println("offers at hand:", len(offered(now, now.Frameworks[0])))
		})
	})
	// Output:
	// web-1 TASK_RUNNING on agent1.example
	// web-2 TASK_RUNNING on agent2.example
	// offers at hand: 0
}
