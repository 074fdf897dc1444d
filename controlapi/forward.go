package controlapi

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

const (
	// forwardedHeader has the ID of the member that passes a request on. A request that has it is not passed on again: two
	// members that take each other for the leader do not send it back and forth.
	forwardedHeader = "Forwarded-By-Member"
	// membersHeader of an answer has the addresses of all members, from which clients learn of them.
	membersHeader = "Framework-Members"
	keyHeader     = "Idempotency-Key"
	timeoutHeader = "Request-Timeout"

	// The pauses while nobody leads. A change of the leader ends them early, but not the beginning of its run.
	minPause = 20 * time.Millisecond
	maxPause = 500 * time.Millisecond
	// leaderPatience is for how long the leader is waited for beyond the deadline that it was given: it answers then why a task
	// has not come further.
	leaderPatience = time.Second
	// addressPatience is how long a leader may be without an address, which may become known later than its ID.
	addressPatience = 3 * time.Second
	// watchAfter is after which time it is looked whether the leader that was asked still leads.
	watchAfter = 200 * time.Millisecond
	// maxHeld is how many bytes of an answer are held back until all of it is there: if the leader dies meanwhile, the request
	// is repeated. Longer answers break off with the leader.
	maxHeld = 1 << 20
)

// forwarder passes requests on to the member that leads.
type forwarder struct {
	elector Elector
	peers   *peers
}

func newForwarder(c *Config) *forwarder {
	if c.Elector == nil {
		return nil
	}
	return &forwarder{elector: c.Elector, peers: newPeers(c)}
}

// atLeader answers a call where the framework runs: here if this member leads, and otherwise by passing the request on. When
// there is no leader, or it ends before it has answered, the next one is waited for until the time of the call is over. An output
// that was answered in part goes on with the next leader.
func (s *Server) atLeader(at *route, c *call) {
	if at.kind.goesOn() && c.r.Header.Get(timeoutHeader) == "" {
		c.ctx = c.r.Context() // it may be long, and be followed
	}
	c.nameRequest()
	if s.leader == nil {
		_ = s.answerHere(at, c)
		return
	}
	s.leader.announce(c.w)
	since := time.Now()
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		status, sent := s.leader.elector.Status(), c.sent()
		why := s.attempt(at, c, status)
		if why == nil {
			return
		}
		if c.sent() > sent {
			since, pause = time.Now(), minPause
		}
		s.leader.awaitChange(c.ctx, status, pause)
		switch {
		case errors.Is(context.Cause(c.r.Context()), errStops):
			c.refuse(errStops)
			return
		case c.ctx.Err() != nil, at.kind.goesOn() && time.Since(since) > defaultTimeout:
			c.refuse(fail(CodeLeaderUnreachable, "no leader has answered in time: %v", why))
			return
		}
	}
}

// sent returns how many bytes of an output were sent.
func (c *call) sent() int64 {
	if c.out == nil {
		return 0
	}
	return c.out.sent
}

// attempt has a call answered once. It returns why that is to be repeated, and nil if the call was answered.
func (s *Server) attempt(at *route, c *call, status ha.Status) error {
	if status.Leads() || status.Leader == "" && s.isOver(c.ctx) {
		return s.answerHere(at, c)
	}
	if err := c.passedOn(); err != nil {
		c.refuse(err)
		return nil
	}
	return s.leader.answer(at, c, status)
}

// passedOn returns why a member that does not lead does not pass a request on: another member has done so already.
func (c *call) passedOn() error {
	by, status := c.r.Header.Get(forwardedHeader), c.config.Elector.Status()
	if by == "" {
		return nil
	}
	return fail(scheduler.CodeNotLeading, "%s was asked by %s and does not lead, but %s", status.Self, cut(by), cmp.Or(status.Leader, "nobody"))
}

// isOver reports whether this member has found out that the framework was torn down or removed. Nobody will lead again.
func (s *Server) isOver(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Millisecond) // it waits if this member has never led
	defer cancel()
	_, err := s.config.Framework.Status(ctx)
	return ranToItsEnd(err) || as[*scheduler.FrameworkRemovedError](err) != nil
}

// answerHere handles a call in this process.
func (s *Server) answerHere(at *route, c *call) error {
	body, err := at.handle(c)
	if s.leader != nil && c.r.Header.Get(forwardedHeader) == "" && endedWithTerm(err) && !ranToItsEnd(err) {
		c.unsure = true
		return err
	}
	c.finish(at, body, err)
	return nil
}

