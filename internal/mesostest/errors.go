package mesostest

import (
	"errors"
	"fmt"
)

// errEnded is what the HTTP side gets when it asks a master whose Run is over, or that leads no longer.
var errEnded = errors.New("mesostest: the master has ended")

// errTooLong is what the HTTP side gets when a body exceeds maxBody.
var errTooLong = errors.New("mesostest: the body is too long")

// ErrRunning is returned by Run of a Master that was run before: a Master
// lives once. To restart its process, see LoseMaster.
var ErrRunning = errors.New("mesostest: the master was run before")

// ErrMachineDown is returned by AddAgent for an agent on a machine that StartMaintenance brought
// down: the master does not let it register.
var ErrMachineDown = errors.New("mesostest: the machine is down for maintenance")

// OperatorError is what a master answers when it refuses what an operator wants. All methods that
// do an operator's work return it, with status 503 when no master leads.
type OperatorError struct {
	Status  int    // of HTTP
	Message string // in Mesos' words
}

// Error returns the status and the message.
func (e *OperatorError) Error() string { return fmt.Sprintf("mesostest: %d: %s", e.Status, e.Message) }
