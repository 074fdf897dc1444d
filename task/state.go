package task

import (
	"fmt"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// State is the state of a task: StatePending, or a state of Mesos. In JSON it is the text that [State.String] returns.
type State int

// The states. All but StatePending are those of Mesos' TaskState.
const (
	StatePending        State = iota // waits for an offer; not launched yet
	StateStaging                     // launched; the executor has not reported yet
	StateStarting                    // the executor is starting the task
	StateRunning                     // running
	StateKilling                     // being killed
	StateFinished                    // ended successfully
	StateFailed                      // ended with a failure
	StateKilled                      // was killed
	StateError                       // the task description was refused
	StateLost                        // lost, for frameworks that are not partition aware
	StateDropped                     // the launch failed before the task started
	StateUnreachable                 // the agent is unreachable; the task may come back
	StateGone                        // the agent no longer has the task
	StateGoneByOperator              // an operator marked the agent as gone
	StateUnknown                     // the master does not know the task
)

// StateFromMesos converts a state of Mesos. A state that this package does not know, from a newer version of Mesos,
// becomes StateUnknown, since it does not prove that the task has ended.
func StateFromMesos(s mesos.TaskState) State {
	for state := StateStaging; state < StateUnknown; state++ {
		if of, _ := state.Mesos(); of == s {
			return state
		}
	}
	return StateUnknown
}

// Mesos returns the state as Mesos' TaskState. It returns false for StatePending, which Mesos does not have.
func (s State) Mesos() (mesos.TaskState, bool) {
	switch s {
	case StateStaging:
		return mesos.TASK_STAGING, true
	case StateStarting:
		return mesos.TASK_STARTING, true
	case StateRunning:
		return mesos.TASK_RUNNING, true
	case StateKilling:
		return mesos.TASK_KILLING, true
	case StateFinished:
		return mesos.TASK_FINISHED, true
	case StateFailed:
		return mesos.TASK_FAILED, true
	case StateKilled:
		return mesos.TASK_KILLED, true
	case StateError:
		return mesos.TASK_ERROR, true
	case StateLost:
		return mesos.TASK_LOST, true
	case StateDropped:
		return mesos.TASK_DROPPED, true
	case StateUnreachable:
		return mesos.TASK_UNREACHABLE, true
	case StateGone:
		return mesos.TASK_GONE, true
	case StateGoneByOperator:
		return mesos.TASK_GONE_BY_OPERATOR, true
	case StateUnknown:
		return mesos.TASK_UNKNOWN, true
	}
	return 0, false
}

// String returns the lower-case name, such as "running" or "gone_by_operator".
func (s State) String() string {
	switch s {
	case StatePending:
		return "pending"
	case StateStaging:
		return "staging"
	case StateStarting:
		return "starting"
	case StateRunning:
		return "running"
	case StateKilling:
		return "killing"
	case StateFinished:
		return "finished"
	case StateFailed:
		return "failed"
	case StateKilled:
		return "killed"
	case StateError:
		return "error"
	case StateLost:
		return "lost"
	case StateDropped:
		return "dropped"
	case StateUnreachable:
		return "unreachable"
	case StateGone:
		return "gone"
	case StateGoneByOperator:
		return "gone_by_operator"
	case StateUnknown:
		return "unknown"
	}
	return fmt.Sprintf("State(%d)", int(s))
}

// ParseState returns the state with the given name, as returned by [State.String], or an error.
func ParseState(name string) (State, error) {
	name = strings.ReplaceAll(name, " ", "_") // records of earlier versions say "gone by operator"
	for state := StatePending; state <= StateUnknown; state++ {
		if state.String() == name {
			return state, nil
		}
	}
	return StateUnknown, fmt.Errorf("task: no state is named %q", name)
}

// MarshalText returns the same as String, or an error for a value that is none of the states.
func (s State) MarshalText() ([]byte, error) {
	if s < StatePending || s > StateUnknown {
		return nil, fmt.Errorf("task: State(%d) is not a state", int(s))
	}
	return []byte(s.String()), nil
}

// UnmarshalText sets s to the state with the given name, see [ParseState].
func (s *State) UnmarshalText(name []byte) error {
	state, err := ParseState(string(name))
	if err != nil {
		return err
	}
	*s = state
	return nil
}

// Terminal reports whether the task has ended: no further state is expected, and its resources are free again. It
// agrees with isTerminalState in Mesos. According to mesos.proto a lost task, or one gone by operator, may reappear
// if the assumption behind the state was wrong; for the user the task has ended nevertheless.
//
// StateUnreachable is not terminal, since the task may come back with its agent. StateUnknown is not terminal either: Mesos
// also answers with it when a reconciliation does not name the agent of an unreachable task. When to give up on
// such tasks is a policy of the caller.
func (s State) Terminal() bool {
	switch s {
	case StateFinished, StateFailed, StateKilled, StateError, StateLost, StateDropped, StateGone, StateGoneByOperator:
		return true
	}
	return false
}
