package mesostest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
)

// launchedGroup starts two tasks in a group at 100 ms; they run from 200 ms on. All their updates
// until then are acknowledged.
func launchedGroup(c *cluster, info *mesos.FrameworkInfo, first, second string) *stream {
	s := c.subscribe(info)
	c.at(100 * time.Millisecond)
	o := s.offers()[0]
	s.call(202, &scheduler.Call{Type: scheduler.Call_ACCEPT, Accept: &scheduler.Call_Accept{
		OfferIDs: []mesos.OfferID{o.ID}, Filters: refuse(1e6),
		Operations: []mesos.Offer_Operation{launchGroup(s, taskInfo(o, "a", first), taskInfo(o, "b", second))},
	}})
	c.at(200 * time.Millisecond)
	s.ackAll()
	return s
}

// launchGroup returns the operation that launches tasks as a group on the executor "e".
func launchGroup(s *stream, tasks ...mesos.TaskInfo) mesos.Offer_Operation {
	s.c.t.Helper()
	own, err := resources.Parse("cpus:0.1;mem:32;disk:10")
	require.NoError(s.c.t, err)
	return mesos.Offer_Operation{Type: mesos.Offer_Operation_LAUNCH_GROUP, LaunchGroup: &mesos.Offer_Operation_LaunchGroup{
		Executor: mesos.ExecutorInfo{
			Type: mesos.ExecutorInfo_DEFAULT, ExecutorID: mesos.ExecutorID{Value: "e"}, FrameworkID: s.fid, Resources: own.Proto(),
		},
		TaskGroup: mesos.TaskGroupInfo{Tasks: tasks},
	}}
}

// ackAll acknowledges until nothing new comes of it.
func (s *stream) ackAll() {
	for acked := 0; ; {
		all := s.received()
		if acked == len(all) {
			return
		}
		for _, r := range all[acked:] {
			if u := r.event.GetUpdate(); u != nil && u.Status.UUID != nil {
				s.ack(&u.Status)
			}
		}
		acked = len(all)
	}
}

func TestGroup(t *testing.T) {
	for _, test := range []struct {
		name, first, second string
		act                 func(*cluster)
		want                []string
	}{
		{
			"a task that finished leaves the others alone", "sleep 1", "sleep 5", nil,
			[]string{"1.25 a TASK_FINISHED: Command exited with status 0", "5.25 b TASK_FINISHED: Command exited with status 0", "6.25 FAILURE"},
		},
		{
			"one that failed takes them with it", "sleep 1; exit 1", "sleep 600", nil,
			[]string{"1.25 a TASK_FAILED: Command exited with status 1", "1.25 b TASK_KILLING", "2.3 FAILURE"},
		},
		{
			"the executor dies: nothing is killed one by one", "sleep 600", "sleep 600", func(c *cluster) { c.master.KillExecutor("a") },
			[]string{"1 FAILURE", "1 a TASK_FAILED: Executor terminated", "1 b TASK_FAILED: Executor terminated"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, Config{HeartbeatInterval: time.Hour}, func(c *cluster) {
				require.NoError(t, c.master.AddAgent(oneAgent()[0]))
				s := launchedGroup(c, withCapability(mesos.FrameworkInfo_Capability_TASK_KILLING_STATE), test.first, test.second)
				c.at(time.Second)
				if test.act != nil {
					test.act(c)
				}
				c.at(8 * time.Second)
				require.Equal(t, test.want, notOffers(s.since(time.Second)))
			})
		})
	}
}

// A default executor ends half of Config.Reap after the last acknowledgement, not the first.
func TestExecutorEndsWhenAllIsAcknowledged(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
		s := launchedGroup(c, frameworkInfo(), "sleep 1", "sleep 1")
		c.at(1250 * time.Millisecond)
		ended := updates(s)
		ended = ended[len(ended)-2:]
		c.at(1300 * time.Millisecond)
		s.ack(ended[0])
		c.at(1400 * time.Millisecond)
		require.NotContains(t, notOffers(s.since(1300*time.Millisecond)), "1.325 FAILURE")
		s.ack(ended[1])
		c.at(3 * time.Second)
		require.Equal(t, []string{"1.425 FAILURE"}, notOffers(s.since(1300*time.Millisecond)))
	})
}

// Reconciliation names the executor of a group's task.
func TestReconciliationOfAGroup(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
		s := launchedGroup(c, frameworkInfo(), "sleep 600", "sleep 600")
		s.call(202, &scheduler.Call{Type: scheduler.Call_RECONCILE, Reconcile: &scheduler.Call_Reconcile{}})
		require.Equal(t, "e", s.lastStatus().GetExecutorID().GetValue())
		require.Equal(t, mesos.REASON_RECONCILIATION, s.lastStatus().GetReason())
	})
}

// The master cannot hear that an executor ended on an agent that is away.
func TestExecutorOfALostAgentEndsInSilence(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent(), HeartbeatInterval: time.Hour}, func(c *cluster) {
		s := launchedGroup(c, checkpointing(), "sleep 2", "sleep 2")
		c.at(time.Second)
		c.master.LoseAgent(lostAgent)
		c.at(time.Minute)
		require.Empty(t, s.since(time.Second))
	})
}

func updates(s *stream) []*mesos.TaskStatus {
	var list []*mesos.TaskStatus
	for _, r := range s.received() {
		if u := r.event.GetUpdate(); u != nil {
			list = append(list, &u.Status)
		}
	}
	return list
}

