package scheduler

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// launchedPod is a stage on which the pod of x and y has been launched for caller 9.
func launchedPod(t *testing.T) *stage {
	s := newStage(t)
	s.play(strings.Fields("start"))
	s.play(strings.Fields("subscribed fw heartbeat=3600"))
	specs := []task.Spec{specOf("x", nil), specOf("y", nil)}
	for i := range specs {
		specs[i].Pod = "p"
	}
	s.step(submitPod{ref: 9, specs: specs, wait: true})
	require.Contains(t, s.play(strings.Fields("offers o1@a1:4:1024")), "launch")
	s.play(strings.Fields("done ACCEPT accepted"))
	return s
}

// A member that has finished before the others run counts, one that has failed ends the waiting.
func TestWhoWaitsForAPod(t *testing.T) {
	for first, want := range map[string]string{"FINISHED": "reply 9", "FAILED": "reply 9 error"} {
		s := launchedPod(t)
		out := s.play(strings.Fields(fmt.Sprintf("update x %s uuid=01 agent=a1", first)))
		out += s.play(strings.Fields("update y RUNNING uuid=02 agent=a1"))
		require.Contains(t, out, want)
		require.Equal(t, 1, strings.Count(out, "reply 9"), out)
		require.Equal(t, first == "FAILED", strings.Contains(out, "error"), out)
	}
}

// If the launch of a pod was taken for lost and one of its members runs after all, the pod is not launched again. The
// master is asked about the other members.
func TestReturnedPod(t *testing.T) {
	s := launchedPod(t)
	s.play(strings.Fields("update x DROPPED uuid=01 agent=a1"))
	require.Equal(t, task.StateStaging, s.machine.tasks.byID["y"].Info.State, "not before all are lost")
	s.play(strings.Fields("update y DROPPED uuid=02 agent=a1"))
	require.Equal(t, 1, s.machine.backlog.pending.Len())
	s.play(strings.Fields("update y RUNNING uuid=03 agent=a1"))
	require.Zero(t, s.machine.backlog.pending.Len())
	x := s.machine.tasks.byID["x"].Info
	require.Equal(t, task.StateStaging, x.State)
	require.Equal(t, "a1", x.AgentID)
	require.Contains(t, s.play(strings.Fields("wait 1s")), "RECONCILE x on a1")
	s.play(strings.Fields("offers o2@a1:4:1024"))
	require.NotContains(t, s.play([]string{"wait", time.Minute.String()}), "launch")
}

// astray is a matcher that places a single member of a pod.
type astray struct{}

func (astray) Match(c task.Cycle) ([]task.Placement, []task.Rejection) {
	o := c.Offers[0]
	return []task.Placement{{TaskID: "y", OfferIDs: []string{o.ID}, AgentID: o.Agent.ID}}, nil
}

func TestHalfAPodIsNotLaunched(t *testing.T) {
	s := newStage(t)
	s.configure(func(set *settings) { set.matcher = astray{} })
	s.play(strings.Fields("start"))
	s.play(strings.Fields("subscribed fw"))
	specs := []task.Spec{specOf("x", nil), specOf("y", nil)}
	for i := range specs {
		specs[i].Pod = "p"
	}
	s.step(submitPod{ref: 9, specs: specs})
	require.NotContains(t, s.play(strings.Fields("offers o1@a1:4:1024")), "ACCEPT")
	require.ErrorContains(t, s.machine.matchErr, "not pending")
	require.Equal(t, task.StatePending, s.machine.tasks.byID["y"].Info.State)
}

// A member of a pod is told of while the pod's launch waits for the store: an earlier launch took effect after all. The
// launch is not made, and the master is asked about the other members.
func TestHeldPodOfWhichAMemberRuns(t *testing.T) {
	s := durableStage(t)
	s.submitPod()
	s.play(strings.Fields("stored"))
	s.play(strings.Fields("offers o1@a1:4:1024"))
	s.play(strings.Fields("update x RUNNING uuid=01 agent=a1"))
	stored := s.play(strings.Fields("stored"))
	require.Contains(t, stored, "DECLINE o1 refuse 0s")
	require.NotContains(t, stored, "ACCEPT")
	asked := s.play([]string{"wait", callRetry.String()})
	require.Contains(t, asked, "at 1s:")
	require.Contains(t, asked, "RECONCILE y on a1")
}

// A kill that is wanted while its task's launch waits for the store goes out after the ACCEPT, even if the master
// says SUBSCRIBED once more.
func TestKillFollowsTheLaunch(t *testing.T) {
	s := durableStage(t, "submit t", "stored", "offers o1@a1:4:1024")
	out := s.play(strings.Fields("kill t")) + s.play(strings.Fields("subscribed fw"))
	require.NotContains(t, out, "KILL")
	out = s.play(strings.Fields("stored"))
	require.Less(t, strings.Index(out, "ACCEPT o1 launch t"), strings.Index(out, "KILL t on a1"), out)
}

// The master refuses the ACCEPT of a pod of which one member was dropped before that: no member runs.
func TestRefusedPodOfWhichAMemberWasDropped(t *testing.T) {
	s := newStage(t)
	for _, words := range []string{"start", "subscribed fw"} {
		s.play(strings.Fields(words))
	}
	s.submitPod()
	s.play(strings.Fields("offers o1@a1:4:1024"))
	s.play(strings.Fields("update x DROPPED uuid=01 agent=a1"))
	require.Equal(t, launchVoid, s.machine.tasks.byID["x"].launch)
	s.play(strings.Fields("done ACCEPT refused"))
	for _, id := range []string{"x", "y"} {
		require.Equal(t, task.StatePending, s.machine.tasks.byID[id].Info.State, id)
		require.Equal(t, launchNone, s.machine.tasks.byID[id].launch, id)
	}
}
