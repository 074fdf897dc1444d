package conformance

import (
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

func losingAgents() []behaviour {
	one := mesostest.Config{Agents: []mesostest.Agent{{}}}
	const host = "agent1.example"
	partitions := document("high-availability-framework-guide", "Dealing with Partitioned or Failed Agents")
	return []behaviour{
		{
			name:    "a task on a lost agent is unreachable, and runs again when the agent is back",
			sources: []source{partitions, recording("agent_kill9_partition_aware")},
			needs:   lostAgents, cluster: one,
			run: func(w *world) {
				w.launch(sleeper("a"))
				w.fake.LoseAgent(host)
				w.untilState("a", task.StateUnreachable)
				w.fake.ReturnAgent(host)
				w.until("it is back", func() bool { states := w.states("a"); return states[len(states)-1] == task.StateRunning })
				require.Equal(w, task.StateKilled, w.kill("a").State)
			},
		},
		{
			name:    "an agent that stops responding is lost as well",
			sources: []source{partitions, recording("agent_sigstop")},
			needs:   lostAgents, cluster: one,
			run: func(w *world) {
				w.launch(sleeper("a"))
				w.fake.FreezeAgent(host)
				w.untilState("a", task.StateUnreachable)
				w.fake.ReturnAgent(host)
				w.until("it is back", func() bool { states := w.states("a"); return states[len(states)-1] == task.StateRunning })
			},
		},
		{
			name:    "a task survives the restart of its agent without a change of state",
			sources: []source{document("agent-recovery", "Framework Configuration"), recording("agent_restart_checkpoint")},
			needs:   lostAgents, cluster: one,
			run: func(w *world) {
				w.launch(sleeper("a"))
				before := len(w.infos("a"))
				w.fake.LoseAgent(host)
				w.wait(30 * time.Second)
				w.fake.ReturnAgent(host)
				w.wait(time.Hour)
				for _, info := range w.infos("a")[before:] {
					require.Equal(w, task.StateRunning, info.State)
				}
				require.Equal(w, task.StateRunning, w.task("a").State)
			},
		},
		{
			name:    "without checkpoints a task is lost with its agent's process",
			sources: []source{document("agent-recovery", "Framework Configuration"), recording("agent_kill9_no_checkpoint")},
			needs:   lostAgents, cluster: one,
			config: scheduler.Config{Framework: scheduler.Framework{NoCheckpoint: true}},
			run: func(w *world) {
				w.launch(sleeper("a"))
				w.fake.LoseAgent(host)
				require.Equal(w, task.StateLost, w.untilOver("a").State)
				require.Equal(w, mesos.REASON_AGENT_DISCONNECTED, w.task("a").Status.GetReason())
			},
		},
		{
			name:    "a task on an agent that leaves is lost",
			sources: []source{partitions, recording("agent_clean_shutdown")},
			needs:   lostAgents, cluster: one,
			run: func(w *world) {
				w.launch(sleeper("a"))
				w.fake.RemoveAgent(host)
				require.Equal(w, task.StateLost, w.untilOver("a").State)
			},
		},
		{
			name:    "the end of a task whose agent was away is reported when the agent is back",
			sources: []source{partitions, recording("agent_kill9_partition_aware")},
			needs:   lostAgents, cluster: one,
			run: func(w *world) {
				w.launch(command("a", "sleep 300"))
				w.fake.LoseAgent(host)
				w.untilState("a", task.StateUnreachable)
				w.wait(10 * time.Minute)
				w.fake.ReturnAgent(host)
				require.Equal(w, task.StateFinished, w.untilOver("a").State)
			},
		},
		{
			name:    "a kill while the agent is away is done when it is back",
			sources: []source{recording("kill_agent_disconnected"), document("scheduler-http-api", "KILL")},
			needs:   lostAgents, cluster: one,
			run: func(w *world) {
				w.launch(sleeper("a"))
				w.fake.LoseAgent(host)
				w.untilState("a", task.StateUnreachable)
				killed := w.background(func() error { _, err := w.sched.Kill(w.ctx, "a"); return err })
				w.wait(5 * time.Minute)
				w.fake.ReturnAgent(host)
				require.NoError(w, w.result(killed))
				require.Equal(w, task.StateKilled, w.task("a").State)
			},
		},
		{
			name:    "tasks wait until an agent is added",
			sources: []source{document("scheduler-http-api", "OFFERS"), recording("agent_new_id")},
			needs:   lostAgents, cluster: one,
			run: func(w *world) {
				w.untilConnected(1)
				w.fake.RemoveAgent(host)
				w.submit(sleeper("a"))
				w.wait(time.Hour)
				require.Equal(w, task.StatePending, w.task("a").State)
				require.NoError(w, w.fake.AddAgent(mesostest.Agent{}))
				w.untilState("a", task.StateRunning)
			},
		},
		{
			name:    "a task whose agent is lost while it is being launched becomes unreachable, and runs when the agent is back",
			sources: []source{partitions, recording("agent_new_id")},
			needs:   lostAgents, cluster: mesostest.Config{Agents: one.Agents, Launch: time.Minute},
			run: func(w *world) {
				w.submit(sleeper("a"))
				w.poll("the master has it", func() bool { f, _ := w.view(); return len(f.Tasks) == 1 })
				w.fake.LoseAgent(host)
				w.untilState("a", task.StateUnreachable)
				w.fake.ReturnAgent(host)
				w.untilState("a", task.StateRunning)
			},
		},
	}
}
