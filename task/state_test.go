package task_test

import (
	"encoding/json"
	"fmt"
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
		{task.StateStaging, "staging", mesos.TASK_STAGING, false},
		{task.StateStarting, "starting", mesos.TASK_STARTING, false},
		{task.StateRunning, "running", mesos.TASK_RUNNING, false},
		{task.StateKilling, "killing", mesos.TASK_KILLING, false},
		{task.StateFinished, "finished", mesos.TASK_FINISHED, true},
		{task.StateFailed, "failed", mesos.TASK_FAILED, true},
		{task.StateKilled, "killed", mesos.TASK_KILLED, true},
		{task.StateError, "error", mesos.TASK_ERROR, true},
		{task.StateLost, "lost", mesos.TASK_LOST, true},
		{task.StateDropped, "dropped", mesos.TASK_DROPPED, true},
		{task.StateUnreachable, "unreachable", mesos.TASK_UNREACHABLE, false},
		{task.StateGone, "gone", mesos.TASK_GONE, true},
		{task.StateGoneByOperator, "gone_by_operator", mesos.TASK_GONE_BY_OPERATOR, true},
		{task.StateUnknown, "unknown", mesos.TASK_UNKNOWN, false},
	} {
		require.Equal(t, c.name, c.state.String())
		require.Equal(t, c.terminal, c.state.Terminal(), c.name)
		require.Equal(t, c.state, task.StateFromMesos(c.mesos), c.name)
		back, ok := c.state.Mesos()
		require.True(t, ok, c.name)
		require.Equal(t, c.mesos, back, c.name)
	}
}

// Every state of mesos-go has a State of its own.
func TestStateCoversMesos(t *testing.T) {
	seen := map[task.State]string{}
	for number, name := range mesos.TaskState_name {
		state := task.StateFromMesos(mesos.TaskState(number))
		require.NotContains(t, seen, state, name)
		seen[state] = name
	}
	require.Len(t, seen, int(task.StateUnknown))
}

func TestStateOutsideMesos(t *testing.T) {
	require.Equal(t, "pending", task.StatePending.String())
	require.False(t, task.StatePending.Terminal())
	_, ok := task.StatePending.Mesos()
	require.False(t, ok, "Mesos does not have Pending")

	require.Equal(t, task.StateUnknown, task.StateFromMesos(99), "a state of a newer version of Mesos")
	require.Equal(t, task.StateUnknown, task.StateFromMesos(-1), "not a state of Mesos")
	for _, s := range []task.State{-1, task.StateUnknown + 1} {
		require.Contains(t, s.String(), "State(")
		require.False(t, s.Terminal())
		_, ok := s.Mesos()
		require.False(t, ok)
	}
}

func TestParseState(t *testing.T) {
	for s := task.StatePending; s <= task.StateUnknown; s++ {
		parsed, err := task.ParseState(s.String())
		require.NoError(t, err)
		require.Equal(t, s, parsed)
	}
	for _, name := range []string{"", "Running", "TASK_RUNNING", "State(99)"} {
		_, err := task.ParseState(name)
		require.ErrorContains(t, err, name)
	}
}

// In JSON a state is text, in both directions and as a key.
func TestStateJSON(t *testing.T) {
	for state := task.StatePending; state <= task.StateUnknown; state++ {
		text, err := json.Marshal(map[task.State]task.State{state: state})
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf(`{%[1]q:%[1]q}`, state), string(text))
		var back map[task.State]task.State
		require.NoError(t, json.Unmarshal(text, &back))
		require.Equal(t, map[task.State]task.State{state: state}, back)
	}
	_, err := json.Marshal(task.State(99))
	require.ErrorContains(t, err, "State(99)")
	state := task.StateRunning
	require.ErrorContains(t, json.Unmarshal([]byte(`"sleeping"`), &state), `"sleeping"`)
	require.Equal(t, task.StateRunning, state, "a refused text changes nothing")
	require.NoError(t, json.Unmarshal([]byte(`"gone by operator"`), &state), "as records of earlier versions say")
	require.Equal(t, task.StateGoneByOperator, state)
}
