package controlapi

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/mesos-actor/mesos-actor-go/internal/printable"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// The codes of errors that only this package has, beside those of [scheduler.ErrorCode], each with its HTTP status.
const (
	CodeUnauthorized   scheduler.Code = "unauthorized"       // 401: no token, or one that is not valid
	CodeForbidden      scheduler.Code = "forbidden"          // 403: a request that a page of another site makes, or from another machine
	CodeNoRoute        scheduler.Code = "no_route"           // 404: there is nothing at this path
	CodeMethod         scheduler.Code = "method_not_allowed" // 405: not with this method, see the header Allow
	CodeOtherFramework scheduler.Code = "other_framework"    // 409: Teardown of another framework than this one
	CodeTooLarge       scheduler.Code = "too_large"          // 413: a body of more than 1 MiB
	CodeMediaType      scheduler.Code = "media_type"         // 415: the body is not application/json
	CodeKeyReused      scheduler.Code = "key_reused"         // 422: the Idempotency-Key was used for another body
	CodeBusy           scheduler.Code = "busy"               // 503: too many requests at once, see the header Retry-After
)

// Error is why a request failed. Answers with a status of 400 or more have the body {"error": Error}.
type Error struct {
	Code    scheduler.Code `json:"code"`
	Message string         `json:"message"`
	// Field, Value and Reason are those of the first invalid field. Fields has all of them.
	Field  string         `json:"field,omitzero"`
	Value  string         `json:"value,omitzero"` // cut at 256 bytes
	Fields []InvalidField `json:"fields,omitempty"`
	// Task is the task concerned: of a [*scheduler.TaskError] how it ended, of a [*scheduler.SpecDiffError] the one on record.
	Task *task.Info `json:"task,omitempty"`
	// Explanation is that of a [*scheduler.WaitError]: why the task had not come further when the time was over.
	Explanation *scheduler.Explanation `json:"explanation,omitempty"`
	// Capacity is set for a [*scheduler.CapacityError], Diff for a [*scheduler.SpecDiffError], Active for a
	// [*scheduler.ForgetError] and Refused for a [*scheduler.CallError].
	Capacity *Capacity                `json:"capacity,omitempty"`
	Diff     *scheduler.SpecDiffError `json:"diff,omitempty"`
	Active   *scheduler.ForgetError   `json:"active,omitempty"`
	Refused  *Refused                 `json:"refused,omitempty"`
}

// Error returns the message.
func (e *Error) Error() string { return printable.Line(e.Message) }

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

// Refused has the fields of a [scheduler.CallError].
type Refused struct {
	Master  string `json:"master,omitzero"`
	Call    string `json:"call"`
	Status  int    `json:"status"`
	Message string `json:"message"`
}

// errorBody is the body of an answer that is an error.
type errorBody struct {
	Error *Error `json:"error"`
}

// invalid returns an error about a part of a request.
func invalid(field, value, reason string) error {
	return &task.FieldError{Field: field, Value: value, Reason: reason}
}

// fail returns an error of the API's own.
func fail(code scheduler.Code, format string, args ...any) error {
	return &Error{Code: code, Message: printable.Linef(format, args...)}
}

// asError returns an error of the framework in the form in which it is answered.
func asError(err error) *Error {
	if own := (*Error)(nil); errors.As(err, &own) {
		return own
	}
	e := &Error{Code: scheduler.ErrorCode(err), Message: printable.Line(err.Error())}
	for _, f := range fieldErrors(err) {
		e.Fields = append(e.Fields, InvalidField{Field: f.Field, Value: cut(fmt.Sprint(f.Value)), Reason: f.Reason})
	}
	if len(e.Fields) > 0 {
		e.Field, e.Value = e.Fields[0].Field, e.Fields[0].Value
	}
	if of := (*scheduler.TaskError)(nil); errors.As(err, &of) {
		about := redacted(of.Task)
		e.Task = &about
	}
	if of := (*scheduler.WaitError)(nil); errors.As(err, &of) {
		why := of.Explanation
		why.Task = redacted(why.Task)
		e.Explanation = &why
	}
	if of := (*scheduler.CapacityError)(nil); errors.As(err, &of) {
		e.Capacity = &Capacity{Rejection: of.Rejection, Cycles: of.Cycles, Waited: of.Waited.Seconds()}
	}
	if of := (*scheduler.CallError)(nil); errors.As(err, &of) {
		e.Refused = &Refused{Master: of.Master, Call: of.Call, Status: of.Status, Message: of.Message}
	}
	_ = errors.As(err, &e.Diff)
	_ = errors.As(err, &e.Active)
	return e
}

// fieldErrors returns all field errors that are joined in an error.
func fieldErrors(err error) (all []*task.FieldError) {
	switch e := err.(type) { //nolint:errorlint // it goes through the whole tree itself
	case *task.FieldError:
		return []*task.FieldError{e}
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			all = append(all, fieldErrors(one)...)
		}
	case interface{ Unwrap() error }:
		return fieldErrors(e.Unwrap())
	}
	return all
}

// cut returns the first 256 bytes of a text.
func cut(s string) string {
	const longest = 256
	if len(s) > longest {
		s = s[:longest] + "…"
	}
	return printable.Line(s)
}

// statusOf returns the HTTP status for a code.
func statusOf(code scheduler.Code) int {
	switch code {
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
	case scheduler.CodeDuplicateTask, scheduler.CodeSpecDiffers, scheduler.CodeTaskActive, scheduler.CodeAlreadyRunning, CodeOtherFramework:
		return http.StatusConflict
	case CodeTooLarge:
		return http.StatusRequestEntityTooLarge
	case CodeMediaType:
		return http.StatusUnsupportedMediaType
	case scheduler.CodeTaskEnded, CodeKeyReused:
		return http.StatusUnprocessableEntity
	case scheduler.CodeCanceled:
		return 499
	case scheduler.CodeRefused:
		return http.StatusBadGateway
	case scheduler.CodeNoCapacity, scheduler.CodeNotSubscribed, scheduler.CodeNotRunning, scheduler.CodeNotLeading, scheduler.CodeFrameworkRemoved, CodeBusy:
		return http.StatusServiceUnavailable
	case scheduler.CodeTimeout:
		return http.StatusGatewayTimeout
	}
	return http.StatusInternalServerError
}
