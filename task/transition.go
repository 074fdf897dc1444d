package task

import (
	"fmt"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/printable"
)

// Transition is one step in the history of a task, see History of package scheduler: a change of its state or health.
type Transition struct {
	At    time.Time `json:"at"`
	State State     `json:"state"` // after the change
	// AgentID and Hostname are where the task was then. Empty: on no agent, or it is unknown.
	AgentID  string `json:"agentID,omitzero"`
	Hostname string `json:"hostname,omitzero"`
	// Message is why the task changed: Mesos' reason and message, or the scheduler's own reason for having ended the task or
	// made it pending again. A change of health begins with "healthy" or "unhealthy". Up to 256 bytes. Empty: no reason is
	// known.
	Message string `json:"message,omitzero"`
}

// String returns one line for logs: time, state, host and message.
func (t Transition) String() string {
	s := fmt.Sprintf("%s %v", t.At.Format(time.RFC3339Nano), t.State)
	if t.Hostname != "" {
		s += " on " + t.Hostname
	}
	if t.Message != "" {
		s += ": " + t.Message
	}
	return printable.Line(s)
}
