package conformance

import (
	"fmt"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

func launchingPods() []behaviour {
	groups := document("nested-container-and-task-group", "Task Group")
	return []behaviour{
		{
			name:    "the members of a pod are launched by one LAUNCH_GROUP on one agent, under a default executor of their own",
			sources: []source{groups, recording("launch_group")},
			run: func(w *world) {
				infos := w.launchPod(pod("p", 2))
				require.Equal(w, infos[0].AgentID, infos[1].AgentID)
				operations := w.untilMade(calls.Call_ACCEPT, 1).Accept.Operations
				require.Len(w, operations, 1)
				require.Equal(w, mesos.Offer_Operation_LAUNCH_GROUP, operations[0].Type)
				executor := operations[0].LaunchGroup.Executor
				require.Equal(w, mesos.ExecutorInfo_DEFAULT, executor.Type)
				for _, info := range infos {
					require.Equal(w, executor.ExecutorID, *info.Status.ExecutorID)
				}
			},
		},
		{
			name:    "to kill a member of a pod ends the whole pod",
			sources: []source{groups, recording("launch_group")},
			run: func(w *world) {
				w.launchPod(pod("p", 3))
				w.kill("p-1")
				for i := range 3 {
					require.Equal(w, task.StateKilled, w.untilOver(fmt.Sprint("p-", i)).State)
				}
			},
		},
		{
			name:    "a pod whose launch was lost is launched again as a whole",
			sources: []source{document("high-availability-framework-guide", "The Life Cycle of a Task"), recording("accept_invalid_offers")},
			run: func(w *world) {
				w.declineBehind(1)
				infos := w.launchPod(pod("p", 2))
				require.Equal(w, infos[0].AgentID, infos[1].AgentID)
				for _, info := range infos {
					require.Equal(w, []task.State{task.StatePending, task.StateStaging, task.StatePending, task.StateStaging}, w.states(info.Spec.ID)[:4])
				}
			},
		},
		{
			name:    "another process with the same store continues with a pod, and launches none of it twice",
			sources: []source{document("high-availability-framework-guide", "Recommendations for Highly Available Frameworks")},
			durable: true,
			run: func(w *world) {
				w.launchPod(pod("p", 2))
				w.die()
				w.goOn(w.store.snapshot())
				w.calm()
				for i := range 2 {
					id := fmt.Sprint("p-", i)
					require.Equal(w, task.StateRunning, w.task(id).State)
					require.Equal(w, 1, w.launchesOf(id))
				}
				w.kill("p-0")
				require.Equal(w, task.StateKilled, w.untilOver("p-1").State)
			},
		},
	}
}

// pod has n members p-0, p-1 and so on.
func pod(name string, n int) []task.Spec {
	members := make([]task.Spec, n)
	for i := range members {
		members[i] = sleeper(fmt.Sprint(name, "-", i))
		members[i].Pod = name
	}
	return members
}

func (w *world) launchPod(members []task.Spec) []task.Info {
	infos, err := w.sched.LaunchPod(w.ctx, members...)
	require.NoError(w, err, w.journal)
	return infos
}
