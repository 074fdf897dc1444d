package scheduler

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// A member of a pod was dropped, so its launch is void, and another one runs. When the pod is killed, the master's
// answer about the dropped one is that it does not know it. That is its end.
func TestKillOfAPodOfWhichAMemberWasDropped(t *testing.T) {
	s := launchedPod(t)
	s.play(strings.Fields("update x DROPPED uuid=01 agent=a1"))
	s.play(strings.Fields("update y RUNNING uuid=02 agent=a1"))
	require.Contains(t, s.play(strings.Fields("kill x")), "KILL x on a1")
	s.play(strings.Fields("update x LOST reason=RECONCILIATION agent=a1"))
	require.Equal(t, task.StateKilled, s.machine.tasks.byID["x"].Info.State)
}

// The same, if the other member ends by itself and the master is asked about the dropped one.
func TestEndOfAPodOfWhichAMemberWasDropped(t *testing.T) {
	s := launchedPod(t)
	s.play(strings.Fields("update x DROPPED uuid=01 agent=a1"))
	s.play(strings.Fields("update y RUNNING uuid=02 agent=a1"))
	s.play(strings.Fields("update y FAILED uuid=03 agent=a1"))
	require.Contains(t, s.play(strings.Fields("reconcile")), "RECONCILE x on a1")
	s.play(strings.Fields("update x LOST reason=RECONCILIATION agent=a1"))
	require.Equal(t, task.StateLost, s.machine.tasks.byID["x"].Info.State)
}

// A pod is killed while its launch waits for the store, after a member was told of: an earlier launch took effect after
// all. The ACCEPT is not sent, so that the KILL of the other member need not wait for it.
func TestKillOfAHeldPodOfWhichAMemberRuns(t *testing.T) {
	s := durableStage(t)
	s.submitPod()
	s.play(strings.Fields("stored"))
	s.play(strings.Fields("offers o1@a1:4:1024"))
	out := s.play(strings.Fields("update x RUNNING uuid=01 agent=a1"))
	out += s.play(strings.Fields("kill x"))
	require.NotContains(t, out, "KILL y")
	out = s.play(strings.Fields("stored"))
	out += s.play(strings.Fields("stored"))
	out += s.play(strings.Fields("wait 1s"))
	out += s.play(strings.Fields("update y RUNNING reason=RECONCILIATION agent=a1"))
	out += s.play(strings.Fields("wait 10s"))
	require.NotContains(t, out, "ACCEPT")
	require.Contains(t, out, "KILL y on a1")
}

// Who waited for a pod when a run ended has been answered by that. The number of the caller is another's in the next run.
func TestWhoWaitedForAPodInAnEarlierRun(t *testing.T) {
	s := launchedPod(t)
	s.play(strings.Fields("end"))
	s.play(strings.Fields("start"))
	s.play(strings.Fields("subscribed fw"))
	out := s.play(strings.Fields("update x RUNNING uuid=01 agent=a1"))
	out += s.play(strings.Fields("update y RUNNING uuid=02 agent=a1"))
	require.NotContains(t, out, "reply 9")
}
