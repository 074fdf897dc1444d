package controlapi

import (
	"bytes"
	"cmp"
	"context"
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// call is a request under way.
type call struct {
	*Server
	ctx   context.Context // of the request, with its deadline
	w     http.ResponseWriter
	r     *http.Request
	id    string // in the path
	query url.Values
	body  []byte
	key   string // the RequestID of the tasks that are submitted
	// unsure is set when an attempt has failed that may have had its effect.
	unsure bool
	out    *outputWriter // of an output that was begun; nil: none was
}

// begin reads what a request has to say before it is handled. Routes without a token have no body.
func (c *call) begin(k kind) (cancel context.CancelFunc, err error) {
	timeout, err := timeoutOf(c.r)
	if err != nil {
		return nil, err
	}
	if c.query, err = url.ParseQuery(c.r.URL.RawQuery); err != nil {
		return nil, invalid("query", c.r.URL.RawQuery, "is not a query string")
	}
	if k != local {
		if c.body, err = c.readBody(); err != nil {
			return nil, err
		}
	}
	_ = http.NewResponseController(c.w).SetWriteDeadline(time.Time{}) // the answer may take its time
	c.ctx, cancel = context.WithTimeout(c.r.Context(), timeout)
	return cancel, nil
}

// timeoutOf returns how long the client waits for an answer.
func timeoutOf(r *http.Request) (time.Duration, error) {
	text := r.Header.Get(timeoutHeader)
	if text == "" {
		return defaultTimeout, nil
	}
	seconds, err := strconv.ParseFloat(text, 64)
	decimal := strings.Trim(text, "0123456789.") == "" // neither 1e300 nor NaN, 0x1 or -1
	if err != nil || !decimal || seconds <= 0 || seconds > maxTimeout.Seconds() {
		return 0, invalid(timeoutHeader, text, "must be a number of seconds, more than 0 and at most 600")
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

// readBody reads the body of a request, which is JSON if there is any.
func (c *call) readBody() ([]byte, error) {
	control := http.NewResponseController(c.w)
	_ = control.SetReadDeadline(time.Now().Add(bodyTimeout)) // a test's writer has none
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxBody))
	if as[*http.MaxBytesError](err) != nil {
		return nil, fail(CodeTooLarge, "the body has more than %d bytes", maxBody)
	}
	if err != nil {
		return nil, fail(scheduler.CodeInvalid, "the body could not be read: %v", err)
	}
	_ = control.SetReadDeadline(time.Time{})
	if len(body) == 0 {
		return nil, nil
	}
	kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return nil, fail(CodeMediaType, "the body must be application/json")
	}
	return body, nil
}

// decode decodes the body, all of which must be understood.
func (c *call) decode(into any) error {
	if len(c.body) == 0 {
		return fail(scheduler.CodeInvalid, "a body is required")
	}
	if !utf8.Valid(c.body) {
		return fail(scheduler.CodeInvalid, "the body is not UTF-8")
	}
	if err := checkJSON(c.body); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(c.body))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		return nil
	}
	if wrong := as[*json.UnmarshalTypeError](err); wrong != nil {
		return wrongType(wrong)
	}
	// Package encoding/json has no type for this error. With another text the answer below would be given: as right, less exact.
	if quoted, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
		name, _ := strconv.Unquote(quoted)
		return invalid(name, "", "is not a field")
	}
	return fail(scheduler.CodeInvalid, "the body cannot be decoded: %v", err)
}

// wrongType returns the error about a value of JSON that is not of the type of its field, in words of JSON.
func wrongType(err *json.UnmarshalTypeError) error {
	kind, value, quoted := strings.Cut(err.Value, " ") // such as "array", or "number 1e3"
	reason := "must be " + nameOf(err.Type)
	names := map[string]string{"string": "a string", "object": "an object", "array": "a list", "bool": "true or false", "number": "a number"}
	switch name := names[kind]; {
	case !quoted && name != "":
		reason += ", not " + name
	case quoted && reason == "must be a number":
		reason = "is too large"
	}
	if err.Field == "" {
		return fail(scheduler.CodeInvalid, "the body %s", reason)
	}
	return invalid(err.Field, value, reason)
}

// nameOf returns what a type is for who writes JSON.
func nameOf(t reflect.Type) string {
	kind := t.Kind()
	switch whole := kind >= reflect.Int && kind <= reflect.Uint64; {
	case whole && reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return "a whole number in quotes"
	case kind >= reflect.Uint && kind <= reflect.Uint64:
		return fmt.Sprintf("a whole number between 0 and %d", uint64(math.MaxUint64)>>(64-t.Bits()))
	case whole:
		return "a whole number without a point or exponent"
	case kind == reflect.Float32, kind == reflect.Float64:
		return "a number"
	case kind == reflect.Bool:
		return "true or false"
	case kind == reflect.Slice:
		return "a list"
	case kind == reflect.Struct, kind == reflect.Map:
		return "an object"
	}
	return "a string"
}

// answer writes an answer without error.
func (c *call) answer(status int, body any) {
	if status == http.StatusNoContent {
		c.w.WriteHeader(status)
		return
	}
	encoded, ready := body.(json.RawMessage)
	if !ready {
		var err error
		if encoded, err = json.Marshal(body); err != nil {
			c.refuse(err)
			return
		}
	}
	write(c.w, status, encoded)
}

// refuse answers with an error. If an output has begun, the error is its last part.
func (c *call) refuse(err error) {
	if c.out != nil && c.out.begun {
		_ = c.out.write("error", LogFailure{asError(err)}) // a client that has gone is told nothing
		return
	}
	writeError(c.w, asError(err))
}

func writeError(w http.ResponseWriter, e *Error) {
	switch e.Code {
	case CodeBusy:
		w.Header().Set("Retry-After", retryAfter)
	case CodeUnauthorized:
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	encoded, err := json.Marshal(errorBody{e})
	if err != nil {
		encoded = []byte(`{"error":{"code":"internal","message":"the error cannot be encoded"}}`)
	}
	write(w, cmp.Or(e.Status, statusOf(e.Code)), encoded)
}

// giveTime gives a client some time to take the next part of an answer.
func giveTime(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout)) // a test's writer has none
}

// timedWriter gives a client some time to take each part of an answer.
type timedWriter struct{ to http.ResponseWriter }

func (t timedWriter) Write(part []byte) (int, error) {
	giveTime(t.to)
	return t.to.Write(part)
}

func write(w http.ResponseWriter, status int, body []byte) {
	giveTime(w)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)+1))
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // a client that has gone is told nothing
}
