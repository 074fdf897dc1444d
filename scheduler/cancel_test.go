package scheduler

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// A caller of Kill gives up while its answer waits for the store. The task has ended and is forgotten, and another one
// was submitted under its ID: that one lives on.
func TestCancelledKillLeavesALaterTask(t *testing.T) {
	s := durableStage(t, "submit t", "stored")
	s.machine.tasks.history, s.machine.tasks.remembered.keep.Count = 0, -1 // what has ended is forgotten at once
	s.play(strings.Fields("kill t"))
	s.play(strings.Fields("submit t"))
	require.Equal(t, task.StatePending, s.machine.tasks.byID["t"].Info.State)
	s.play(strings.Fields("cancel 2 t")) // that killed
	require.Equal(t, task.StatePending, s.machine.tasks.byID["t"].Info.State)
	s.play(strings.Fields("cancel 3 t")) // that submitted the second
	require.NotContains(t, s.machine.tasks.byID, "t")
}

// A caller of Kill gives up while its answer about a member that had ended already waits for the store: the other member
// lives on.
func TestCancelledKillLeavesThePod(t *testing.T) {
	s := durableStage(t)
	specs := []task.Spec{specOf("x", nil), specOf("y", nil)}
	for i := range specs {
		specs[i].Pod, specs[i].CPUs = "p", 0.5
	}
	s.step(submitPod{ref: 9, specs: specs})
	for _, w := range []string{
		"stored", "offers o1@a1:4:1024", "stored", "done ACCEPT accepted", "update x RUNNING uuid=01 agent=a1", "update y RUNNING uuid=02 agent=a1",
		"stored", "stored", "update x FINISHED uuid=03 agent=a1", "kill x",
	} {
		s.play(strings.Fields(w))
	}
	require.NotContains(t, s.play(strings.Fields("cancel 1 x")), "KILL")
	require.False(t, s.machine.tasks.byID["y"].Killing)
}

// A launch that came to nothing although the master took its ACCEPT gives all of its offers back.
func TestLostLaunchReturnsAllOffers(t *testing.T) {
	s := newStage(t)
	for _, w := range []string{"start", "subscribed fw", "submit t cpus=2 mem=512", "offers o1@a1:1:1024 o2@a1:1:1024", "done ACCEPT accepted"} {
		s.play(strings.Fields(w))
	}
	require.Equal(t, []string{"o1", "o2"}, s.machine.tasks.byID["t"].offers)
	require.Contains(t, s.play(strings.Fields("update t DROPPED uuid=01 agent=a1")), "DECLINE o1 o2 refuse 0s")
}
