package task_test

import (
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

func TestState(t *testing.T) {
	for _, c := range []struct {
		state    task.State
		name     string
		mesos    mesos.TaskState
		terminal bool
	}{
		{task.Staging, "staging", mesos.TASK_STAGING, false},
		{task.Starting, "starting", mesos.TASK_STARTING, false},
		{task.Running, "running", mesos.TASK_RUNNING, false},
		{task.Killing, "killing", mesos.TASK_KILLING, false},
		{task.Finished, "finished", mesos.TASK_FINISHED, true},
		{task.Failed, "failed", mesos.TASK_FAILED, true},
		{task.Killed, "killed", mesos.TASK_KILLED, true},
		{task.Error, "error", mesos.TASK_ERROR, true},
		{task.Lost, "lost", mesos.TASK_LOST, true},
		{task.Dropped, "dropped", mesos.TASK_DROPPED, true},
		{task.Unreachable, "unreachable", mesos.TASK_UNREACHABLE, false},
		{task.Gone, "gone", mesos.TASK_GONE, true},
		{task.GoneByOperator, "gone by operator", mesos.TASK_GONE_BY_OPERATOR, true},
		{task.Unknown, "unknown", mesos.TASK_UNKNOWN, false},
	} {
		require.Equal(t, c.name, c.state.String())
		require.Equal(t, c.terminal, c.state.Terminal(), c.name)
		require.Equal(t, c.state, task.FromMesos(c.mesos), c.name)
		back, ok := c.state.Mesos()
		require.True(t, ok, c.name)
		require.Equal(t, c.mesos, back, c.name)
	}
}

// Every state of mesos-go has a State of its own.
func TestStateCoversMesos(t *testing.T) {
	seen := map[task.State]string{}
	for number, name := range mesos.TaskState_name {
		state := task.FromMesos(mesos.TaskState(number))
		require.NotContains(t, seen, state, name)
		seen[state] = name
	}
	require.Len(t, seen, int(task.Unknown))
}

func TestStateOutsideMesos(t *testing.T) {
	require.Equal(t, "pending", task.Pending.String())
	require.False(t, task.Pending.Terminal())
	_, ok := task.Pending.Mesos()
	require.False(t, ok, "Mesos does not have Pending")

	require.Equal(t, task.Unknown, task.FromMesos(99), "a state of a newer version of Mesos")
	require.Equal(t, task.Unknown, task.FromMesos(-1), "not a state of Mesos")
	for _, s := range []task.State{-1, task.Unknown + 1} {
		require.Contains(t, s.String(), "State(")
		require.False(t, s.Terminal())
		_, ok := s.Mesos()
		require.False(t, ok)
	}
}

func TestParseState(t *testing.T) {
	for s := task.Pending; s <= task.Unknown; s++ {
		parsed, err := task.ParseState(s.String())
		require.NoError(t, err)
		require.Equal(t, s, parsed)
	}
	for _, name := range []string{"", "Running", "TASK_RUNNING", "State(99)"} {
		_, err := task.ParseState(name)
		require.ErrorContains(t, err, name)
	}
}
