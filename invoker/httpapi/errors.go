package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// The codes of errors that only these routes have, each with its HTTP status.
const (
	CodeSession      scheduler.Code = "session"           // 404: the session is not open, or has ended
	CodeContainer    scheduler.Code = "container"         // 404: the container is gone, or never was
	CodeOtherSession scheduler.Code = "other_session"     // 403: the container belongs to another session, or to none
	CodeUnsupported  scheduler.Code = "unsupported"       // 501: the engine cannot do it
	CodeStartFailed  scheduler.Code = "start_failed"      // 502: no container could be started
	CodeWithdrawn    scheduler.Code = "withdrawn"         // 409: the demand was withdrawn
	CodeSessions     scheduler.Code = "too_many_sessions" // 503: as many sessions are open as may be
)

// The types of errors.
const (
	capacityType = "invoker.CapacityError"
	startType    = "invoker.StartError"
	configType   = "invoker.ConfigError"
)

// asError returns an error of package invoker as it is answered.
func asError(err error) error {
	var (
		own      *controlapi.Error
		capacity *invoker.CapacityError
		start    *invoker.StartError
		config   *invoker.ConfigError
	)
	e := &controlapi.Error{Message: strings.ReplaceAll(err.Error(), "\n", "; "), Fault: string(invoker.FaultPlatform), Retryable: true}
	switch {
	case errors.As(err, &own):
		return err
	case errors.As(err, &capacity) && (capacity.Err == nil || errors.Is(err, context.DeadlineExceeded)):
		e.Code, e.Status, e.Type, e.Retryable = scheduler.CodeNoCapacity, http.StatusServiceUnavailable, capacityType, capacity.RetryAfter > 0
		e.Details = map[string]string{
			"used": strconv.Itoa(capacity.Used), "limit": strconv.Itoa(capacity.Limit), "waiting": strconv.Itoa(capacity.Waiting),
			"reason": capacity.Reason, "retryAfter": strconv.FormatFloat(capacity.RetryAfter.Seconds(), 'f', -1, 64),
		}
		if errors.Is(err, context.DeadlineExceeded) { // of the request: there may be room later
			e.Code, e.Status, e.Retryable = scheduler.CodeTimeout, http.StatusGatewayTimeout, true
		}
	case errors.As(err, &start):
		e.Code, e.Status, e.Type, e.Fault = CodeStartFailed, http.StatusBadGateway, startType, string(start.Fault)
		e.Retryable = start.Fault != invoker.FaultDeveloper && !errors.Is(err, invoker.ErrImage)
		e.Details = map[string]string{"image": start.Image, "reason": fmt.Sprint(start.Err), "cause": causeOf(start.Err)}
	case errors.As(err, &config):
		e.Code, e.Status, e.Type, e.Fault, e.Retryable = scheduler.CodeInvalid, http.StatusBadRequest, configType, string(invoker.FaultDeveloper), false
		e.Details = map[string]string{"field": config.Field, "value": fmt.Sprint(config.Value), "reason": config.Reason}
	case errors.Is(err, invoker.ErrNotLeading), errors.Is(err, invoker.ErrNotRunning), errors.Is(err, invoker.ErrClosed):
		e.Code, e.Status = scheduler.CodeNotLeading, http.StatusServiceUnavailable
	case errors.Is(err, invoker.ErrTooManySessions):
		e.Code, e.Status = CodeSessions, http.StatusServiceUnavailable
	case errors.Is(err, context.DeadlineExceeded):
		e.Code, e.Status = scheduler.CodeTimeout, http.StatusGatewayTimeout
	default:
		return final(err, e)
	}
	return e
}

