package controlapi

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/printable"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

const (
	// readTime is how long a member has for an answer before another one is asked, since it may be paused or cut off. waitTime is
	// the same for requests that wait for something, for which a late answer is no sign of that.
	readTime = 10 * time.Second
	waitTime = 30 * time.Second
	// lastTime: with so little left until the deadline of the caller, a request has all of it. Otherwise it has half of the
	// rest, so that another member can be asked as well.
	lastTime = 2 * time.Second
	// answerPatience is for how long an answer is waited for beyond the time that the server was given, or between two parts.
	answerPatience = time.Second
	partPatience   = 10 * time.Second

	firstPause   = 50 * time.Millisecond
	longestPause = time.Second
)

// request is a request of the API.
type request struct {
	method string
	path   string // escaped
	query  url.Values
	body   []byte
	waits  bool // until something happens, and not only for the leader
	// time is how long a single attempt takes; 0: readTime or waitTime. If final is set a timeout is an answer.
	time  time.Duration
	final bool
	// decode reads the answer. Nil: there is nothing to be read.
	decode func(io.Reader) error
	// output reads an answer that may go on for long, instead. It has no time limit but that of the caller.
	output *clientOutput
}

// do makes a request until it is answered, at one member after the other.
func (c *Client) do(ctx context.Context, r request) error {
	if ctx.Err() != nil {
		return contextError(ctx)
	}
	a := attempts{since: time.Now(), pause: firstPause}
	for {
		base, members := c.members.pick()
		err := c.try(ctx, r, base)
		if r.output != nil && r.output.progressed() {
			a.since, a.pause = time.Now(), firstPause
		}
		if !a.again(err, r, members) {
			return a.outcome(ctx, err, r)
		}
		if a.moves && !errors.Is(ctx.Err(), context.Canceled) { // also for the next call, if there is no time for another attempt
			c.members.leave(base)
		}
		if ctx.Err() != nil {
			return a.outOfTime(ctx)
		}
		if time.Since(a.since) > c.patience {
			return &Error{
				Code: CodeLeaderUnreachable, Message: printable.Linef("controlapi: no member has answered for %v, the last one tried was %s: %v", c.patience, base, err), err: err,
			}
		}
		if !sleep(ctx, a.rest) {
			return a.outOfTime(ctx)
		}
	}
}

// attempts is what is known of a request that is repeated.
type attempts struct {
	since    time.Time     // when a leader has answered last
	failed   int           // members in a row that gave no answer
	lasting  int           // of these, for a reason that will not pass
	unsure   bool          // one attempt may have had an effect
	pause    time.Duration // after the next round of all members
	rest     time.Duration // before the next attempt
	moves    bool          // it is made at another member
	last     error
	timeouts *Error // the last answer that the time was over
}

// again takes the outcome of an attempt, and reports whether there is to be another one.
func (a *attempts) again(err error, r request, members int) bool {
	if err == nil || errors.Is(err, errEnough) {
		return false
	}
	a.last, a.rest, a.moves = err, 0, true
	if answer := as[*Error](err); answer != nil {
		switch {
		case answer.Code == scheduler.CodeTimeout && !r.final:
			a.timeouts, a.since, a.failed, a.moves = answer, time.Now(), 0, false
			a.unsure = true
			return true
		case endedWithTerm(answer):
			a.unsure = true
		case answer.Code != CodeLeaderUnreachable && answer.Code != CodeBusy:
			return false
		}
		a.unsure = a.unsure || answer.Code == CodeLeaderUnreachable
		a.backOff()
		return true
	}
	a.unsure = a.unsure || !isDial(err)
	if a.failed++; isLasting(err) {
		if a.lasting++; a.lasting >= members {
			return false
		}
	} else {
		a.lasting = 0
	}
	if a.failed%members == 0 {
		a.backOff()
	}
	return true
}

// backOff has the next attempt made after a pause, which grows.
func (a *attempts) backOff() {
	a.rest = a.pause/2 + rand.N(a.pause/2)
	a.pause = min(2*a.pause, longestPause)
}

// outcome returns what a request has come to, by its last attempt.
func (a *attempts) outcome(ctx context.Context, err error, r request) error {
	if a.unsure && r.method == http.MethodDelete && errors.Is(err, scheduler.ErrUnknownTask) {
		return nil // an earlier attempt has deleted it
	}
	if ended := as[*scheduler.WaitError](err); ended != nil && ctx.Err() != nil {
		ended.Err = contextError(ctx)
	}
	return err
}

// outOfTime returns the error of a request whose context has ended.
func (a *attempts) outOfTime(ctx context.Context) error {
	ended := contextError(ctx)
	if a.timeouts != nil {
		if of := as[*scheduler.WaitError](a.timeouts); of != nil {
			of.Err = ended
			return a.timeouts
		}
		return ended
	}
	return fmt.Errorf("controlapi: %w; the last attempt: %w", ended, a.last)
}

