package controlapi

import (
	"cmp"
	"net/http"
	"strconv"

	"github.com/mesos-actor/mesos-actor-go/internal/printable"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// The codes of errors that only this package has, beside those of [scheduler.ErrorCode], each with its HTTP status.
const (
	CodeUnauthorized      scheduler.Code = "unauthorized"       // 401: no token, or one that is not valid
	CodeForbidden         scheduler.Code = "forbidden"          // 403: a request that a page of another site makes, or from another machine
	CodeNoRoute           scheduler.Code = "no_route"           // 404: there is nothing at this path
	CodeMethod            scheduler.Code = "method_not_allowed" // 405: not with this method, see the header Allow
	CodeOtherFramework    scheduler.Code = "other_framework"    // 409: Teardown of another framework than this one
	CodeTooLarge          scheduler.Code = "too_large"          // 413: a body of more than 1 MiB
	CodeMediaType         scheduler.Code = "media_type"         // 415: the body is not application/json
	CodeKeyReused         scheduler.Code = "key_reused"         // 422: the Idempotency-Key was used for another body
	CodeBusy              scheduler.Code = "busy"               // 503: too many requests at once, see the header Retry-After
	CodeLeaderUnreachable scheduler.Code = "leader_unreachable" // 503: no member leads, or the one that does cannot be reached
)

// Error is why a request failed. Answers with a status of 400 or more have the body {"error": Error}.
//
// The methods of [Client] return it. It wraps the error that the scheduler has returned to the server: errors.Is, errors.As
// and [scheduler.ErrorCode] say the same as beside the scheduler. Of an error of any other type only the text is left.
type Error struct {
	Code scheduler.Code `json:"code"`
	// Status is the HTTP status of the answer.
	Status  int    `json:"-"`
	Message string `json:"message"`
	// Type is the type of the error in package scheduler or task, such as "TaskError". Empty: it has none of its own.
	Type string `json:"type,omitzero"`
	// Field, Value and Reason are those of the first invalid field. Fields has all of them.
	Field  string         `json:"field,omitzero"`
	Value  string         `json:"value,omitzero"` // cut at 256 bytes
	Reason string         `json:"reason,omitzero"`
	Fields []InvalidField `json:"fields,omitempty"`
	// Task is the task concerned: of a [*scheduler.TaskError] how it ended, of a [*scheduler.SpecDiffError] the one on record.
	Task *task.Info `json:"task,omitempty"`
	// Explanation is that of a [*scheduler.WaitError]: why the task had not come further when the time was over.
	Explanation *scheduler.Explanation `json:"explanation,omitempty"`
	// Capacity is set for a [*scheduler.CapacityError], Diff for a [*scheduler.SpecDiffError], Active for a
	// [*scheduler.ForgetError], Log for a [*scheduler.LogError] and Refused for a [*scheduler.CallError] or
	// [*scheduler.SubscribeError].
	Capacity *Capacity                `json:"capacity,omitempty"`
	Diff     *scheduler.SpecDiffError `json:"diff,omitempty"`
	Active   *scheduler.ForgetError   `json:"active,omitempty"`
	Log      *scheduler.LogError      `json:"log,omitempty"`
	Refused  *Refused                 `json:"refused,omitempty"`
	// Details are the fields of any other Type, such as "frameworkID" of a [*scheduler.FrameworkRemovedError].
	Details map[string]string `json:"details,omitempty"`
	// Fault says whose mistake it is, and Retryable that the same request may succeed later, where a [Route] says so.
	Fault     string `json:"fault,omitzero"`
	Retryable bool   `json:"retryable,omitzero"`
	// Cause is the error that this one wraps. Nil: it wraps none that is worth telling.
	Cause *Error `json:"cause,omitempty"`

	err error // of the framework, that it stands for; nil: none
}

// Error returns the message as one line.
func (e *Error) Error() string { return printable.Line(cmp.Or(e.Message, string(e.Code))) }

// Unwrap returns the error of the framework, nil if it is one of the API.
func (e *Error) Unwrap() error { return e.err }

// InvalidField is a part of a request that is not valid.
type InvalidField struct {
	Field  string `json:"field"` // such as "Mem", "Ports[1].Protocol", or the name of a header or a parameter
	Value  string `json:"value"` // cut at 256 bytes
	Reason string `json:"reason"`
}

// Capacity has the fields of a [scheduler.CapacityError].
type Capacity struct {
	Rejection task.Rejection `json:"rejection"`
	Cycles    int            `json:"cycles"`
	Waited    float64        `json:"waited"` // seconds
}

// Refused has the fields of a [scheduler.CallError] or, without Call, of a [scheduler.SubscribeError].
type Refused struct {
	Master  string `json:"master,omitzero"`
	Call    string `json:"call,omitzero"`
	Status  int    `json:"status"`
	Message string `json:"message"`
}

// errorBody is the body of an answer that is an error.
type errorBody struct {
	Error *Error `json:"error"`
}

// invalid returns an error about a part of a request, by its name in the API.
func invalid(field, value, reason string) error {
	e := asError(&task.FieldError{Field: field, Value: value, Reason: reason})
	e.Message = cut(field) + ": " + reason
	if value != "" {
		e.Message = cut(field) + ": " + strconv.Quote(cut(value)) + ": " + reason
	}
	return e
}

// fail returns an error of the API's own.
func fail(code scheduler.Code, format string, args ...any) error {
	return &Error{Code: code, Status: statusOf(code), Message: printable.Linef(format, args...)}
}

// cut returns the first 256 bytes of a text as one line.
func cut(s string) string {
	const longest = 256
	if len(s) > longest {
		s = s[:longest] + "…"
	}
	return printable.Line(s)
}

// statusCanceled is the status for a client that has gone. Nobody reads the answer.
const statusCanceled = 499

// statusOf returns the HTTP status for a code.
func statusOf(code scheduler.Code) int {
	switch code {
	case scheduler.CodeOK:
		return http.StatusOK
	case scheduler.CodeInvalid:
		return http.StatusBadRequest
	case CodeUnauthorized:
		return http.StatusUnauthorized
	case CodeForbidden:
		return http.StatusForbidden
	case scheduler.CodeUnknownTask, CodeNoRoute:
		return http.StatusNotFound
	case CodeMethod:
		return http.StatusMethodNotAllowed
	case scheduler.CodeDuplicateTask, scheduler.CodeSpecDiffers, scheduler.CodeTaskActive, scheduler.CodeNotStarted,
		scheduler.CodeAlreadyRunning, CodeOtherFramework:
		return http.StatusConflict
	case scheduler.CodeOutputGone:
		return http.StatusGone
	case CodeTooLarge:
		return http.StatusRequestEntityTooLarge
	case CodeMediaType:
		return http.StatusUnsupportedMediaType
	case scheduler.CodeTaskEnded, CodeKeyReused:
		return http.StatusUnprocessableEntity
	case scheduler.CodeCanceled:
		return statusCanceled
	case scheduler.CodeRefused:
		return http.StatusBadGateway
	case scheduler.CodeNoCapacity, scheduler.CodeNotSubscribed, scheduler.CodeNotRunning, scheduler.CodeNotLeading, scheduler.CodeFrameworkRemoved,
		scheduler.CodeAgentAway, CodeBusy, CodeLeaderUnreachable:
		return http.StatusServiceUnavailable
	case scheduler.CodeTimeout:
		return http.StatusGatewayTimeout
	}
	return http.StatusInternalServerError
}
