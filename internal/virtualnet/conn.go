package virtualnet

import (
	"cmp"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// Conn is one end of a connection, a net.Conn. It reads from in and writes to out, which is the in of the
// other end.
type Conn struct {
	in, out       *pipe
	local, remote Addr
}

func newPair(client, server Addr) (near, far *Conn) {
	up, down := newPipe(), newPipe()
	return &Conn{in: down, out: up, local: client, remote: server},
		&Conn{in: up, out: down, local: server, remote: client}
}

// Read reads what there is, and waits when there is nothing.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.in.read(p)
	return n, c.wrap("read", err)
}

// Write never blocks.
func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.out.write(p)
	return n, c.wrap("write", err)
}

func (c *Conn) wrap(op string, err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return &net.OpError{Op: op, Net: "tcp", Source: c.local, Addr: c.remote, Err: err}
}

// Close ends both directions: the other side reads what is buffered, then EOF,
// and its writes fail.
func (c *Conn) Close() error {
	c.in.abort(net.ErrClosed, syscall.EPIPE)
	c.out.close(io.EOF, net.ErrClosed)
	return nil
}

// CloseWrite half-closes: the other side reads EOF and may still write.
func (c *Conn) CloseWrite() error {
	c.out.close(io.EOF, net.ErrClosed)
	return nil
}

// Reset breaks the connection: what is buffered is lost, and reads and writes of the other side fail with
// ECONNRESET at once.
func (c *Conn) Reset() {
	c.in.abort(net.ErrClosed, syscall.ECONNRESET)
	c.out.abort(syscall.ECONNRESET, net.ErrClosed)
}

// LocalAddr returns the address of this end.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr returns the address of the other end.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline sets both deadlines; the zero time is none.
func (c *Conn) SetDeadline(t time.Time) error {
	c.in.setReadDeadline(t)
	c.out.setWriteDeadline(t)
	return nil
}

// SetReadDeadline also applies to a Read that waits already.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.in.setReadDeadline(t)
	return nil
}

// SetWriteDeadline makes writes fail from t on.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.out.setWriteDeadline(t)
	return nil
}

// pipe is one direction of a connection. The mutex is held for a copy at
// most; who waits, waits on changed, since waiting for a mutex would keep a
// bubble's clock from advancing.
type pipe struct {
	mu            sync.Mutex
	changed       chan struct{} // closed and replaced at every change
	buffer        []byte
	readErr       error // what reads return once the buffer is empty
	writeErr      error
	readDeadline  time.Time
	writeDeadline time.Time
}

func newPipe() *pipe { return &pipe{changed: make(chan struct{})} }

// update changes the pipe and wakes everybody who waits on it.
func (p *pipe) update(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	close(p.changed)
	p.changed = make(chan struct{})
}

// close sets the errors of both ends, unless they are set. What was written can still be read.
func (p *pipe) close(readErr, writeErr error) {
	p.update(func() { p.readErr, p.writeErr = cmp.Or(p.readErr, readErr), cmp.Or(p.writeErr, writeErr) })
}

// abort sets the errors of both ends and drops what was written and not yet read.
func (p *pipe) abort(readErr, writeErr error) {
	p.update(func() { p.buffer, p.readErr, p.writeErr = nil, readErr, cmp.Or(p.writeErr, writeErr) })
}

func (p *pipe) setReadDeadline(t time.Time)  { p.update(func() { p.readDeadline = t }) }
func (p *pipe) setWriteDeadline(t time.Time) { p.update(func() { p.writeDeadline = t }) }

func (p *pipe) read(b []byte) (int, error) {
	for {
		n, wait, err := p.tryRead(b)
		if wait == nil {
			return n, err
		}
		if wait.deadline.IsZero() {
			<-wait.changed
			continue
		}
		timer := time.NewTimer(time.Until(wait.deadline))
		select {
		case <-wait.changed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

type pipeWait struct {
	changed  chan struct{}
	deadline time.Time
}

// tryRead reads what there is; otherwise it returns what to wait for.
func (p *pipe) tryRead(b []byte) (int, *pipeWait, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case !p.readDeadline.IsZero() && !time.Now().Before(p.readDeadline):
		return 0, nil, os.ErrDeadlineExceeded
	case len(p.buffer) > 0:
		n := copy(b, p.buffer)
		p.buffer = p.buffer[n:]
		return n, nil, nil
	case p.readErr != nil:
		return 0, nil, p.readErr
	case len(b) == 0:
		return 0, nil, nil
	}
	return 0, &pipeWait{p.changed, p.readDeadline}, nil
}

func (p *pipe) write(b []byte) (n int, err error) {
	p.update(func() {
		switch {
		case p.writeErr != nil:
			err = p.writeErr
		case !p.writeDeadline.IsZero() && !time.Now().Before(p.writeDeadline):
			err = os.ErrDeadlineExceeded
		default:
			p.buffer = append(p.buffer, b...)
			n = len(b)
		}
	})
	return n, err
}