// isDial reports whether a request failed before it was sent.
func isDial(err error) bool {
	of := as[*net.OpError](err)
	return of != nil && of.Op == "dial"
}

// isLasting reports whether a connection would fail in the same way again: one of both does not like the other's certificate, or
// does not speak TLS.
func isLasting(err error) bool {
	of := as[*net.OpError](err)
	return of != nil && of.Op == "remote error" || as[*tls.CertificateVerificationError](err) != nil || errors.As(err, new(tls.RecordHeaderError))
}

// try makes one attempt.
func (c *Client) try(ctx context.Context, r request, base string) error {
	given := r.timeFor(ctx)
	attempt, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	silent := func() { cancel(fmt.Errorf("controlapi: no answer within %v", given.Round(time.Millisecond))) }
	silence := time.AfterFunc(given+answerPatience, silent)
	defer silence.Stop()
	end := time.AfterFunc(maxTimeout, silent)
	defer end.Stop()
	if r.output != nil {
		end.Stop()
		r.output.query(r.query)
	}
	// When the caller's time is over the server says why it is not done. A caller who has given up is not interested, nor is one
	// who reads an output.
	defer context.AfterFunc(ctx, func() {
		if r.output != nil || errors.Is(ctx.Err(), context.Canceled) {
			cancel(nil)
		}
		end.Reset(answerPatience)
	})()
	err := c.exchange(attempt, r, base, given, silence)
	if err != nil && attempt.Err() != nil && as[*Error](err) == nil {
		err = context.Cause(attempt)
	}
	return c.masked(err)
}

// exchange sends a request and reads the answer. Silence goes off when the server is silent for too long.
func (c *Client) exchange(ctx context.Context, r request, base string, given time.Duration, silence *time.Timer) error {
	request, err := c.newRequest(ctx, r, base)
	if err != nil {
		return err
	}
	if r.output == nil {
		request.Header.Set(timeoutHeader, seconds(given))
	}
	response, err := c.transport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	c.members.learn(base, response.Header.Get(membersHeader))
	body := &partReader{of: response.Body, silence: silence}
	switch {
	case response.StatusCode >= http.StatusMultipleChoices:
		return c.readError(response.StatusCode, body)
	case r.output != nil:
		silence.Stop()
		return r.output.read(response.Body)
	case r.decode != nil:
		return r.decode(body)
	}
	return nil
}

// timeFor returns how much time the server is given for one attempt.
func (r *request) timeFor(ctx context.Context) time.Duration {
	given := r.time
	if given == 0 && r.waits {
		given = waitTime
	} else if given == 0 {
		given = readTime
	}
	if deadline, has := ctx.Deadline(); has {
		left := max(time.Until(deadline), time.Millisecond)
		if left > lastTime && r.time == 0 {
			left /= 2
		}
		given = min(given, left)
	}
	return given
}

// newRequest returns the request for a member.
func (c *Client) newRequest(ctx context.Context, r request, base string) (*http.Request, error) {
	address := base + r.path
	if len(r.query) > 0 {
		address += "?" + r.query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, r.method, address, bytes.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	if len(r.body) > 0 {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	return request, nil
}

// readError returns the error that an answer tells of.
func (c *Client) readError(status int, body io.Reader) error {
	const most = 2 << 20 // a task is in it, whose spec has a megabyte at most
	text, err := io.ReadAll(io.LimitReader(body, most))
	if err != nil {
		return err
	}
	if c.hides(string(text)) {
		text = bytes.ReplaceAll(text, []byte(c.token), []byte("***"))
	}
	return decodeError(status, text)
}

// masked returns an error without the token, which a server may repeat.
func (c *Client) masked(err error) error {
	if err == nil || !c.hides(err.Error()) {
		return err
	}
	return errors.New(strings.ReplaceAll(err.Error(), c.token, "***"))
}

// hides reports whether a text has the token in it. A very short token is not looked for: it would be found in any text.
func (c *Client) hides(text string) bool {
	const shortest = 8
	return len(c.token) >= shortest && strings.Contains(text, c.token)
}

// partReader reads an answer, and gives it up when no more comes for a time.
type partReader struct {
	of      io.Reader
	silence *time.Timer
}

// Read reads the next part.
func (r *partReader) Read(p []byte) (int, error) {
	r.silence.Reset(partPatience)
	return r.of.Read(p)
}

// sleep waits, and reports whether it was not the end of ctx that ended it.
func sleep(ctx context.Context, d time.Duration) bool {
	if d == 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// contextError returns why a context has ended. A cause of its own is wrapped together with the context's error.
func contextError(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if errors.Is(cause, err) {
		return cause
	}
	return fmt.Errorf("%w: %w", err, cause)
}