// A second group on a running executor is one of its own: what ends the first leaves it alone.
func TestSecondGroupOnAnExecutor(t *testing.T) {
	for _, test := range []struct{ name, a, kill, want string }{
		{"a task of the first is killed", "sleep 600", "a", "b TASK_KILLED: Command terminated with signal Terminated"},
		{"a task of the first fails", "sleep 2; exit 1", "", "b TASK_KILLED: Command terminated with signal Terminated"},
		{"a task of the second is killed", "sleep 600", "c", "d TASK_KILLED: Command terminated with signal Terminated"},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, Config{Agents: oneAgent(), HeartbeatInterval: time.Hour}, func(c *cluster) {
				s := launchedGroup(c, frameworkInfo(), test.a, "sleep 600")
				s.call(202, &scheduler.Call{Type: scheduler.Call_REVIVE})
				o := s.offers()[len(s.offers())-1]
				s.call(202, &scheduler.Call{Type: scheduler.Call_ACCEPT, Accept: &scheduler.Call_Accept{
					OfferIDs: []mesos.OfferID{o.ID}, Filters: refuse(1e6),
					Operations: []mesos.Offer_Operation{launchGroup(s, taskInfo(o, "c", "sleep 600"), taskInfo(o, "d", "sleep 600"))},
				}})
				c.at(time.Second)
				s.ackAll()
				if test.kill != "" {
					s.kill(test.kill)
				}
				c.at(4 * time.Second)
				s.ackAll()
				c.at(8 * time.Second)
				require.Contains(t, strings.Join(s.since(time.Second), "\n"), test.want)
				require.Len(t, c.master.Snapshot().Running, 2, "the other group")
				require.NotContains(t, strings.Join(s.since(time.Second), "\n"), "FAILURE", "the executor goes on")
			})
		})
	}
}

// A task of a group may name the executor, if that is the one of the group.
func TestGroupWhoseTasksNameTheExecutor(t *testing.T) {
	for _, test := range []struct {
		name string
		edit func(*mesos.ExecutorInfo)
		want string
	}{
		{"the same", func(*mesos.ExecutorInfo) {}, "0.1 a TASK_STARTING"},
		{"another name of it", func(e *mesos.ExecutorInfo) { e.Name = ptr("x") },
			"0 a TASK_ERROR: The `ExecutorInfo` of task 'a' is different from executor 'e'"},
		{"a framework is not filled in", func(e *mesos.ExecutorInfo) { e.FrameworkID = nil },
			"0 a TASK_ERROR: The `ExecutorInfo` of task 'a' is different from executor 'e'"},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
				s := c.subscribe(frameworkInfo())
				o := s.offers()[0]
				op := launchGroup(s, taskInfo(o, "a", "sleep 600"))
				executor := op.LaunchGroup.Executor
				executor.Resources = slices.Clone(executor.Resources)
				test.edit(&executor)
				op.LaunchGroup.TaskGroup.Tasks[0].Executor = &executor
				s.call(202, &scheduler.Call{Type: scheduler.Call_ACCEPT, Accept: &scheduler.Call_Accept{
					OfferIDs: []mesos.OfferID{o.ID}, Operations: []mesos.Offer_Operation{op},
				}})
				c.at(time.Second)
				require.Equal(t, test.want, updatesOnly(s.log())[0])
			})
		})
	}
}

// Before its process is there and after its end, the container of a task in a group has neither network nor process.
func TestContainerStatusOfAGroup(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
		s := launchedGroup(c, withCapability(mesos.FrameworkInfo_Capability_TASK_KILLING_STATE), "sleep 600", "sleep 600")
		c.at(time.Second)
		s.kill("a")
		s.ackAll()
		c.at(2 * time.Second)
		s.ackAll()
		seen := map[mesos.TaskState]bool{}
		for _, status := range updates(s) {
			full := status.GetState() == mesos.TASK_RUNNING || status.GetState() == mesos.TASK_KILLING
			require.Equal(t, full, status.ContainerStatus.NetworkInfos != nil, status.GetState())
			require.Equal(t, full, status.ContainerStatus.ExecutorPID != nil, status.GetState())
			require.NotEmpty(t, status.ContainerStatus.ContainerID.Parent.Value)
			seen[status.GetState()] = true
		}
		require.Len(t, seen, 4)
	})
}

// The agent knows which tasks came together, also of those that no executor has seen.
func TestKillOfAGroupBeforeItsExecutorRegistered(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent(), HeartbeatInterval: time.Hour}, func(c *cluster) {
		s := c.subscribe(frameworkInfo())
		o := s.offers()[0]
		s.call(202, &scheduler.Call{Type: scheduler.Call_ACCEPT, Accept: &scheduler.Call_Accept{
			OfferIDs: []mesos.OfferID{o.ID}, Filters: refuse(1e6), Operations: []mesos.Offer_Operation{
				launchGroup(s, taskInfo(o, "a", "sleep 600"), taskInfo(o, "b", "sleep 600")), launchGroup(s, taskInfo(o, "c", "sleep 600")),
			},
		}})
		c.at(5 * time.Millisecond)
		s.kill("b")
		c.at(time.Second)
		const killed = " TASK_KILLED: A task within the task group was killed before delivery to the executor"
		require.Equal(t, []string{"0.1 c TASK_STARTING", "0.1 a" + killed, "0.1 b" + killed}, updatesOnly(s.log()))
	})
}
