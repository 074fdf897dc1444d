package mesoshttp

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// Sentinels for errors.Is, one per status that Mesos prescribes for the scheduler endpoint. What is returned
// is always a *StatusError.
const (
	ErrRedirect             = statusCode(http.StatusTemporaryRedirect)    // another master leads: see StatusError.Master
	ErrBadRequest           = statusCode(http.StatusBadRequest)           // malformed call, unknown framework, wrong stream ID
	ErrUnauthorized         = statusCode(http.StatusUnauthorized)         // credentials missing or wrong
	ErrForbidden            = statusCode(http.StatusForbidden)            // the framework is known but not subscribed
	ErrNotFound             = statusCode(http.StatusNotFound)             // no such path: not a Mesos master, or a very old one
	ErrMethodNotAllowed     = statusCode(http.StatusMethodNotAllowed)     // not a POST: something between has changed it
	ErrNotAcceptable        = statusCode(http.StatusNotAcceptable)        // the Accept header allows neither codec
	ErrUnsupportedMediaType = statusCode(http.StatusUnsupportedMediaType) // the Content-Type is neither codec's
	ErrTooManyRequests      = statusCode(http.StatusTooManyRequests)      // rate limit
	ErrInternalServerError  = statusCode(http.StatusInternalServerError)  // the master failed
	ErrUnavailable          = statusCode(http.StatusServiceUnavailable)   // no leader elected, or the leader is still recovering
)

var (
	// ErrNoStreamID is returned by Subscribe for an answer without Mesos-Stream-Id: no call could follow.
	ErrNoStreamID = errors.New("mesoshttp: no Mesos-Stream-Id in the answer to SUBSCRIBE")
	// ErrContentType is returned by Subscribe for a stream whose Content-Type is not exactly what was asked for.
	ErrContentType = errors.New("mesoshttp: unexpected Content-Type of the event stream")
)

// statusCode is the part of a StatusError that errors.Is compares.
type statusCode int

// Error implements error.
func (c statusCode) Error() string {
	return fmt.Sprintf("%d %s", int(c), http.StatusText(int(c)))
}

// StatusError is an HTTP answer that means that a call was not taken.
type StatusError struct {
	Call     scheduler.Call_Type // the call that was refused
	Status   int                 // HTTP status code
	Body     string              // at most 4 KiB of the body; Mesos explains itself in plain text
	Location string              // the header of that name as it came, of 307: //host:port/master/api/v1/scheduler
	Master   string              // base URL in Location, ready for Subscribe; empty if there is none
}

// Error implements error.
func (e *StatusError) Error() string {
	s := fmt.Sprintf("mesoshttp: %s refused: %s", e.Call, statusCode(e.Status).Error())
	if e.Location != "" {
		s += ", location " + e.Location
	}
	if e.Body != "" {
		s += ": " + e.Body
	}
	return s
}

// Unwrap makes errors.Is work with the sentinels.
func (e *StatusError) Unwrap() error { return statusCode(e.Status) }

// statusError reads the body as far as it comes within the limit; an error on the way does not matter more
// than the status.
func statusError(resp *http.Response, call *scheduler.Call) error {
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	e := &StatusError{
		Call:     call.Type,
		Status:   resp.StatusCode,
		Body:     strings.ToValidUTF8(string(body), "\uFFFD"),
		Location: resp.Header.Get("Location"),
	}
	if u, err := resp.Location(); err == nil { // resolved: Mesos leaves the scheme out
		e.Master = masterURL(u)
	}
	return e
}

// masterURL is the base URL of the master whose scheduler endpoint u is, without what Mesos puts before the
// path in a redirect; a prefix made by a proxy stays. It is empty if u cannot be that.
func masterURL(u *url.URL) string {
	prefix, found := strings.CutSuffix(strings.TrimSuffix(u.Path, "/"), path)
	if !found || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: strings.TrimSuffix(prefix, "/master")}).String()
}

// DecodeError tells that one event could not be decoded; the events after it can.
type DecodeError struct {
	Codec Codec
	Size  int // of the event in bytes
	Err   error
}

// Error implements error.
func (e *DecodeError) Error() string {
	return fmt.Sprintf("mesoshttp: event of %d bytes is not %s: %v", e.Size, e.Codec, e.Err)
}

// Unwrap returns the reason.
func (e *DecodeError) Unwrap() error { return e.Err }
