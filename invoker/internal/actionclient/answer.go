package actionclient

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Outcome says how a call ended, in OpenWhisk's terms.
type Outcome int

// The outcomes. Their numbers are OpenWhisk's.
const (
	Success          Outcome = iota // the action is initialised, or has returned a result
	ApplicationError                // the action has returned an error, or too long a result
	DeveloperError                  // the action failed, or took too long
	InternalError                   // no connection could be made, it was too late to send, or the caller gave up
)

// Answer is what came of a call.
type Answer struct {
	Outcome Outcome
	// Body is the JSON object or array that the action returned, and otherwise an object with the field "error". It is nil after
	// an /init that succeeded. It has at most MaxBody bytes.
	Body json.RawMessage
	// Truncated says that the answer was longer than MaxBody, and TimedOut that it took the time limit or longer.
	Truncated, TimedOut bool
	// Sent says that a byte of the request may have reached the runtime.
	Sent bool
	// Refused says that the runtime could not be reached: the connection was refused, or there was no route. Nothing was sent.
	Refused bool
	// Broken says that the request was sent and the connection broke, or that what came back is not HTTP. The process of the
	// container may have ended. See [Answer.OutOfMemory].
	Broken bool
	// Reusable says that the container may serve again.
	Reusable bool
	// Duration is the time of the call, with all its repetitions.
	Duration time.Duration
	// Err is why there is no complete answer: an error of the connection, or the cause of the end of the context. It is nil if the
	// runtime answered.
	Err error
}

// OutOfMemory returns the answer for a container that was found to have been killed since it took more memory than it may: what
// the client itself can only see as a connection that broke.
func (a Answer) OutOfMemory() Answer {
	a.Outcome, a.Reusable = DeveloperError, false
	a.Body = errorBody("The action took more memory than it may have, and was killed.")
	return a
}

// reply is an answer of HTTP.
type reply struct {
	status int
	body   []byte // at most MaxBody bytes
	length int64  // as declared; -1: not known
	cut    bool   // there was more than body
}

// exchanged is a request and how it went.
type exchanged struct {
	init    bool
	timeout time.Duration // the time limit of the action
	took    time.Duration
	sent    bool
	reply   reply // if err is nil
	err     error
	ended   error // why the caller's context ended; nil if it had not when the call ended
}

// answer classifies. A call that took the time limit failed, whatever came back. That a /run was never sent is nobody's fault: it can
// be sent to another container.
func (c *exchanged) answer() Answer {
	a := c.classified()
	a.Sent, a.Duration, a.Err = c.sent, c.took, c.err
	if c.err != nil && c.ended != nil {
		a.Err = c.ended
	}
	a.Reusable = a.Outcome == Success || a.Outcome == ApplicationError
	return a
}

func (c *exchanged) classified() Answer {
	unsent := c.err != nil && !c.sent
	switch {
	case errors.Is(c.err, ErrTooLate): // also after the time limit: the runtime never had the whole request
		return Answer{Outcome: InternalError, Body: errorBody("The activation could not be sent to the action in time.")}
	case c.took >= c.timeout && (c.init || !unsent):
		return Answer{Outcome: DeveloperError, TimedOut: true, Refused: unsent && unreachable(c.err), Body: errorBody(c.tookTooLong())}
	case c.err != nil && c.ended != nil:
		return Answer{Outcome: InternalError, Body: errorBody("The activation was given up before the action answered.")}
	case errors.Is(c.err, ErrParams):
		return Answer{Outcome: InternalError, Body: errorBody("The parameters of the activation are not a JSON object or array.")}
	case unsent:
		return Answer{Outcome: InternalError, Refused: unreachable(c.err), Body: errorBody("The container of the action could not be reached.")}
	case c.err != nil:
		return Answer{Outcome: DeveloperError, Broken: true, Body: errorBody(c.during("The action ended, or broke the connection, before it answered", "."))}
	case c.init:
		return c.initAnswer()
	}
	return c.runAnswer()
}

func (c *exchanged) initAnswer() Answer {
	switch {
	case c.reply.status != 200:
		return c.failure()
	case c.reply.cut:
		return Answer{Outcome: DeveloperError, Truncated: true, Body: c.tooLong()}
	}
	return Answer{Outcome: Success}
}

func (c *exchanged) runAnswer() Answer {
	switch {
	case c.reply.status != 200:
		return c.failure()
	case c.reply.cut:
		return Answer{Outcome: ApplicationError, Truncated: true, Body: c.tooLong()}
	}
	switch kind := kindOf(c.reply.body); kind {
	case plain:
		return Answer{Outcome: Success, Body: c.reply.body}
	case withError:
		return Answer{Outcome: ApplicationError, Body: c.reply.body}
	}
	return Answer{Outcome: DeveloperError, Body: excerpt("The action returned neither a JSON object nor an array: ", c.reply.body)}
}

// failure is the answer for any status but 200: the runtime's own words if it has some in the field "error".
func (c *exchanged) failure() Answer {
	a := Answer{Outcome: DeveloperError, Truncated: c.reply.cut}
	switch {
	case c.reply.cut:
		a.Body = c.tooLong()
	case kindOf(c.reply.body) == withError:
		a.Body = c.reply.body
	default:
		a.Body = excerpt(c.during(fmt.Sprintf("The action failed with status %d", c.reply.status), ": "), c.reply.body)
	}
	return a
}

func (c *exchanged) tooLong() json.RawMessage {
	length := "more"
	if c.reply.length >= 0 {
		length = fmt.Sprint(c.reply.length)
	}
	return excerpt(fmt.Sprintf("The answer of the action is too long: it has %s bytes, of at most %d. It begins: ", length, MaxBody), c.reply.body)
}

func (c *exchanged) tookTooLong() string {
	return c.during(fmt.Sprintf("The action took longer than its time limit of %d milliseconds", c.timeout.Milliseconds()), ".")
}

// during adds that it was /init.
func (c *exchanged) during(text, end string) string {
	if c.init {
		text += " while it was initialised"
	}
	return text + end
}
