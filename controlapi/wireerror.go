package controlapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/printable"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// This file turns errors of package scheduler into an [Error] for the wire, and back.

// mostCauses is how many errors are told of that wrap each other.
const mostCauses = 5

// asError returns an error in the form in which it is answered.
func asError(err error) *Error { return encodeError(err, mostCauses) }

func encodeError(err error, causes int) *Error {
	if own := as[*Error](err); own != nil {
		return own
	}
	text := strings.ReplaceAll(err.Error(), "\n", "; ") // of joined errors, one for each line
	e := &Error{Code: scheduler.ErrorCode(err), Message: printable.Line(text), err: err}
	e.Status = statusOf(e.Code)
	if cause := e.describe(err); cause != nil && causes > 0 {
		e.Cause = encodeError(cause, causes-1)
	}
	return e
}

// describe sets what the error's type has, and returns the error that it wraps. Of several types in an error the one counts
// that [scheduler.ErrorCode] goes by.
func (e *Error) describe(err error) (cause error) {
	if of := as[*scheduler.LogError](err); of != nil {
		e.Type, e.Log = "LogError", of
		return of.Err
	}
	switch e.Code {
	case scheduler.CodeTimeout, scheduler.CodeCanceled:
		if of := as[*scheduler.WaitError](err); of != nil {
			explanation := of.Explanation
			explanation.Task = redacted(explanation.Task)
			e.Type, e.Explanation = "WaitError", &explanation
		}
	case scheduler.CodeNotRunning:
		return runError(err)
	case scheduler.CodeNoCapacity, scheduler.CodeTaskEnded:
		return e.describeEnd(err)
	case scheduler.CodeSpecDiffers:
		e.Type, e.Diff = "SpecDiffError", as[*scheduler.SpecDiffError](err)
	case scheduler.CodeTaskActive:
		e.Type, e.Active = "ForgetError", as[*scheduler.ForgetError](err)
	case scheduler.CodeInvalid:
		e.describeInvalid(err)
	default:
		return e.describeRun(err)
	}
	return nil
}

// describeEnd is describe for the end of a task.
func (e *Error) describeEnd(err error) (cause error) {
	if of := as[*scheduler.CapacityError](err); of != nil {
		e.Type, e.Capacity = "CapacityError", &Capacity{Rejection: of.Rejection, Cycles: of.Cycles, Waited: of.Waited.Seconds()}
	}
	of := as[*scheduler.TaskError](err)
	if of == nil {
		return nil
	}
	info := redacted(of.Task)
	e.Type, e.Task = "TaskError", &info
	if e.Capacity != nil {
		return nil
	}
	return of.Err
}

// describeInvalid is describe for what is wrong with a spec or a config.
func (e *Error) describeInvalid(err error) {
	e.Type = "FieldError"
	for _, f := range fieldErrors(err) {
		e.Fields = append(e.Fields, InvalidField{Field: f.Field, Value: cut(fmt.Sprint(f.Value)), Reason: f.Reason})
	}
	if of := as[*scheduler.ConfigError](err); of != nil && len(e.Fields) == 0 {
		e.Type, e.Fields = "ConfigError", []InvalidField{{Field: of.Field, Value: cut(fmt.Sprint(of.Value)), Reason: of.Reason}}
	}
	e.Field, e.Value, e.Reason = e.Fields[0].Field, e.Fields[0].Value, e.Fields[0].Reason
}