// finish answers a call with what its handler has returned.
func (c *call) finish(at *route, body any, err error) {
	switch {
	case body == answered{}:
	case err == nil:
		c.answer(at.status, body)
	case errors.Is(context.Cause(c.r.Context()), errStops):
		c.refuse(errStops)
	default:
		c.settle(at, asError(err))
	}
}

// endedWithTerm reports whether an error says that a process does not run the framework any more, while another one may.
func endedWithTerm(err error) bool {
	code := scheduler.ErrorCode(err)
	ended := code == scheduler.CodeNotRunning || code == scheduler.CodeNotLeading
	return ended && as[*scheduler.FrameworkRemovedError](err) == nil
}

// settle answers a call with an error, unless that says that an earlier attempt, whose answer was lost, has done what was
// asked for.
func (c *call) settle(at *route, e *Error) {
	if c.unsure && at.method == http.MethodDelete && e.Code == scheduler.CodeUnknownTask {
		c.answer(at.status, nil)
		return
	}
	c.refuse(e)
}

// nameRequest gives the submission of a task a name, if its client has not, so that it can be repeated.
func (c *call) nameRequest() {
	if c.r.Method == http.MethodPost && c.r.Header.Get(keyHeader) == "" {
		c.r.Header.Set(keyHeader, rand.Text())
	}
}

// announce tells a client of all members.
func (f *forwarder) announce(w http.ResponseWriter) {
	var all []string
	size := 0
	for _, m := range f.elector.Status().Members {
		_, err := f.peers.url(m.API)
		if err == nil && !strings.Contains(m.API, ",") && len(all) < maxMembers && size+len(m.API) < maxHeader/2 {
			all, size = append(all, m.API), size+len(m.API)
		}
	}
	w.Header().Set(membersHeader, strings.Join(all, ","))
}

// awaitChange waits until another member leads, a pause is over, or ctx ends.
func (f *forwarder) awaitChange(ctx context.Context, from ha.Status, pause time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, pause)
	defer cancel()
	for now := range f.elector.Watch(ctx) {
		if now.Leader != from.Leader || now.Term != from.Term {
			return
		}
	}
	<-ctx.Done() // the sequence may have ended by itself
}

// answer has the leader answer a call.
func (f *forwarder) answer(at *route, c *call, status ha.Status) error {
	base, err := f.leaderURL(status)
	if err != nil {
		if status.Leader != "" && time.Since(status.Since) > addressPatience {
			c.refuse(err)
			return nil
		}
		return err
	}
	ctx, cancel := f.whileLeading(c.r.Context(), c.ctx, status)
	defer cancel()
	response, err := f.ask(ctx, c, base)
	if err != nil {
		c.unsure = c.unsure || !isDial(err)
		return fmt.Errorf("the leader, %s, cannot be reached at %s: %w", status.Leader, base, err)
	}
	defer response.Body.Close()
	if at.kind == output && response.StatusCode == http.StatusOK {
		return c.passOutput(response.Body)
	}
	if at.kind == passed && response.StatusCode == http.StatusOK {
		c.passOn(response)
		return nil
	}
	return c.passBack(at, response)
}

// leaderURL returns where the leader serves requests.
func (f *forwarder) leaderURL(status ha.Status) (string, error) {
	if status.Leader == "" {
		return "", fail(CodeLeaderUnreachable, "nobody leads: %s", cmp.Or(status.Reason, "no leader is known yet"))
	}
	i := slices.IndexFunc(status.Members, func(m ha.Member) bool { return m.ID == status.Leader })
	if i < 0 || status.Members[i].API == "" {
		return "", fail(CodeLeaderUnreachable, "the leader, %s, has no API address: its elector was configured without one", status.Leader)
	}
	base, err := f.peers.url(status.Members[i].API)
	if err != nil {
		return "", fail(CodeLeaderUnreachable, "the leader, %s, has the API address %q, which %v", status.Leader, cut(status.Members[i].API), err)
	}
	return base, nil
}

