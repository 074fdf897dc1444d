package scheduler

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// A task is forgotten while its agent is away, and submitted again at once. Then its agent, or the master, says how the first
// task ended. That is acknowledged, and says nothing about the second one, which was never launched.
func TestEndOfForgottenTaskAfterSubmit(t *testing.T) {
	for _, late := range []string{"FAILED uuid=02", "FINISHED uuid=02", "KILLED uuid=02", "GONE uuid=02", "GONE_BY_OPERATOR", "LOST reason=RECONCILIATION"} {
		s := newStage(t)
		for _, line := range []string{
			"start", "subscribed fw", "submit t1", "offers o1@a1:4:1024", "wait 10ms", "done ACCEPT accepted", "update t1 RUNNING agent=a1 uuid=01",
			"update t1 UNREACHABLE agent=a1", "forget t1", "submit t1",
		} {
			s.playf("%s", line)
		}
		answer := s.playf("update t1 %s agent=a1", late)
		require.Equal(t, task.StatePending, s.machine.tasks.byID["t1"].Info.State, late)
		require.NotContains(t, answer, "notify", late)
		s.playf("offers o2@a2:4:1024")
		s.playf("wait 10ms")
		require.Equal(t, task.StateStaging, s.machine.tasks.byID["t1"].Info.State, late)
		s.playf("update t1 FAILED agent=a1 uuid=03")
		require.Equal(t, task.StateStaging, s.machine.tasks.byID["t1"].Info.State, late)
	}
}