// describeRun is describe for what Run returns, and for what may be about anything.
func (e *Error) describeRun(err error) (cause error) {
	switch e.Code {
	case scheduler.CodeNotLeading:
		if of := as[*scheduler.FencedError](err); of != nil {
			e.Type = "FencedError"
			return of.Err
		}
	case scheduler.CodeFrameworkRemoved:
		of := as[*scheduler.FrameworkRemovedError](err)
		e.Type, e.Details = "FrameworkRemovedError", map[string]string{"frameworkID": of.FrameworkID, "tornDown": strconv.FormatBool(of.TornDown)}
	case scheduler.CodeRefused:
		e.describeRefusal(err)
	case scheduler.CodeRecord:
		if of := as[*scheduler.RecordError](err); of != nil {
			e.Type, e.Details = "RecordError", map[string]string{"key": of.Key}
			return of.Err
		}
		of := as[*scheduler.FingerprintError](err)
		e.Type, e.Details = "FingerprintError", map[string]string{"field": of.Field, "stored": of.Stored, "config": of.Config}
	case scheduler.CodePanic:
		of := as[*scheduler.PanicError](err) // its stack is in the log
		e.Type, e.Details = "PanicError", map[string]string{"who": of.Who, "value": cut(fmt.Sprint(of.Value))}
	}
	return nil
}

// describeRefusal is describe for what a master has refused.
func (e *Error) describeRefusal(err error) {
	if of := as[*scheduler.SubscribeError](err); of != nil {
		e.Type, e.Refused = "SubscribeError", &Refused{Master: of.Master, Status: of.Status, Message: of.Message}
	} else if of := as[*scheduler.CallError](err); of != nil {
		e.Type, e.Refused = "CallError", &Refused{Master: of.Master, Call: of.Call, Status: of.Status, Message: of.Message}
	} else if of := as[*scheduler.FrameworkIDError](err); of != nil {
		e.Type, e.Details = "FrameworkIDError", map[string]string{"master": of.Master, "frameworkID": of.FrameworkID, "subscribed": of.Subscribed}
	}
}

// as returns the first error of a type that err is or wraps, and otherwise nil.
func as[E error](err error) (e E) {
	errors.As(err, &e)
	return e
}

// runError returns why a run has ended, of an error that wraps it together with [scheduler.ErrNotRunning]. It may be nil.
func runError(err error) error {
	for _, wrapped := range unwrap(err) {
		if !errors.Is(wrapped, scheduler.ErrNotRunning) {
			return wrapped
		}
		if cause := runError(wrapped); cause != nil {
			return cause
		}
	}
	return nil
}

// fieldErrors returns all violations that are joined in an error.
func fieldErrors(err error) (all []*task.FieldError) {
	if of, is := any(err).(*task.FieldError); is { // the whole tree is looked at
		return []*task.FieldError{of}
	}
	for _, wrapped := range unwrap(err) {
		all = append(all, fieldErrors(wrapped)...)
	}
	return all
}

// unwrap returns the errors that an error wraps itself.
func unwrap(err error) []error {
	switch e := any(err).(type) { // one step down the tree
	case interface{ Unwrap() []error }:
		return e.Unwrap()
	case interface{ Unwrap() error }:
		if wrapped := e.Unwrap(); wrapped != nil {
			return []error{wrapped}
		}
	}
	return nil
}

// decodeError returns the error that an answer tells of.
func decodeError(status int, body []byte) *Error {
	var answer errorBody
	if err := json.Unmarshal(body, &answer); err != nil || answer.Error == nil || answer.Error.Code == scheduler.CodeOK {
		return &Error{Code: scheduler.CodeInternal, Status: status, Message: fmt.Sprintf("controlapi: an answer that is not of this API: status %d: %s", status, cut(string(body)))}
	}
	e := answer.Error
	e.Status = status
	e.decode(mostCauses)
	return e
}

