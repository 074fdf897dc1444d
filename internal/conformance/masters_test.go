package conformance

import (
	"time"

	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

const newMaster need = "takes the master away"

func survivingMasters() []behaviour {
	one := []mesostest.Agent{{}}
	const host = "agent1.example"
	masters := document("high-availability-framework-guide", "Dealing with Partitioned or Failed Masters")
	agents := document("high-availability-framework-guide", "Agent Reregistration")
	return []behaviour{
		{
			name:    "after a failover of the master it subscribes again under its ID, and its tasks go on",
			sources: []source{masters, document("high-availability-framework-guide", "Framework Reregistration"), recording("master_failover")},
			needs:   newMaster,
			run: func(w *world) {
				w.launch(sleeper("a"))
				before := len(w.infos("a"))
				require.True(w, w.fake.Failover(20*time.Second))
				w.untilConnected(2)
				told, _ := w.connections()
				require.Equal(w, told[0].FrameworkID, told[len(told)-1].FrameworkID)
				w.wait(time.Hour)
				for _, info := range w.infos("a")[before:] {
					require.Equal(w, task.StateRunning, info.State)
				}
				w.launch(sleeper("b"))
				require.Equal(w, task.StateKilled, w.kill("a").State)
			},
		},
		{
			name:    "a master that does not lead redirects to the one that does",
			sources: []source{document("scheduler-http-api", "Master detection")},
			needs:   newMaster, masters: 2,
			config: scheduler.Config{Master: masterAt(2)},
			run: func(w *world) {
				w.launch(sleeper("a"))
				require.Equal(w, task.StateKilled, w.kill("a").State)
			},
		},
		{
			name:    "of several masters the one that leads is found, also when that changes",
			sources: []source{document("scheduler-http-api", "Master detection"), masters},
			needs:   newMaster, masters: 2,
			config: scheduler.Config{Master: "nobody.example:5050," + masterAt(0) + "," + masterAt(1) + "," + masterAt(2)},
			run: func(w *world) {
				w.launch(sleeper("a"))
				require.True(w, w.fake.LoseMaster(0))
				w.untilConnected(2)
				require.Positive(w, w.fake.Leader())
				require.True(w, w.fake.ReturnMaster(0))
				require.True(w, w.fake.LoseMaster(w.fake.Leader()))
				w.untilConnected(3)
				told, _ := w.connections()
				require.Equal(w, told[len(told)-1].FrameworkID, w.made(calls.Call_ACCEPT)[0].FrameworkID.Value)
				require.Equal(w, task.StateKilled, w.kill("a").State)
				w.url = "http://" + masterAt(w.fake.Leader())
			},
		},
		{
			name:    "no task counts as lost while its agent has not yet reregistered with a new master",
			sources: []source{agents, document("reconciliation", "Algorithm"), recording("master_failover")},
			needs:   newMaster, cluster: mesostest.Config{Agents: one, Reregistration: 9 * time.Minute},
			run: func(w *world) {
				w.launch(sleeper("a"))
				before := len(w.infos("a"))
				require.True(w, w.fake.Failover(time.Second))
				w.untilConnected(2)
				require.NoError(w, w.sched.Reconcile(w.ctx))
				for _, info := range w.infos("a")[before:] {
					require.Equal(w, task.StateRunning, info.State)
				}
				require.Equal(w, task.StateRunning, w.task("a").State)
			},
		},
		{
			name:    "a task whose agent does not reregister with a new master becomes unreachable",
			sources: []source{agents, document("reconciliation", "Algorithm")},
			needs:   newMaster, cluster: mesostest.Config{Agents: one},
			run: func(w *world) {
				w.launch(sleeper("a"))
				w.fake.LoseAgent(host)
				require.True(w, w.fake.Failover(time.Second))
				w.untilState("a", task.StateUnreachable)
				w.fake.ReturnAgent(host)
				w.until("it is back", func() bool { states := w.states("a"); return states[len(states)-1] == task.StateRunning })
			},
		},
		{
			name:    "the end of a task while no master led is reported afterwards",
			sources: []source{masters, recording("master_failover")},
			needs:   newMaster, cluster: mesostest.Config{Agents: one},
			run: func(w *world) {
				w.launch(command("a", "sleep 10"))
				require.True(w, w.fake.Failover(time.Minute))
				require.Equal(w, task.StateFinished, w.untilOver("a").State)
				w.until("its end is acknowledged", func() bool { return w.acknowledgements("a")[string(w.task("a").Status.UUID)] > 0 })
			},
		},
		{
			name:    "a kill whose agent a new master does not know yet is done when the agent is back",
			sources: []source{agents, recording("master_failover")},
			needs:   newMaster, cluster: mesostest.Config{Agents: one, Reregistration: 5 * time.Minute},
			run: func(w *world) {
				w.launch(sleeper("a"))
				require.True(w, w.fake.Failover(time.Second))
				w.untilConnected(2)
				require.Equal(w, task.StateKilled, w.kill("a").State)
			},
		},
		{
			name:    "a launch that was lost with a master is made again, and one that reached its agent is not",
			sources: []source{masters, document("reconciliation", "When To Reconcile")},
			needs:   newMaster, cluster: mesostest.Config{Agents: one, Launch: 5 * time.Second},
			run: func(w *world) {
				w.launch(sleeper("here"))
				w.wire.once(calls.Call_ACCEPT, swallow)
				w.submit(sleeper("lost"))
				w.untilState("lost", task.StateStaging)
				w.untilMade(calls.Call_ACCEPT, 2)
				require.True(w, w.fake.Failover(time.Second))
				w.untilState("lost", task.StateRunning)
				require.Equal(w, 2, w.launchesOf("lost"))
				require.Equal(w, 1, w.launchesOf("here"))
			},
		},
		{
			name:    "a framework that the new master does not know keeps its ID",
			sources: []source{recording("subscribe_unknown_id"), recording("master_restart_in_memory")},
			needs:   newMaster, cluster: mesostest.Config{Agents: one, InMemoryRegistry: true},
			run: func(w *world) {
				w.launch(sleeper("a"))
				require.True(w, w.fake.Failover(time.Second))
				w.untilConnected(2)
				told, _ := w.connections()
				require.Equal(w, told[0].FrameworkID, told[len(told)-1].FrameworkID)
				w.launch(sleeper("b"))
				w.poll("both are known", func() bool { f, _ := w.view(); return len(f.Tasks) == 2 })
				require.Equal(w, task.StateRunning, w.task("a").State)
			},
		},
	}
}
