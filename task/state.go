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

// stateRow holds the properties of one state.
type stateRow struct {
	name     string
	mesos    mesos.TaskState
	terminal bool
}

// stateTable returns one row for each state, in the order of the constants. Terminal agrees with
// isTerminalState in Mesos. According to mesos.proto a lost task, or one gone by operator, may reappear
// if the assumption behind the state was wrong; for the user the task has ended nevertheless.
func stateTable() [Unknown + 1]stateRow {
	return [...]stateRow{
		Pending:        {"pending", -1, false}, // not a state of Mesos
		Staging:        {"staging", mesos.TASK_STAGING, false},
		Starting:       {"starting", mesos.TASK_STARTING, false},
		Running:        {"running", mesos.TASK_RUNNING, false},
		Killing:        {"killing", mesos.TASK_KILLING, false},
		Finished:       {"finished", mesos.TASK_FINISHED, true},
		Failed:         {"failed", mesos.TASK_FAILED, true},
		Killed:         {"killed", mesos.TASK_KILLED, true},
		Error:          {"error", mesos.TASK_ERROR, true},
		Lost:           {"lost", mesos.TASK_LOST, true},
		Dropped:        {"dropped", mesos.TASK_DROPPED, true},
		Unreachable:    {"unreachable", mesos.TASK_UNREACHABLE, false},
		Gone:           {"gone", mesos.TASK_GONE, true},
		GoneByOperator: {"gone by operator", mesos.TASK_GONE_BY_OPERATOR, true},
		Unknown:        {"unknown", mesos.TASK_UNKNOWN, false},
	}
}

// FromMesos converts a state of Mesos. A state that this package does not know, from a newer version of Mesos,
// becomes Unknown, since it does not prove that the task has ended.
func FromMesos(s mesos.TaskState) State {
	for state, row := range stateTable() {
		if row.mesos == s && State(state) != Pending {
			return State(state)
		}
	}
	return Unknown
}

// Mesos returns the state as Mesos' TaskState. It returns false for Pending, which Mesos does not have.
func (s State) Mesos() (mesos.TaskState, bool) {
	if s <= Pending || s > Unknown {
		return 0, false
	}
	return stateTable()[s].mesos, true
}

// String returns the lower-case name, such as "running".
func (s State) String() string {
	if s < Pending || s > Unknown {
		return fmt.Sprintf("State(%d)", int(s))
	}
	return stateTable()[s].name
}

// ParseState returns the state with the given name, as returned by [State.String], or an error.
func ParseState(name string) (State, error) {
	for state, row := range stateTable() {
		if row.name == name {
			return State(state), nil
		}
	}
	return Unknown, fmt.Errorf("task: no state is named %q", name)
}

// Terminal reports whether the task has ended: no further state is expected, and its resources are free again.
//
// Unreachable is not terminal, since the task may come back with its agent. Unknown is not terminal either: Mesos
// also answers with it when a reconciliation does not name the agent of an unreachable task. When to give up on
// such tasks is a policy of the caller.
func (s State) Terminal() bool {
	return s > Pending && s <= Unknown && stateTable()[s].terminal
}
