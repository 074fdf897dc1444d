package task

import (
	"fmt"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// State is where a task stands in its life: Pending, then a state of Mesos.
type State int

// The states. All but Pending are those of Mesos' TaskState.
const (
	Pending        State = iota // waits for an offer
	Staging                     // launched, not confirmed yet
	Starting                    // the executor has it
	Running                     // runs
	Killing                     // is being killed
	Finished                    // ended well
	Failed                      // ended badly
	Killed                      // was killed
	Error                       // its description was refused
	Lost                        // lost, for frameworks that are not partition aware
	Dropped                     // the launch did not reach the agent
	Unreachable                 // its agent is out of reach; it may come back
	Gone                        // its agent no longer has it
	GoneByOperator              // its agent was given up by an operator
	Unknown                     // the master does not know it
)

// stateRow is what is known of one state.
type stateRow struct {
	name     string
	mesos    mesos.TaskState
	terminal bool
}

// stateTable has one row for each state, in the order of the constants. Terminal is what Mesos'
// own isTerminalState says. Its proto adds that a lost task, and one gone by operator, may show
// up again if the assumption behind the state was wrong; for the user the task is over all the same.
func stateTable() [Unknown + 1]stateRow {
	return [...]stateRow{
		Pending:        {"pending", -1, false}, // Mesos has not heard of it
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

// FromMesos translates a state of Mesos. A state that this package has never heard of, from a
// newer Mesos, becomes Unknown: it is not proof that the task is over.
func FromMesos(s mesos.TaskState) State {
	for state, row := range stateTable() {
		if row.mesos == s && State(state) != Pending {
			return State(state)
		}
	}
	return Unknown
}

// Mesos translates the state back. False for Pending, which Mesos does not have.
func (s State) Mesos() (mesos.TaskState, bool) {
	if s <= Pending || s > Unknown {
		return 0, false
	}
	return stateTable()[s].mesos, true
}

// String gives the lower-case name, such as "running".
func (s State) String() string {
	if s < Pending || s > Unknown {
		return fmt.Sprintf("State(%d)", int(s))
	}
	return stateTable()[s].name
}

// ParseState is the reverse of [State.String]. It fails for what is no name of a state.
func ParseState(name string) (State, error) {
	for state, row := range stateTable() {
		if row.name == name {
			return State(state), nil
		}
	}
	return Unknown, fmt.Errorf("task: no state is named %q", name)
}

// Terminal tells whether the task is over: no further state is expected, and its resources are
// free again.
//
// Unreachable is not terminal: a task comes back with its agent. Unknown is not terminal either:
// it is also the answer to a reconciliation which does not name the agent of a task that is
// merely out of reach. Whoever gives up on such a task decides so by a policy of its own.
func (s State) Terminal() bool {
	return s > Pending && s <= Unknown && stateTable()[s].terminal
}
