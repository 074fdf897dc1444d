package mesoshttp

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// window is how many bytes are written at most before the answers are read. With more than the buffers of both
// sides hold, each side could wait for the other to read.
const window = 32 << 10

// Pipeline makes calls on a connection of its own, and sends each without waiting for the answer to the one before:
// masters handle pipelined calls, and answer them, in order. This saves most of the cost of a call, which is the
// round trip with its system calls and goroutine switches.
//
// It is for calls that do no harm when they arrive twice, such as ACKNOWLEDGE: calls that a broken connection leaves
// without an answer are sent again on the next. A Pipeline belongs to one goroutine; it starts none. Use
// Client.Pipeline, and Close when done.
type Pipeline struct {
	client *Client
	line   *line // nil: no connection
}

// Pipeline returns a Pipeline without a connection.
func (c *Client) Pipeline() *Pipeline { return &Pipeline{client: c} }

// Close closes the connection, if there is one. The Pipeline stays usable.
func (p *Pipeline) Close() {
	if p.line != nil {
		p.line.idle.Stop()
		_ = p.line.conn.Close()
		p.line = nil
	}
}

// pipelined is one of the calls of Pipeline.Call.
type pipelined struct {
	call *scheduler.Call
	body []byte
	err  error
}

// Call makes calls as Client.Call does, all but SUBSCRIBE, and returns the error of each, as Client.Call would. The
// error of a call that was certainly not sent wraps ErrNotSent.
//
// The first call on a connection waits for its answer: a simple proxy that closes the connection after it would leave
// all later calls without an answer.
func (p *Pipeline) Call(ctx context.Context, master, streamID string, calls []*scheduler.Call) []error {
	all, ready := make([]pipelined, len(calls)), make([]*pipelined, 0, len(calls))
	for i, call := range calls {
		c := &all[i]
		c.call = call
		if call.Type == scheduler.Call_SUBSCRIBE {
			c.err = errSubscribe
		} else if c.body, c.err = p.client.body(call, nil); c.err == nil {
			ready = append(ready, c)
		}
	}
	p.make(ctx, master, streamID, ready)
	errs := make([]error, len(calls))
	for i := range all {
		errs[i] = all[i].err
	}
	return errs
}

// make makes the calls, and if there is a new token makes those that were refused for theirs once more.
func (p *Pipeline) make(ctx context.Context, master, streamID string, calls []*pipelined) {
	req, err := p.client.post(ctx, master, nil)
	if err != nil {
		for _, c := range calls {
			c.err = notSent(err)
		}
		return
	}
	req.Header.Set(streamIDHeader, streamID)
	token, err := p.client.authorize(req, "")
	if err != nil {
		fail(calls, req, err)
		return
	}
	p.run(ctx, req, calls)
	if p.client.tokens == nil {
		return
	}
	var refused []*pipelined
	for _, c := range calls {
		if errors.Is(c.err, ErrUnauthorized) {
			refused = append(refused, c)
		}
	}
	if len(refused) == 0 {
		return
	}
	if fresh, err := p.client.authorize(req, token); err != nil {
		fail(refused, req, err)
	} else if fresh != token {
		p.run(ctx, req, refused)
	}
}

func fail(calls []*pipelined, req *http.Request, err error) {
	for _, c := range calls {
		c.err = fmt.Errorf("mesoshttp: %s to %s: %w", c.call.Type, req.URL.Host, err)
	}
}

func notSent(err error) error { return fmt.Errorf("%w (%w)", err, ErrNotSent) }

// run makes each call on the open connection or, when that ends, on a new one. On each connection at least one call
// is completed.
func (p *Pipeline) run(ctx context.Context, req *http.Request, calls []*pipelined) {
	if p.line != nil && !p.line.usable(req.URL) {
		p.Close()
	}
	for len(calls) > 0 {
		if p.line == nil {
			line, err := p.client.dial(ctx, req.URL)
			if err != nil {
				fail(calls, req, notSent(err))
				return
			}
			p.line = line
		}
		line := p.line
		written, answered, err := line.exchange(ctx, req, calls)
		if err != nil {
			p.Close()
		}
		written, calls = written-answered, calls[answered:]
		switch {
		case err != nil && ctx.Err() != nil:
			cause := context.Cause(ctx)
			fail(calls[:written], req, cause)
			fail(calls[written:], req, notSent(cause))
			return
		case err != nil && !line.answered:
			fail(calls[:written], req, err)
			calls = calls[written:]
		}
	}
	if p.line != nil {
		p.line.idle.Reset(idle)
	}
}

// line is a connection with one master.
type line struct {
	scheme, host string
	conn         net.Conn
	raw          net.Conn // below TLS
	limit        *io.LimitedReader
	reader       *bufio.Reader // of limit, which is of conn
	buffer       bytes.Buffer  // requests
	answered     bool          // at least once
	// The last answer, if it has accepted a call and has no body; otherwise empty. Of a batch most answers have the same bytes, since
	// their Date has whole seconds, and those mean the same: they need not be parsed.
	accepted []byte
	idle     *time.Timer // closes the connection; runs while no call does
}

