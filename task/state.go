package task

import (
	"fmt"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// State is the state of a task: Pending, or a state of Mesos.
type State int

// The states. All but Pending are those of Mesos' TaskState.
const (
	Pending        State = iota // waits for an offer; not launched yet
	Staging                     // launched; the executor has not reported yet
	Starting                    // the executor is starting the task
	Running                     // running
	Killing                     // being killed
	Finished                    // ended successfully
	Failed                      // ended with a failure
	Killed                      // was killed
	Error                       // the task description was refused
	Lost                        // lost, for frameworks that are not partition aware
	Dropped                     // the launch failed before the task started
	Unreachable                 // the agent is unreachable; the task may come back
	Gone                        // the agent no longer has the task
	GoneByOperator              // an operator marked the agent as gone
	Unknown                     // the master does not know the task
)

// FromMesos converts a state of Mesos. A state that this package does not know, from a newer version of Mesos,
// becomes Unknown, since it does not prove that the task has ended.
func FromMesos(s mesos.TaskState) State {
	for state := Staging; state < Unknown; state++ {
		if of, _ := state.Mesos(); of == s {
			return state
		}
	}
	return Unknown
}

// Mesos returns the state as Mesos' TaskState. It returns false for Pending, which Mesos does not have.
func (s State) Mesos() (mesos.TaskState, bool) {
	switch s {
	case Staging:
		return mesos.TASK_STAGING, true
	case Starting:
		return mesos.TASK_STARTING, true
	case Running:
		return mesos.TASK_RUNNING, true
	case Killing:
		return mesos.TASK_KILLING, true
	case Finished:
		return mesos.TASK_FINISHED, true
	case Failed:
		return mesos.TASK_FAILED, true
	case Killed:
		return mesos.TASK_KILLED, true
	case Error:
		return mesos.TASK_ERROR, true
	case Lost:
		return mesos.TASK_LOST, true
	case Dropped:
		return mesos.TASK_DROPPED, true
	case Unreachable:
		return mesos.TASK_UNREACHABLE, true
	case Gone:
		return mesos.TASK_GONE, true
	case GoneByOperator:
		return mesos.TASK_GONE_BY_OPERATOR, true
	case Unknown:
		return mesos.TASK_UNKNOWN, true
	}
	return 0, false
}

// String returns the lower-case name, such as "running".
func (s State) String() string {
	switch s {
	case Pending:
		return "pending"
	case Staging:
		return "staging"
	case Starting:
		return "starting"
	case Running:
		return "running"
	case Killing:
		return "killing"
	case Finished:
		return "finished"
	case Failed:
		return "failed"
	case Killed:
		return "killed"
	case Error:
		return "error"
	case Lost:
		return "lost"
	case Dropped:
		return "dropped"
	case Unreachable:
		return "unreachable"
	case Gone:
		return "gone"
	case GoneByOperator:
		return "gone by operator"
	case Unknown:
		return "unknown"
	}
	return fmt.Sprintf("State(%d)", int(s))
}

// ParseState returns the state with the given name, as returned by [State.String], or an error.
func ParseState(name string) (State, error) {
	for state := Pending; state <= Unknown; state++ {
		if state.String() == name {
			return state, nil
		}
	}
	return Unknown, fmt.Errorf("task: no state is named %q", name)
}

// Terminal reports whether the task has ended: no further state is expected, and its resources are free again. It
// agrees with isTerminalState in Mesos. According to mesos.proto a lost task, or one gone by operator, may reappear
// if the assumption behind the state was wrong; for the user the task has ended nevertheless.
//
// Unreachable is not terminal, since the task may come back with its agent. Unknown is not terminal either: Mesos
// also answers with it when a reconciliation does not name the agent of an unreachable task. When to give up on
// such tasks is a policy of the caller.
func (s State) Terminal() bool {
	switch s {
	case Finished, Failed, Killed, Error, Lost, Dropped, Gone, GoneByOperator:
		return true
	}
	return false
}
