package scheduler

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// If a policy accepts an inverse offer while a launch on the agent waits for the store, the launch is cancelled.
func TestPromiseTakesBackLaunches(t *testing.T) {
	s := newStage(t)
	s.configure(func(set *settings) {
		set.durable = true
		set.inverse = func(InverseOffer) bool { return true }
	})
	for _, words := range []string{
		"start", "stored", "subscribed fw", "stored", "subscribed fw", "submit a", "submit b", "stored",
		"offers o1@a1:1:1024 o2@a2:1:1024", // a on a1, b on a2
	} {
		s.play(strings.Fields(words))
	}
	require.Equal(t, task.StateStaging, s.machine.tasks.byID["a"].Info.State)
	out := s.play(strings.Fields("inverse i1 a1 maintenance=1h"))
	require.Contains(t, out, "DECLINE o1 refuse 0s")
	require.Equal(t, task.StatePending, s.machine.tasks.byID["a"].Info.State)
	out = s.play([]string{"stored"}) + s.play([]string{"stored"})
	require.NotContains(t, out, "launch a")
	require.Contains(t, out, "ACCEPT o2 launch b on a2")
}