// dial connects to the master of a URL.
func (c *Client) dial(ctx context.Context, u *url.URL) (*line, error) {
	port := u.Port()
	switch {
	case u.Hostname() == "":
		return nil, fmt.Errorf("no host in %q", u)
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("scheme %q of a master is neither http nor https", u.Scheme)
	case port == "" && u.Scheme == "http":
		port = "80"
	case port == "":
		port = "443"
	}
	l := &line{scheme: u.Scheme, host: u.Host}
	if err := l.open(ctx, c.connector, net.JoinHostPort(u.Hostname(), port)); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, err
	}
	l.limit = &io.LimitedReader{R: l.conn}
	l.reader = bufio.NewReaderSize(l.limit, 8<<10) // a batch of answers without a body
	l.idle = time.AfterFunc(idle, func() { _ = l.conn.Close() })
	l.idle.Stop()
	return l, nil
}

func (l *line) open(ctx context.Context, n *connector, address string) (err error) {
	if l.raw, err = n.dial(ctx, "tcp", address); err != nil {
		return err
	}
	l.conn = l.raw
	if l.scheme == "https" {
		l.conn, err = n.handshake(ctx, l.raw, address)
	}
	return err
}

// usable reports whether the connection can be used for calls to a URL, and stops its idle timer.
func (l *line) usable(u *url.URL) bool {
	// Bytes that are no answer to a call would be read as the answer to the next.
	return l.idle.Stop() && l.scheme == u.Scheme && l.host == u.Host && l.reader.Buffered() == 0
}

// exchange writes calls, from the first on, and reads the answers. It returns how many of them it has written, and
// how many of these have been answered. After an error the connection cannot be used any more.
func (l *line) exchange(ctx context.Context, req *http.Request, calls []*pipelined) (written, answered int, err error) {
	stop := context.AfterFunc(ctx, func() { _ = l.raw.Close() })
	defer func() {
		if !stop() && err == nil {
			err = context.Cause(ctx) // of the next call
		}
	}()
	written = l.prepare(req, calls)
	if _, err := l.conn.Write(l.buffer.Bytes()); err != nil {
		return written, 0, err
	}
	for ; answered < written; answered++ {
		if err := l.answer(req, calls[answered]); err != nil {
			if errors.Is(err, errLineEnds) {
				answered++
			}
			return written, answered, err
		}
	}
	return written, answered, nil
}

// errLineEnds means that no further answer will come on the connection.
var errLineEnds = errors.New("the connection ends with this answer")

// prepare fills the buffer with as many of the calls as may be written at once, at least one.
func (l *line) prepare(req *http.Request, calls []*pipelined) int {
	l.buffer.Reset()
	l.buffer.WriteString("POST " + req.URL.RequestURI() + " HTTP/1.1\r\nHost: " + req.URL.Host + "\r\n")
	_ = req.Header.Write(&l.buffer) // into memory
	head := bytes.Clone(l.buffer.Bytes())
	l.buffer.Reset()
	for i, c := range calls {
		if i > 0 && (!l.answered || l.buffer.Len()+len(head)+len(c.body)+40 > window) {
			return i
		}
		l.buffer.Write(head)
		l.buffer.WriteString("Content-Length: ")
		l.buffer.Write(strconv.AppendInt(l.buffer.AvailableBuffer(), int64(len(c.body)), 10))
		l.buffer.WriteString("\r\n\r\n")
		l.buffer.Write(c.body)
	}
	return len(calls)
}

// answer reads the answer to a call.
func (l *line) answer(req *http.Request, c *pipelined) error {
	l.limit.N = maxHead
	if _, err := l.reader.Peek(1); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return maskError(req, err)
	}
	received, _ := l.reader.Peek(l.reader.Buffered())
	if n := len(l.accepted); n > 0 && bytes.HasPrefix(received, l.accepted) {
		_, _ = l.reader.Discard(n)
		c.err = nil
		return nil
	}
	left := l.limit.N
	resp, err := l.head(req)
	if err != nil {
		return err
	}
	l.answered = true
	whole := l.limit.N == left // nothing more was read: all of it had been received
	l.limit.N = maxBody
	c.err = outcome(resp, c.call)
	// Close reads the rest of the body, up to the limit.
	if err := resp.Body.Close(); err != nil || resp.Close || resp.StatusCode == http.StatusSwitchingProtocols {
		return errLineEnds
	}
	if l.accepted = l.accepted[:0]; whole && resp.StatusCode == http.StatusAccepted && resp.Body == http.NoBody {
		l.accepted = append(l.accepted, received[:len(received)-l.reader.Buffered()]...)
	}
	return nil
}

// head reads the head of an answer. Those before the final one, such as 102, are skipped.
func (l *line) head(req *http.Request) (*http.Response, error) {
	for {
		resp, err := http.ReadResponse(l.reader, req)
		switch {
		case err != nil && l.limit.N <= 0:
			return nil, fmt.Errorf("the head of the answer is longer than %d bytes", maxHead)
		case err != nil:
			return nil, maskError(req, err)
		case resp.StatusCode >= http.StatusOK, resp.StatusCode == http.StatusSwitchingProtocols:
			return resp, nil
		}
	}
}