// decode sets err, and those of the causes.
func (e *Error) decode(causes int) {
	var cause error
	if e.Cause != nil && causes > 0 {
		e.Cause.Status = statusOf(e.Cause.Code)
		e.Cause.decode(causes - 1)
		if cause = e.Cause.err; cause == nil {
			cause = e.Cause
		}
	}
	switch {
	case e.Task != nil && e.Type == "TaskError", e.Capacity != nil:
		e.err = e.endOfTask(cause)
	case e.Explanation != nil:
		e.err = &scheduler.WaitError{Err: endOfContext(e.Code), Explanation: *e.Explanation}
	case e.Diff != nil:
		e.err = e.Diff
	case e.Active != nil:
		e.err = e.Active
	case e.Log != nil:
		e.Log.Err, e.err = cause, e.Log
	case e.Refused != nil && e.Type == "SubscribeError":
		e.err = &scheduler.SubscribeError{Master: e.Refused.Master, Status: e.Refused.Status, Message: e.Refused.Message}
	case e.Refused != nil:
		e.err = &scheduler.CallError{Master: e.Refused.Master, Call: e.Refused.Call, Status: e.Refused.Status, Message: e.Refused.Message}
	case len(e.Fields) > 0:
		e.err = e.invalidFields()
	default:
		e.err = e.endOfRun(cause)
	}
}

func (e *Error) endOfTask(cause error) error {
	if e.Capacity != nil {
		waited := time.Duration(e.Capacity.Waited * float64(time.Second))
		cause = &scheduler.CapacityError{Rejection: e.Capacity.Rejection, Cycles: e.Capacity.Cycles, Waited: waited}
	}
	if e.Task == nil {
		return cause
	}
	return &scheduler.TaskError{Task: *e.Task, Err: cause}
}

func (e *Error) invalidFields() error {
	all := make([]error, len(e.Fields))
	for i, f := range e.Fields {
		all[i] = &task.FieldError{Field: f.Field, Value: f.Value, Reason: f.Reason}
		if e.Type == "ConfigError" {
			all[i] = &scheduler.ConfigError{Field: f.Field, Value: f.Value, Reason: f.Reason}
		}
	}
	if len(all) == 1 {
		return all[0]
	}
	return errors.Join(all...)
}

// endOfRun returns what Run has returned, or an error without fields.
func (e *Error) endOfRun(cause error) error {
	d := e.Details
	switch e.Type {
	case "FencedError":
		return &scheduler.FencedError{Err: orUnknown(cause)}
	case "FrameworkRemovedError":
		return &scheduler.FrameworkRemovedError{FrameworkID: d["frameworkID"], TornDown: d["tornDown"] == "true"}
	case "FrameworkIDError":
		return &scheduler.FrameworkIDError{Master: d["master"], FrameworkID: d["frameworkID"], Subscribed: d["subscribed"]}
	case "RecordError":
		return &scheduler.RecordError{Key: d["key"], Err: orUnknown(cause)}
	case "FingerprintError":
		return &scheduler.FingerprintError{Field: d["field"], Stored: d["stored"], Config: d["config"]}
	case "PanicError":
		return &scheduler.PanicError{Who: d["who"], Value: d["value"]}
	}
	return e.sentinel(cause)
}

// sentinel returns the error of package scheduler that has a code but no fields, nil if there is none.
func (e *Error) sentinel(cause error) error {
	switch e.Code {
	case scheduler.CodeUnknownTask:
		return scheduler.ErrUnknownTask
	case scheduler.CodeDuplicateTask:
		return scheduler.ErrDuplicateTask
	case scheduler.CodeNotSubscribed:
		return scheduler.ErrNotSubscribed
	case scheduler.CodeNotRunning:
		if cause != nil {
			return fmt.Errorf("%w: %w", scheduler.ErrNotRunning, cause)
		}
		return scheduler.ErrNotRunning
	case scheduler.CodeNotLeading:
		return scheduler.ErrEvicted
	case scheduler.CodeAlreadyRunning:
		return scheduler.ErrRunning
	case scheduler.CodeReentrant:
		return scheduler.ErrReentrant
	case scheduler.CodeTimeout, scheduler.CodeCanceled:
		return endOfContext(e.Code)
	}
	return nil
}

// endOfContext returns the error of a context for the code of its end.
func endOfContext(code scheduler.Code) error {
	if code == scheduler.CodeCanceled {
		return context.Canceled
	}
	return context.DeadlineExceeded
}

func orUnknown(err error) error {
	if err == nil {
		return errors.New("unknown")
	}
	return err
}