// renamed returns an error of package invoker with the names that its fields have in the API, old and new ones in turn, and with durations
// in seconds.
func renamed(err error, names ...string) error {
	var config *invoker.ConfigError
	if !errors.As(err, &config) {
		return err
	}
	if all, joined := any(err).(interface{ Unwrap() []error }); joined {
		var each []error
		for _, e := range all.Unwrap() {
			each = append(each, renamed(e, names...))
		}
		return errors.Join(each...)
	}
	name, value := strings.NewReplacer(names...), config.Value
	if d, is := value.(time.Duration); is {
		value = json.Number(strconv.FormatFloat(d.Seconds(), 'f', -1, 64))
	}
	return &invoker.ConfigError{Field: name.Replace(config.Field), Value: value, Reason: name.Replace(config.Reason)}
}

// final returns an error that will be the same however often the request is repeated.
func final(err error, e *controlapi.Error) error {
	e.Retryable = false
	switch {
	case errors.Is(err, invoker.ErrSession):
		e.Code, e.Status = CodeSession, http.StatusNotFound
	case errors.Is(err, invoker.ErrContainer):
		e.Code, e.Status = CodeContainer, http.StatusNotFound
	case errors.Is(err, invoker.ErrOtherSession):
		e.Code, e.Status = CodeOtherSession, http.StatusForbidden
	case errors.Is(err, invoker.ErrWithdrawn):
		e.Code, e.Status = CodeWithdrawn, http.StatusConflict
	case errors.Is(err, invoker.ErrRequestReused):
		e.Code, e.Status = controlapi.CodeKeyReused, http.StatusUnprocessableEntity
	case errors.Is(err, errors.ErrUnsupported):
		e.Code, e.Status = CodeUnsupported, http.StatusNotImplemented
	default:
		return err
	}
	return e
}

// fromError returns the error of package invoker that an answer stands for.
func fromError(err error) error {
	var e *controlapi.Error
	if !errors.As(err, &e) {
		return err
	}
	d := e.Details
	switch {
	case e.Code == CodeSession:
		return fmt.Errorf("%w: %w", invoker.ErrSession, err)
	case e.Code == CodeWithdrawn:
		return fmt.Errorf("%w: %w", invoker.ErrWithdrawn, err)
	case e.Code == CodeSessions:
		return fmt.Errorf("%w: %w", invoker.ErrTooManySessions, err)
	case e.Type == capacityType && e.Code != scheduler.CodeTimeout:
		wait, _ := strconv.ParseFloat(d["retryAfter"], 64)
		return &invoker.CapacityError{
			Used: number(d["used"]), Limit: number(d["limit"]), Waiting: number(d["waiting"]), Reason: d["reason"],
			RetryAfter: duration(wait),
		}
	case e.Type == startType:
		return &invoker.StartError{Fault: invoker.Fault(e.Fault), Image: d["image"], Err: cause{d["reason"], causes()[d["cause"]]}}
	case e.Type == configType:
		return &invoker.ConfigError{Field: d["field"], Value: d["value"], Reason: d["reason"]}
	case e.Code == scheduler.CodeNotLeading, e.Code == scheduler.CodeNotRunning, e.Code == controlapi.CodeLeaderUnreachable:
		return fmt.Errorf("%w: %w", invoker.ErrNotLeading, err)
	}
	return err
}

// number returns a number of an answer. One that is none counts as 0.
func number(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

// cause is an error of another process, and the one of package invoker that it wraps, if it does.
type cause struct {
	text string
	is   error
}

func (c cause) Error() string { return c.text }
func (c cause) Unwrap() error { return c.is }

// causes are the errors of engines, by their names.
func causes() map[string]error {
	return map[string]error{
		"image": invoker.ErrImage, "start": invoker.ErrStart, "no_capacity": invoker.ErrNoCapacity, "memory": invoker.ErrMemory,
		"unavailable": invoker.ErrUnavailable,
	}
}

// causeOf returns the name of the first error of an engine that err is or wraps, or "".
func causeOf(err error) string {
	for _, name := range []string{"image", "start", "memory", "no_capacity", "unavailable"} {
		if errors.Is(err, causes()[name]) {
			return name
		}
	}
	return ""
}
