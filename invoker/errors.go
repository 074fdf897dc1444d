package invoker

import (
	"errors"
	"fmt"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/printable"
)

// Errors of an [Invoker] and a [Dispatcher].
var (
	// ErrNotRunning is returned, wrapped together with the reason, after a run has ended and before the next one begins, and by a
	// method that waits for the first run until its context ends.
	ErrNotRunning = errors.New("invoker: not running")
	// ErrRunning is returned by [Invoker.Run] and [Invoker.Lead] while another call of either has not returned.
	ErrRunning = errors.New("invoker: already running")
	// ErrClosed is returned by methods that need a run when [Invoker.Close] has ended it, and by Run and Lead after that.
	ErrClosed = errors.New("invoker: closed")
	// ErrReleased is returned by [Lease.Run] after [Lease.Release], and when the container must not be used again.
	ErrReleased = errors.New("invoker: the lease is over")
	// ErrNotLeading is returned where only the leader can answer, and there is none.
	ErrNotLeading = errors.New("invoker: no leader is known")
	// ErrSession is returned by a [Control] for a session that is not open, or has ended.
	ErrSession = errors.New("invoker: the session is not open")

	// ErrTooManySessions is returned by a [Control] that is asked to open a session while 1,000 are open, or while all together have
	// 100,000 notices that they have not acted on. One that is not renewed ends within 11 s.
	ErrTooManySessions = errors.New("invoker: as many sessions are open as may be")

	// ErrContainer is returned by a [Factory] for a container that is gone, or never was.
	ErrContainer = errors.New("invoker: there is no such container")
	// ErrOtherSession is returned by a [Factory] for a container that belongs to another session, or to none.
	ErrOtherSession = errors.New("invoker: the container is not one of this session")
	// ErrRequestReused is returned by [Factory.Create] if the request has been used for a container that is not alike.
	ErrRequestReused = errors.New("invoker: the request was used for another container")

	// ErrWithdrawn is returned by Acquire of a [Control] for a demand that a [Report] has withdrawn, before or while it waits.
	ErrWithdrawn = errors.New("invoker: the demand was withdrawn")
)

// Fault says who has to mend what a [StartError] tells of.
type Fault string

// The faults, by OpenWhisk's names.
const (
	FaultPlatform  Fault = "whisk"     // OpenWhisk's whisk internal error
	FaultDeveloper Fault = "developer" // OpenWhisk's developer error
)

// CapacityError is returned when there is no container for a caller: too many callers wait, the container would never fit, or ctx
// ended before there was one.
type CapacityError struct {
	Used, Limit int           // MiB that containers take, and may take; Limit 0: what the platform has
	Waiting     int           // callers
	Reason      string        // what the caller waited for, or why it could not wait; for humans
	RetryAfter  time.Duration // when to try again; 0: it is of no use, or ctx has ended
	Err         error         // the cause of the end of ctx; may be nil
}

// Error says why, and how much is in use.
func (e *CapacityError) Error() string {
	limit := ""
	if e.Limit > 0 {
		limit = fmt.Sprintf(" of %d", e.Limit)
	}
	text := fmt.Sprintf("invoker: no container: %s (%d%s MiB in use, %d waiting)", e.Reason, e.Used, limit, e.Waiting)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return printable.Line(text)
}

// Unwrap returns Err.
func (e *CapacityError) Unwrap() error { return e.Err }

// StartError is returned when no container could be started for a caller: its image cannot be had, or two starts have failed, or
// those of the image keep failing and are paused.
type StartError struct {
	Fault Fault
	Image string
	Err   error // such as one that wraps ErrImage or ErrStart
}

// Error says which image, if there is one, and why.
func (e *StartError) Error() string {
	if e.Image == "" {
		return fmt.Sprintf("invoker: %v", e.Err)
	}
	return fmt.Sprintf("invoker: image %q: %v", e.Image, e.Err)
}

// Unwrap returns the reason.
func (e *StartError) Unwrap() error { return e.Err }

// LostError is returned when there is no answer to an activation, because its container was lost, the connection to it broke, or the
// caller's ctx ended.
type LostError struct {
	Container string // its ID
	Sent      bool   // a byte of the activation may have reached the container: it is not sent again
	Err       error
}

// Error says whether the activation was sent.
func (e *LostError) Error() string {
	if e.Sent {
		return fmt.Sprintf("invoker: container %s was lost while it ran the activation: %v", e.Container, e.Err)
	}
	return fmt.Sprintf("invoker: container %s was lost before the activation was sent: %v", e.Container, e.Err)
}

// Unwrap returns the reason.
func (e *LostError) Unwrap() error { return e.Err }

// startError returns what a caller is told for whom no container could be started. It is the fault of the developer if the image is
// theirs, and cannot be had, does not start, or has no runtime that answers. All else is the fault of the platform.
func startError(userImage bool, image string, err error) error {
	fault := FaultPlatform
	if userImage && (errors.Is(err, ErrImage) || errors.Is(err, ErrStart) || errors.Is(err, errNotReady)) {
		fault = FaultDeveloper
	}
	return &StartError{Fault: fault, Image: image, Err: err}
}
