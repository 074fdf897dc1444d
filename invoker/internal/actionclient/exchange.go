package actionclient

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/printable"
)

// maxHead is how many bytes the heads of an answer may have, with those of provisional answers (status 1xx).
const maxHead = 64 << 10

// exchange sends a request, in one write, and reads the answer. Sent says whether a byte of the request may have left: then the
// request is not sent again. A connection that turns out to be unusable before that is replaced.
func (c *Container) exchange(ctx context.Context, end time.Time, request []byte) (r reply, sent bool, err error) {
	for ctx.Err() == nil {
		conn, reused, err := c.take(ctx, end)
		if err != nil {
			return reply{}, false, err
		}
		r, sent, err = c.exchangeOn(ctx, conn, request)
		if err == nil || sent || !reused || errors.Is(err, ErrTooLate) {
			return r, sent, err
		}
	}
	return reply{}, false, context.Cause(ctx)
}

// exchangeOn exchanges on one connection, which it then puts back or closes.
func (c *Container) exchangeOn(ctx context.Context, conn *connection, request []byte) (r reply, sent bool, err error) {
	if err := c.inTime(conn); err != nil {
		conn.close()
		return reply{}, false, err
	}
	stop := func() bool { return true }
	if ctx.Done() != nil {
		stop = context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	}
	r, sent, keep, err := conn.roundTrip(request)
	if stop() && keep {
		c.put(conn)
	} else {
		conn.close()
	}
	return r, sent, err
}

// ErrTooLate is why a request was not sent, or not to its end: see [Client.Until].
var ErrTooLate = errors.New("actionclient: it must not be sent any more")

// inTime returns an error if nothing may be sent any more. Otherwise nothing is written later than that, also by a process that is
// stopped meanwhile.
func (c *Container) inTime(conn *connection) error {
	conn.until = time.Time{}
	if c.client.until == nil {
		return nil
	}
	if conn.until = c.client.until(); passed(conn.until) {
		return ErrTooLate
	}
	if conn.until.Before(conn.end) {
		return conn.SetWriteDeadline(conn.until)
	}
	return nil
}

// passed reports whether it is that time. The monotonic clock may stand still while the machine sleeps, the other one may be set.
func passed(end time.Time) bool {
	now := time.Now()
	return !now.Before(end) || !now.Round(0).Before(end.Round(0))
}

// roundTrip writes the request and reads the answer. Keep says whether the connection can be used again.
func (c *connection) roundTrip(request []byte) (r reply, sent, keep bool, err error) {
	n, failed := c.write(request)
	if failed != nil && n == 0 || errors.Is(failed, ErrTooLate) {
		return reply{}, n > 0, false, failed
	}
	// A runtime may answer before it has read everything, and close the connection.
	r, keep, err = c.readReply()
	if failed != nil && err != nil {
		err = failed
	}
	return r, true, keep && failed == nil, err
}

// write writes a request, and returns how much it has written. Where it can, it looks at the time before each call of the operating
// system: the timer of a deadline may come later than the news that the connection takes more, when a process that was stopped goes on.
func (c *connection) write(request []byte) (n int, err error) {
	if s, ok := c.probe.(sender); ok && !c.until.IsZero() {
		n, err = s.sendUntil(request, c.until)
	} else {
		n, err = c.Conn.Write(request)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) && !c.until.IsZero() && passed(c.until) {
		err = ErrTooLate
	}
	return n, err
}

// sender sends bytes until a time, with a look at the clock before each call of the operating system.
type sender interface {
	sendUntil(b []byte, end time.Time) (n int, err error)
}

// readReply reads the answer.
func (c *connection) readReply() (r reply, keep bool, err error) {
	c.left = maxHead
	response, err := http.ReadResponse(c.reader, nil)
	for err == nil && response.StatusCode < 200 && response.StatusCode != http.StatusSwitchingProtocols {
		response, err = http.ReadResponse(c.reader, nil)
	}
	if err != nil {
		return reply{}, false, unexpected(err)
	}
	// Chunks may be as short as a byte; reading ends with an error when their heads take more than the rest.
	c.left = maxHead + 2*MaxBody
	r = reply{status: response.StatusCode, length: response.ContentLength}
	r.body, r.cut, err = readBody(response.Body, r.length)
	keep = err == nil && !r.cut && !response.Close && c.reader.Buffered() == 0
	return r, keep, unexpected(err)
}

// unexpected makes an error of the end of a connection on which an answer was due, and one line of what is malformed, which net/http
// quotes as it came.
func unexpected(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	}
	if text := err.Error(); printable.Line(text) != text || len(text) > maxQuoted {
		return errors.New(printable.Line(text[:min(len(text), maxQuoted)]))
	}
	return err
}

// maxQuoted is how many bytes of a malformed answer are in an error, with its text.
const maxQuoted = 512

// readBody reads at most MaxBody bytes of a body whose length is declared, or -1. What was declared is not believed: a buffer grows
// with what arrives.
func readBody(r io.Reader, length int64) (body []byte, cut bool, err error) {
	limit := MaxBody + 1 // one more shows that there is more
	if length >= 0 {
		limit = int(min(length, MaxBody+1))
	}
	body = make([]byte, 0, min(limit, 16<<10))
	for len(body) < limit && err == nil {
		body = slices.Grow(body, min(limit-len(body), 512))
		var n int
		n, err = r.Read(body[len(body):min(cap(body), limit)])
		body = body[:len(body)+n]
	}
	if err == io.EOF {
		err = nil
	}
	if cut = len(body) > MaxBody; cut {
		return body[:MaxBody], true, nil
	}
	return body, false, err
}
