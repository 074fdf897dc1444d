package scheduler

import (
	"strings"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// launched is a stage on which a task was launched on agent a1, and the master accepted that.
func launched(t *testing.T) (*stage, *entry) {
	s := newStage(t)
	for _, words := range []string{"start", "subscribed fw heartbeat=100000", "submit t", "offers o1@a1:4:1024", "done ACCEPT accepted"} {
		s.play(strings.Fields(words))
	}
	e := s.machine.tasks.byID["t"]
	require.Equal(t, "a1.example", e.Info.Hostname)
	return s, e
}

// That the master did not know an earlier launch says nothing about the present one.
func TestUnknownSinceTheLaunch(t *testing.T) {
	s, e := launched(t)
	for _, words := range []string{"update t UNKNOWN agent=a1", "wait 10m", "update t UNKNOWN agent=a1"} {
		s.play(strings.Fields(words))
	}
	require.Equal(t, task.StatePending, e.Info.State)
	for _, words := range []string{"wait 1m", "offers o2@a1:4:1024", "done ACCEPT accepted"} {
		s.play(strings.Fields(words))
	}
	require.Equal(t, task.StateStaging, e.Info.State)
	s.play(strings.Fields("update t UNKNOWN agent=a1"))
	require.Equal(t, task.StateUnknown, e.Info.State)
	require.Equal(t, s.now, e.UnknownSince)
}

// A launch that was taken for lost had an effect on another agent than the last one.
func TestRunsElsewhereThanItWasLaunchedLast(t *testing.T) {
	s, e := launched(t)
	s.play(strings.Fields("update t DROPPED uuid=01 agent=a1"))
	require.Equal(t, task.StatePending, e.Info.State)
	s.play(strings.Fields("update t RUNNING uuid=02 agent=a2"))
	require.Equal(t, task.StateRunning, e.Info.State)
	require.Equal(t, "a2", e.Info.AgentID)
	require.Empty(t, e.Info.Hostname)
}

// Where it was launched last, its host name and ports are known.
func TestRunsWhereItWasLaunchedLast(t *testing.T) {
	s, e := launched(t)
	s.play(strings.Fields("update t DROPPED uuid=01 agent=a1"))
	s.play(strings.Fields("update t RUNNING uuid=02 agent=a1"))
	require.Equal(t, "a1.example", e.Info.Hostname)
}

// The data of a status can be large and is not kept.
func TestStatusIsKeptWithoutData(t *testing.T) {
	s, e := launched(t)
	update := updateOf("t", mesos.TASK_RUNNING, mesos.TaskStatus{Data: []byte("docker inspect"), Message: proto("up")})
	s.step(streamEvent{stream: s.machine.conn.stream, event: update})
	require.Nil(t, e.Info.Status().Data)
	require.Equal(t, "up", e.Info.Status().GetMessage())
}

// The ports are known again, too, if the launch of a task had an effect after all.
func TestPortsOfTheLastPlacement(t *testing.T) {
	placed := func() *entry {
		e := &entry{Task: &record.Task{}}
		e.assign(time.Time{}, task.Placement{AgentID: "a1", Hostname: "a1.example", HostPorts: []uint16{31000}, OfferIDs: []string{"o1"}})
		e.unassign(time.Time{})
		require.Empty(t, e.Info.AgentID)
		require.Empty(t, e.Info.HostPorts)
		require.Empty(t, e.offers)
		return e
	}
	byStatus, byPod := placed(), placed()
	byStatus.recordStatus(mesos.TaskStatus{AgentID: &mesos.AgentID{Value: "a1"}})
	byPod.reassign()
	for _, e := range []*entry{byStatus, byPod} {
		require.Equal(t, "a1", e.Info.AgentID)
		require.Equal(t, "a1.example", e.Info.Hostname)
		require.Equal(t, []uint16{31000}, e.Info.HostPorts)
	}
}

// What is kept of a placement does not keep what the matcher has allocated together with those of other tasks: they may end soon.
func TestPlacementsOfOthersAreNotKept(t *testing.T) {
	ports := []uint16{31000, 31001}
	e := &entry{Task: &record.Task{}}
	e.assign(time.Time{}, task.Placement{AgentID: "a1", HostPorts: ports[:1]})
	ports[0] = 0
	require.Equal(t, []uint16{31000}, e.Info.HostPorts)

	s, e := launched(t)
	require.NotEmpty(t, e.offers, "control: the launch may have been lost")
	s.play(strings.Fields("update t RUNNING uuid=01 agent=a1"))
	require.Nil(t, e.offers)
}
