package actionclient

import (
	"bufio"
	"context"
	"errors"
	"net"
	"slices"
	"syscall"
	"time"
)

// keepIdle is how long a connection that is not in use is kept. Runtimes close such connections, gunicorn after 2 s, Node after 5 s. One
// that does while a request is under way to it loses the request, which cannot be sent again.
const keepIdle = time.Second

// errClosed is returned after Close.
var errClosed = errors.New("actionclient: the container is closed")

// connection is a connection to a container, used by one call at a time.
type connection struct {
	net.Conn
	probe  prober    // nil: whether it is still usable cannot be known, and it is not kept
	left   int64     // how many bytes may still be read
	end    time.Time // of the present call
	until  time.Time // when nothing may be sent any more; zero: there is no such time
	reader *bufio.Reader
	expiry *time.Timer // closes it while it is not in use; nil before it was kept
}

// prober tells without waiting whether a read would return at once: since the other side has closed the connection, or has sent
// something. On a connection that waits for a request both make it unusable: what was sent would be taken for an answer.
// [net.TCPConn] is asked by way of the operating system; other connections may have the method.
type prober interface{ Readable() bool }

// take returns a connection that is not in use. Reused says that it is not new. Its deadline is set.
func (c *Container) take(ctx context.Context, end time.Time) (conn *connection, reused bool, err error) {
	for {
		c.mu.Lock()
		if c.closed {
			c.mu.Unlock()
			return nil, false, errClosed
		}
		n := len(c.idle)
		if n == 0 {
			c.mu.Unlock()
			conn, err = c.connect(ctx, end)
			return conn, false, err
		}
		conn = c.idle[n-1]
		c.idle[n-1] = nil
		c.idle = c.idle[:n-1]
		c.mu.Unlock()
		conn.expiry.Stop()
		if conn.endAt(end) == nil && !conn.probe.Readable() {
			return conn, true, nil
		}
		conn.close()
		c.keepNone()
	}
}

// keepNone is for a runtime that closed a connection soon after its last use, or sent something that nobody had asked for: the next
// time it may do so when a request is already under way.
func (c *Container) keepNone() {
	c.mu.Lock()
	c.slots = 0
	c.mu.Unlock()
	c.Suspend()
}

// connect makes a connection.
func (c *Container) connect(ctx context.Context, end time.Time) (*connection, error) {
	soon := time.Now().Add(connectTimeout)
	if end.Before(soon) {
		soon = end
	}
	dialing, cancel := context.WithDeadline(ctx, soon)
	defer cancel()
	raw, err := c.client.dial(dialing, "tcp", c.address)
	if err != nil {
		return nil, err
	}
	conn := &connection{Conn: raw, probe: proberOf(raw)}
	conn.reader = bufio.NewReader(conn)
	if err := conn.endAt(end); err != nil {
		conn.close()
		return nil, err
	}
	return conn, nil
}

// put keeps a connection for the next call, or closes it.
func (c *Container) put(conn *connection) {
	c.mu.Lock()
	if c.closed || len(c.idle) >= c.slots || conn.probe == nil {
		c.mu.Unlock()
		conn.close()
		return
	}
	defer c.mu.Unlock()
	c.idle = append(c.idle, conn)
	if conn.expiry == nil {
		conn.expiry = time.AfterFunc(keepIdle, func() { c.expire(conn) })
	} else {
		conn.expiry.Reset(keepIdle)
	}
}

// expire closes a connection that nobody uses.
func (c *Container) expire(conn *connection) {
	c.mu.Lock()
	i := slices.Index(c.idle, conn)
	if i >= 0 {
		c.idle = slices.Delete(c.idle, i, i+1)
	}
	c.mu.Unlock()
	if i >= 0 {
		conn.close()
	}
}

// endAt sets the deadline of a call.
func (c *connection) endAt(end time.Time) error {
	c.end = end
	return c.SetDeadline(end)
}

func (c *connection) close() {
	if c.expiry != nil {
		c.expiry.Stop()
	}
	_ = c.Conn.Close()
}

// Read reads until as many bytes were read as may be.
func (c *connection) Read(b []byte) (int, error) {
	if c.left <= 0 {
		return 0, errTooMuch
	}
	n, err := c.Conn.Read(b[:min(int64(len(b)), c.left)])
	c.left -= int64(n)
	return n, err
}

// errTooMuch is returned to who reads more from a runtime than it may send.
var errTooMuch = errors.New("actionclient: the runtime sends too much")

// unreachable reports whether an attempt to connect failed in a way that passes: nobody listens, or there is no route.
func unreachable(err error) bool {
	for _, e := range []error{syscall.ECONNREFUSED, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.ETIMEDOUT, context.DeadlineExceeded} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
