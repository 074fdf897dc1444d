package agenthttp

import (
	"errors"
	"fmt"
	"net/http"
)

// ErrNoFile is returned for a file that is not there. Agents say the same of files whose sandbox was removed, and of tasks that
// they never had.
var ErrNoFile = errors.New("no such file")

// errNoAnswer is why an agent is away that takes too long.
var errNoAnswer = fmt.Errorf("no whole answer within %v", answerLimit)

// AwayError is returned when an agent cannot be reached, breaks the connection, takes too long, or has not recovered yet. A
// later call may succeed.
type AwayError struct{ Err error }

// Error returns the reason.
func (e *AwayError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *AwayError) Unwrap() error { return e.Err }

// RefusedError is returned for any other answer that has no part of the file.
type RefusedError struct {
	Status     int    // of HTTP; 200: the answer itself is wrong
	Text       string // of the agent, at most 4 KiB, or what is wrong
	Authorized bool   // the credentials were sent
}

// Error returns status and text.
func (e *RefusedError) Error() string {
	s := fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))
	if e.Status == http.StatusOK {
		s = "an answer of no use"
	}
	if e.Text != "" {
		s += ": " + e.Text
	}
	return s
}
