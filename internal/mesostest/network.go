package mesostest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// Network is an in-memory network for masters and their clients. The zero value
// is ready. Inside a testing/synctest bubble everybody who waits on it is durably
// blocked, so virtual time advances. It starts no goroutine.
//
// Writes never block: what is written and not yet read is buffered without bound,
// as if the window of TCP were infinite.
type Network struct {
	mu        sync.Mutex
	listeners map[string]*virtualListener
	port      int
}

// Listen announces on address, "host:port"; port 0 picks a free one. It fails when
// the address is in use.
func (n *Network) Listen(address string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if port == "0" {
		n.port++
		address = net.JoinHostPort(host, fmt.Sprint(49151+n.port))
	}
	if n.listeners[address] != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Addr: virtualAddr(address), Err: syscall.EADDRINUSE}
	}
	l := &virtualListener{network: n, address: virtualAddr(address), accept: make(chan *virtualConn), closed: make(chan struct{})}
	if n.listeners == nil {
		n.listeners = make(map[string]*virtualListener)
	}
	n.listeners[address] = l
	return l, nil
}

// DialContext connects to the listener of address; its form is that of
// http.Transport.DialContext. Nobody listening: connection refused.
func (n *Network) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	fail := func(err error) error {
		return &net.OpError{Op: "dial", Net: network, Addr: virtualAddr(address), Err: err}
	}
	if err := ctx.Err(); err != nil {
		return nil, fail(err)
	}
	n.mu.Lock()
	n.port++
	client := virtualAddr(fmt.Sprintf("127.0.0.1:%d", 49151+n.port))
	n.mu.Unlock()
	l, held := n.listener(address)
	for held != nil {
		select {
		case <-held:
			l, held = n.listener(address)
		case <-ctx.Done():
			return nil, fail(ctx.Err())
		}
	}
	if l == nil {
		return nil, fail(syscall.ECONNREFUSED)
	}
	near, far := newVirtualPair(client, l.address)
	select {
	case l.accept <- far:
		return near, nil
	case <-l.closed:
		return nil, fail(syscall.ECONNREFUSED)
	case <-ctx.Done():
		return nil, fail(ctx.Err())
	}
}

// listener is who listens on the address, nil when nobody does, or what to wait for before asking again.
func (n *Network) listener(address string) (l *virtualListener, held <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l = n.listeners[address]
	switch {
	case l == nil || l.refusing:
		return nil, nil
	case l.held != nil:
		return nil, l.held
	}
	return l, nil
}

type virtualAddr string

func (virtualAddr) Network() string  { return "tcp" }
func (a virtualAddr) String() string { return string(a) }

type virtualListener struct {
	network *Network
	address virtualAddr
	accept  chan *virtualConn
	closed  chan struct{}
	once    sync.Once

	// Guarded by the mutex of the network.

	refusing bool            // connections are refused
	held     <-chan struct{} // until it is closed connections hang; nil: they do not
}

func (l *virtualListener) refuse(on bool) {
	l.network.mu.Lock()
	defer l.network.mu.Unlock()
	l.refusing = on
}

func (l *virtualListener) hold(until <-chan struct{}) {
	l.network.mu.Lock()
	defer l.network.mu.Unlock()
	l.held = until
}

func (l *virtualListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.accept:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *virtualListener) Close() error {
	l.once.Do(func() {
		l.network.mu.Lock()
		delete(l.network.listeners, string(l.address))
		l.network.mu.Unlock()
		close(l.closed)
	})
	return nil
}

func (l *virtualListener) Addr() net.Addr { return l.address }

// virtualConn is one end of a connection: it reads from in and writes to out,
// which is the in of the other end.
type virtualConn struct {
	in, out       *virtualPipe
	local, remote virtualAddr
}

func newVirtualPair(client, server virtualAddr) (near, far *virtualConn) {
	up, down := newVirtualPipe(), newVirtualPipe()
	return &virtualConn{in: down, out: up, local: client, remote: server},
		&virtualConn{in: up, out: down, local: server, remote: client}
}

func (c *virtualConn) Read(p []byte) (int, error) {
	n, err := c.in.read(p)
	return n, c.wrap("read", err)
}

func (c *virtualConn) Write(p []byte) (int, error) {
	n, err := c.out.write(p)
	return n, c.wrap("write", err)
}

func (c *virtualConn) wrap(op string, err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return &net.OpError{Op: op, Net: "tcp", Source: c.local, Addr: c.remote, Err: err}
}

// Close ends both directions: the other side reads what is buffered, then EOF,
// and its writes fail.
func (c *virtualConn) Close() error {
	c.in.close(net.ErrClosed, syscall.EPIPE, true)
	c.out.close(io.EOF, net.ErrClosed, false)
	return nil
}

// CloseWrite half-closes: the other side reads EOF and may still write.
func (c *virtualConn) CloseWrite() error {
	c.out.close(io.EOF, net.ErrClosed, false)
	return nil
}

// reset breaks the connection: what is buffered is lost and the other side's
// reads and writes fail at once.
func (c *virtualConn) reset() {
	c.in.close(net.ErrClosed, syscall.ECONNRESET, true)
	c.out.close(syscall.ECONNRESET, net.ErrClosed, true)
}

func (c *virtualConn) LocalAddr() net.Addr  { return c.local }
func (c *virtualConn) RemoteAddr() net.Addr { return c.remote }

func (c *virtualConn) SetDeadline(t time.Time) error {
	c.in.setReadDeadline(t)
	c.out.setWriteDeadline(t)
	return nil
}

func (c *virtualConn) SetReadDeadline(t time.Time) error {
	c.in.setReadDeadline(t)
	return nil
}

func (c *virtualConn) SetWriteDeadline(t time.Time) error {
	c.out.setWriteDeadline(t)
	return nil
}

// virtualPipe is one direction of a connection. The mutex is held for a copy at
// most; who waits, waits on changed, since waiting for a mutex would keep a
// bubble's clock from advancing.
type virtualPipe struct {
	mu            sync.Mutex
	changed       chan struct{} // closed and replaced at every change
	buffer        []byte
	readErr       error // what reads return once the buffer is empty
	writeErr      error
	readDeadline  time.Time
	writeDeadline time.Time
}

func newVirtualPipe() *virtualPipe { return &virtualPipe{changed: make(chan struct{})} }

// update changes the pipe and wakes everybody who waits on it.
func (p *virtualPipe) update(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	close(p.changed)
	p.changed = make(chan struct{})
}

// close sets the errors of both ends, unless they are set; discard also drops
// what was written and not yet read.
func (p *virtualPipe) close(readErr, writeErr error, discard bool) {
	p.update(func() {
		if p.readErr == nil || discard {
			p.readErr = readErr
		}
		if p.writeErr == nil {
			p.writeErr = writeErr
		}
		if discard {
			p.buffer = nil
		}
	})
}

func (p *virtualPipe) setReadDeadline(t time.Time)  { p.update(func() { p.readDeadline = t }) }
func (p *virtualPipe) setWriteDeadline(t time.Time) { p.update(func() { p.writeDeadline = t }) }

func (p *virtualPipe) read(b []byte) (int, error) {
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

// tryRead reads what there is; otherwise it says what to wait for.
func (p *virtualPipe) tryRead(b []byte) (int, *pipeWait, error) {
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

func (p *virtualPipe) write(b []byte) (n int, err error) {
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
