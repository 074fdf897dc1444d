package scheduler

import (
	"context"
	"errors"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// Code is the kind of an error, for programs that pass errors on, such as an HTTP API. The texts will not change.
type Code string

// The codes, each with the HTTP status that suits it.
const (
	CodeOK               Code = ""                  // 200: no error
	CodeInvalid          Code = "invalid"           // 400: a [*task.FieldError] or a [*ConfigError]
	CodeUnknownTask      Code = "unknown_task"      // 404: [ErrUnknownTask]
	CodeDuplicateTask    Code = "duplicate_task"    // 409: [ErrDuplicateTask]
	CodeSpecDiffers      Code = "spec_differs"      // 409: a [*SpecDiffError]
	CodeTaskActive       Code = "task_active"       // 409: a [*ForgetError]
	CodeTaskEnded        Code = "task_ended"        // 422: a [*TaskError]
	CodeNoCapacity       Code = "no_capacity"       // 503: a [*CapacityError], also in a TaskError
	CodeRefused          Code = "refused"           // 502: a [*CallError], a [*SubscribeError], a [*FrameworkIDError] or a [*LogError]
	CodeNotSubscribed    Code = "not_subscribed"    // 503: [ErrNotSubscribed]
	CodeNotRunning       Code = "not_running"       // 503: [ErrNotRunning], whatever ended Run
	CodeAlreadyRunning   Code = "already_running"   // 409: [ErrRunning]
	CodeReentrant        Code = "reentrant"         // 500: [ErrReentrant]
	CodeNotLeading       Code = "not_leading"       // 503: a [*FencedError] or [ErrEvicted]
	CodeFrameworkRemoved Code = "framework_removed" // 503: a [*FrameworkRemovedError]
	CodeRecord           Code = "record"            // 500: a [*RecordError] or a [*FingerprintError]
	CodePanic            Code = "panic"             // 500: a [*PanicError]
	CodeNotStarted       Code = "not_started"       // 409: a [*LogError]: the task has not been launched, or never ran
	CodeAgentAway        Code = "agent_away"        // 503: a [*LogError]: the agent cannot be reached
	CodeOutputGone       Code = "output_gone"       // 410: a [*LogError]: the agent, or the record, does not have the output any more
	CodeTimeout          Code = "timeout"           // 504: a context's deadline has passed, also in a [*WaitError]
	CodeCanceled         Code = "canceled"          // 499: a context was cancelled, likewise
	CodeInternal         Code = "internal"          // 500: any other error
)

// ErrorCode returns the code of an error that this package or package task has returned, or of one that wraps such an
// error. If several are wrapped, the outermost counts, except that a [*TaskError] with a [*CapacityError] has the code
// of the latter.
func ErrorCode(err error) Code {
	switch {
	case err == nil:
		return CodeOK
	case isA[*WaitError](err):
		return contextCode(err)
	case isA[*LogError](err): // may wrap whatever happened to a connection
		return logCode(err)
	case errors.Is(err, ErrNotRunning): // wraps what ended Run
		return CodeNotRunning
	case isA[*CapacityError](err):
		return CodeNoCapacity
	case isA[*TaskError](err): // wraps what ended the task
		return CodeTaskEnded
	case isA[*SpecDiffError](err): // is an ErrDuplicateTask, too
		return CodeSpecDiffers
	case errors.Is(err, ErrDuplicateTask):
		return CodeDuplicateTask
	case errors.Is(err, ErrUnknownTask):
		return CodeUnknownTask
	case isA[*ForgetError](err):
		return CodeTaskActive
	case isA[*task.FieldError](err), isA[*ConfigError](err):
		return CodeInvalid
	case errors.Is(err, ErrNotSubscribed):
		return CodeNotSubscribed
	}
	return runCode(err)
}

// runCode returns the code of an error that Run returns, or that may be about anything.
func runCode(err error) Code {
	switch {
	case isA[*FencedError](err), errors.Is(err, ErrEvicted): // the former may wrap the end of a context
		return CodeNotLeading
	case isA[*FrameworkRemovedError](err):
		return CodeFrameworkRemoved
	case isA[*SubscribeError](err), isA[*CallError](err), isA[*FrameworkIDError](err):
		return CodeRefused
	case errors.Is(err, ErrRunning):
		return CodeAlreadyRunning
	case errors.Is(err, ErrReentrant):
		return CodeReentrant
	case isA[*RecordError](err), isA[*FingerprintError](err):
		return CodeRecord
	case isA[*PanicError](err):
		return CodePanic
	}
	return contextCode(err)
}

// logCode returns the code of a LogError.
func logCode(err error) Code {
	var e *LogError
	errors.As(err, &e)
	return e.Code
}

func contextCode(err error) Code {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return CodeTimeout
	case errors.Is(err, context.Canceled):
		return CodeCanceled
	}
	return CodeInternal
}

// isA reports whether an error, or one that it wraps, is of type E.
func isA[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}
