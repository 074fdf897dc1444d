package mesoshttp

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// Sentinels for errors.Is, one per status that Mesos documents for the scheduler endpoint. The errors returned are
// of type *StatusError or *RedirectError.
const (
	ErrRedirect             = statusCode(http.StatusTemporaryRedirect)    // another master leads
	ErrBadRequest           = statusCode(http.StatusBadRequest)           // malformed call, unknown framework, wrong stream ID
	ErrUnauthorized         = statusCode(http.StatusUnauthorized)         // credentials missing or wrong
	ErrForbidden            = statusCode(http.StatusForbidden)            // the framework is known but not subscribed
	ErrNotFound             = statusCode(http.StatusNotFound)             // no such path: not a Mesos master, or a very old one
	ErrMethodNotAllowed     = statusCode(http.StatusMethodNotAllowed)     // not a POST: a proxy has changed it
	ErrNotAcceptable        = statusCode(http.StatusNotAcceptable)        // the Accept header allows neither codec
	ErrUnsupportedMediaType = statusCode(http.StatusUnsupportedMediaType) // the Content-Type is neither codec's
	ErrTooManyRequests      = statusCode(http.StatusTooManyRequests)      // rate limit
	ErrInternalServerError  = statusCode(http.StatusInternalServerError)  // the master failed
	ErrUnavailable          = statusCode(http.StatusServiceUnavailable)   // no leader elected, or the leader is still recovering
)

var (
	// ErrNoStreamID is returned by Subscribe for an answer without Mesos-Stream-Id, which later calls would need.
	ErrNoStreamID = errors.New("mesoshttp: no Mesos-Stream-Id in the answer to SUBSCRIBE")
	// ErrNoAnswer is returned by Subscribe when a master has not answered within 15 s.
	ErrNoAnswer = errors.New("no answer within 15 s")
	// ErrClosed is returned by Subscribe when a server has closed the connection instead of answering.
	ErrClosed = errors.New("the server has closed the connection without an answer")
	// ErrContentType is returned by Subscribe for a stream whose Content-Type is not exactly what was asked for.
	ErrContentType = errors.New("mesoshttp: unexpected Content-Type of the event stream")

	// ErrNotSent is wrapped by the errors of Pipeline.Call for calls of which certainly nothing was written to a master.
	ErrNotSent = errors.New("not sent")

	// ErrRedirectTarget is in a RedirectError for a Location that is not the scheduler endpoint of a master.
	ErrRedirectTarget = errors.New("not a master")
	// ErrRedirectScheme is in a RedirectError from https to http, which would expose credentials, and from
	// http to https, for which the master has to be configured as https.
	ErrRedirectScheme = errors.New("http and https must not be mixed")
	// ErrRedirectLoop is in a RedirectError to a master which has itself redirected before.
	ErrRedirectLoop = errors.New("this master was asked before")
	// ErrRedirectLimit is in a RedirectError after 5 redirects in a row.
	ErrRedirectLimit = errors.New("too many redirects")
	// ErrRedirectUntrusted is in a RedirectError to a host that is none of Config.Hosts, around an *UntrustedError.
	ErrRedirectUntrusted = errors.New("it is not followed")
)

// statusCode is the part of a StatusError that errors.Is compares.
type statusCode int

// Error implements error.
func (c statusCode) Error() string {
	return fmt.Sprintf("%d %s", int(c), http.StatusText(int(c)))
}

// base returns the base URL of the master that a request is for.
func base(request *url.URL) string {
	return (&url.URL{Scheme: request.Scheme, Host: request.Host, Path: strings.TrimSuffix(request.Path, path)}).String()
}

// StatusError is an HTTP answer that means that the master has not accepted a call.
type StatusError struct {
	Master   string              // base URL of the master that has answered, which another may have redirected to
	Call     scheduler.Call_Type // the call that was refused
	Status   int                 // HTTP status code
	Body     string              // at most 4 KiB of the body; Mesos explains itself in plain text
	Location string              // the header as received; with 307 //host:port/master/api/v1/scheduler
	Leader   string              // base URL in Location; empty if it has none
	// RetryAfter is how long the answer asks to wait before the next call: 0 if it does not, and at most 15 min.
	RetryAfter time.Duration
}

// Error implements error.
func (e *StatusError) Error() string {
	s := fmt.Sprintf("mesoshttp: %s refused by %s: %s", e.Call, e.Master, statusCode(e.Status).Error())
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

// statusError reads the body up to the limit. An error of reading it is ignored, since the status matters more.
func statusError(resp *http.Response, call *scheduler.Call) error {
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	e := &StatusError{
		Master:     base(resp.Request.URL),
		Call:       call.Type,
		Status:     resp.StatusCode,
		Body:       mask(resp.Request, strings.ToValidUTF8(string(body), "\uFFFD")),
		Location:   mask(resp.Request, resp.Header.Get("Location")),
		RetryAfter: retryAfter(resp.Header, time.Now()),
	}
	e.Leader = leader(resp.Request.URL, resp.Header.Get("Location"))
	return e
}

// RedirectError is returned by Subscribe for a redirect that is not followed. It is an ErrRedirect as well. Trying
// again may succeed once a new leader is elected.
type RedirectError struct {
	Hops     []string // base URLs of the masters asked, in this order
	Location string   // the header in the answer of the last one
	Err      error    // ErrRedirectTarget, ErrRedirectScheme, ErrRedirectLoop or ErrRedirectLimit, or wraps ErrRedirectUntrusted
}

// Error implements error.
func (e *RedirectError) Error() string {
	return fmt.Sprintf("mesoshttp: redirected by %s to %q: %v", strings.Join(e.Hops, ", then "), e.Location, e.Err)
}

// Unwrap makes errors.Is work with Err and ErrRedirect.
func (e *RedirectError) Unwrap() []error { return []error{e.Err, ErrRedirect} }

// DecodeError is returned for an event that could not be decoded, or cannot be used: it lacks a part, its type is not
// known, or it is a second SUBSCRIBED. The stream goes on with the next event.
type DecodeError struct {
	Master string // base URL
	Codec  Codec
	Size   int // of the event in bytes
	Err    error
}

// Error implements error.
func (e *DecodeError) Error() string {
	return fmt.Sprintf("mesoshttp: %s event of %d bytes from %s: %v", e.Codec, e.Size, e.Master, e.Err)
}

// Unwrap returns the reason.
func (e *DecodeError) Unwrap() error { return e.Err }

// GarbledError is why a Stream ends that has sent nothing of use for too long.
type GarbledError struct {
	Frames int   // that were skipped, one after the other
	Err    error // why the last one was
}

// Error implements error.
func (e *GarbledError) Error() string {
	return fmt.Sprintf("%d frames in a row were no events; the last one: %v", e.Frames, e.Err)
}

// Unwrap returns the reason.
func (e *GarbledError) Unwrap() error { return e.Err }