// whileLeading returns a context for asking the leader. It ends when the client has gone, some time after the deadline of the
// call, and when another member leads.
func (f *forwarder) whileLeading(client, call context.Context, asked ha.Status) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(client)
	if deadline, has := call.Deadline(); has {
		late := time.AfterFunc(time.Until(deadline)+leaderPatience, cancel)
		context.AfterFunc(ctx, func() { late.Stop() })
	}
	done := make(chan struct{})
	watch := time.AfterFunc(watchAfter, func() {
		defer close(done)
		for now := range f.elector.Watch(ctx) {
			if now.Leader != "" && (now.Leader != asked.Leader || now.Term != asked.Term) {
				cancel()
				return
			}
		}
	})
	return ctx, sync.OnceFunc(func() {
		cancel()
		if !watch.Stop() {
			<-done
		}
	})
}

// ask sends a request to another member.
func (f *forwarder) ask(ctx context.Context, c *call, base string) (*http.Response, error) {
	uri := c.r.URL.RequestURI()
	if c.out != nil {
		uri = c.out.resume(c.r.URL)
	}
	r, err := f.request(ctx, c.r.Method, base+uri, bytes.NewReader(c.body), c.r)
	if err != nil {
		return nil, err
	}
	if deadline, has := c.ctx.Deadline(); has {
		r.Header.Set(timeoutHeader, seconds(max(time.Millisecond, time.Until(deadline))))
	}
	return f.peers.transport.RoundTrip(r)
}

// request returns a request to another member, with the headers that the leader needs of the one that it is made for.
func (f *forwarder) request(ctx context.Context, method, url string, body io.Reader, from *http.Request) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"Authorization", "Content-Type", "Traceparent", "Tracestate", keyHeader} {
		if value := from.Header.Get(name); value != "" {
			r.Header.Set(name, value)
		}
	}
	r.Header.Set(forwardedHeader, f.elector.Status().Self)
	return r, nil
}

// passBack gives the answer of the leader to the client.
func (c *call) passBack(at *route, response *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(response.Body, maxHeld))
	if err != nil {
		c.unsure = true
		return fmt.Errorf("the answer of the leader broke off: %w", err)
	}
	if response.StatusCode >= http.StatusBadRequest {
		e := decodeError(response.StatusCode, body)
		if endedWithTerm(e) {
			c.unsure = c.unsure || e.Code == scheduler.CodeNotRunning
			return e
		}
		if c.unsure && e.Code == scheduler.CodeUnknownTask {
			c.settle(at, e)
			return nil
		}
	}
	header := c.w.Header()
	for _, name := range []string{"Content-Type", "Retry-After", "Www-Authenticate"} {
		if value := response.Header.Get(name); value != "" {
			header.Set(name, value)
		}
	}
	if response.ContentLength >= 0 {
		header.Set("Content-Length", strconv.FormatInt(response.ContentLength, 10))
	}
	c.w.WriteHeader(response.StatusCode)
	if err := c.copyBody(body, response.Body); err != nil {
		panic(http.ErrAbortHandler) // so that the client sees that the answer is not complete
	}
	return nil
}

// copyBody writes the beginning of an answer, and what follows if it has not all been read.
func (c *call) copyBody(begin []byte, rest io.Reader) error {
	for {
		giveTime(c.w)
		if _, err := c.w.Write(begin); err != nil || len(begin) < maxHeld {
			return err
		}
		var err error
		if begin, err = io.ReadAll(io.LimitReader(rest, maxHeld)); err != nil {
			return err
		}
	}
}

// overview returns the leader's overview, or why it has not answered. It does not wait for a leader: what this member knows of
// the election is worth more than a complete answer.
func (f *forwarder) overview(ctx context.Context, from *http.Request) (o Overview, err error) {
	err = f.askOnce(ctx, "/v1/status", from, &o)
	return o, err
}

// ready returns nil if the leader is ready.
func (f *forwarder) ready(ctx context.Context, from *http.Request) error {
	var health Health
	return f.askOnce(ctx, "/readyz", from, &health)
}

// askOnce gets something from the leader, with the credentials of a request.
func (f *forwarder) askOnce(ctx context.Context, path string, from *http.Request, v any) error {
	const patience = 2 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	status := f.elector.Status()
	base, err := f.leaderURL(status)
	if err != nil {
		return err
	}
	r, err := f.request(ctx, http.MethodGet, base+path, nil, from)
	if err != nil {
		return err
	}
	response, err := f.peers.transport.RoundTrip(r)
	if err != nil {
		return fail(CodeLeaderUnreachable, "the leader, %s, cannot be reached at %s: %v", status.Leader, base, err)
	}
	defer response.Body.Close()
	return readAnswer(response, v)
}

// seconds returns a duration as Request-Timeout has it.
func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 9, 64) }
