package scheduler

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A task that was held back comes before those that were submitted after it, although the cycles meanwhile looked at
// them and not at it.
func TestHeldBackTaskKeepsItsPlace(t *testing.T) {
	s := newStage(t)
	for _, words := range []string{"start", "subscribed fw", "submit first cpus=2", "offers o1@a1:2:1024", "done ACCEPT accepted", "update first DROPPED uuid=01 agent=a1"} {
		s.play(strings.Fields(words))
	}
	require.True(t, s.machine.tasks.byID["first"].heldBack(s.now))
	for _, words := range []string{"submit second cpus=2", "offers o2@a1:1:1024", "wait 2s"} {
		require.NotContains(t, s.play(strings.Fields(words)), "launch")
	}
	require.Contains(t, s.play(strings.Fields("offers o3@a1:2:1024")), "ACCEPT o3 launch first on a1")
}

// A task that becomes pending twice at the same instant is matched once.
func TestPendingTwiceAtOneInstant(t *testing.T) {
	s := newStage(t)
	for _, words := range []string{"start", "subscribed fw", "offers o1@a1:4:1024", "submit t", "update t STAGING agent=a1", "update t LOST reason=RECONCILIATION agent=a1"} {
		s.play(strings.Fields(words))
	}
	require.Len(t, s.machine.backlog.newTasks, 2)
	require.Contains(t, s.play(strings.Fields("wait 10ms")), "notify cycle: 1 offers, 1 placed, 0 pending")
	require.NoError(t, s.machine.matchErr)
}
