package virtualnet

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// Conn is one end of a connection, a net.Conn. It reads from in and writes to out, which is the in of the
// other end.
type Conn struct {
	network       *Network
	host          *Host // whose end it is, nil if that of none
	in, out       *pipe
	local, remote Addr

	// held is what waits until the link to the other end is no longer cut. Guarded by the mutex of the network.
	held held
}

// held is what the other end learns once the link works: what was written, then that this end was closed or reset.
type held struct {
	waits  bool
	bytes  []byte
	ending ending
}

// ending is what the other end is told last.
type ending int

const (
	open     ending = iota
	finished        // no more is written
	closed          // nothing is read either
	reset           // what was written is lost
)

func (n *Network) newPair(client, server Addr) (near, far *Conn) {
	up, down := newPipe(), newPipe()
	return &Conn{network: n, in: down, out: up, local: client, remote: server},
		&Conn{network: n, in: up, out: down, local: server, remote: client}
}

// Read reads what there is, and waits when there is nothing.
func (c *Conn) Read(p []byte) (int, error) {
	if err := c.host.wait(); err != nil {
		return 0, c.wrap("read", err)
	}
	n, err := c.in.read(p)
	if dead := c.host.wait(); dead != nil {
		return 0, c.wrap("read", dead)
	}
	return n, c.wrap("read", err)
}

// Readable reports whether something has arrived that was not read: bytes, or the end.
func (c *Conn) Readable() bool { return c.in.readable() }

// Write blocks only while its host is paused.
func (c *Conn) Write(p []byte) (int, error) {
	if err := c.host.wait(); err != nil {
		return 0, c.wrap("write", err)
	}
	c.network.mu.Lock()
	defer c.network.mu.Unlock()
	if err := c.out.writable(); err != nil {
		return 0, c.wrap("write", err)
	}
	if c.isCut() {
		c.held.bytes = append(c.held.bytes, p...)
		return len(p), nil
	}
	c.out.deliver(p, c.network.arrival(c))
	return len(p), nil
}

func (c *Conn) wrap(op string, err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return &net.OpError{Op: op, Net: "tcp", Source: c.local, Addr: c.remote, Err: err}
}

// Close ends both directions: the other side reads what is buffered, then EOF,
// and its writes fail.
func (c *Conn) Close() error { return c.end(closed) }

// CloseWrite half-closes: the other side reads EOF and may still write.
func (c *Conn) CloseWrite() error { return c.end(finished) }

// Reset breaks the connection: what is buffered is lost, and reads and writes of the other side fail with
// ECONNRESET at once.
func (c *Conn) Reset() { _ = c.end(reset) }

func (c *Conn) end(how ending) error {
	if err := c.host.wait(); err != nil {
		return nil // it was reset when its host died
	}
	c.network.mu.Lock()
	defer c.network.mu.Unlock()
	c.endLocked(how)
	return nil
}

// endLocked ends the connection, here at once, and for the other side when it learns of that.
func (c *Conn) endLocked(how ending) {
	c.out.close(nil, net.ErrClosed)
	if how != finished {
		c.in.abort(net.ErrClosed, nil)
		delete(c.host.conns(), c)
	}
	if c.isCut() {
		c.held.ending = max(c.held.ending, how)
		if how == reset {
			c.held.bytes = nil
		}
		return
	}
	c.tell(how)
}

// tell lets the other side know of an end.
func (c *Conn) tell(how ending) {
	switch how {
	case finished:
		c.out.close(io.EOF, nil)
	case closed:
		c.out.close(io.EOF, nil)
		c.in.abort(net.ErrClosed, syscall.EPIPE)
	case reset:
		c.out.abort(syscall.ECONNRESET, nil)
		c.in.abort(net.ErrClosed, syscall.ECONNRESET)
	}
}

// isCut reports whether what is sent now has to wait for the link, and has it wait if so.
func (c *Conn) isCut() bool {
	if !c.network.linkOf(c).Cut {
		return false
	}
	if !c.held.waits {
		c.held.waits = true
		c.network.stalled = append(c.network.stalled, c)
	}
	return true
}

// release sends what waits, since the link works again.
func (c *Conn) release() {
	h := c.held
	c.held = held{}
	if len(h.bytes) > 0 {
		c.out.deliver(h.bytes, c.network.arrival(c))
	}
	c.tell(h.ending)
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

// Addr is an address, "host:port".
type Addr string

func (Addr) Network() string  { return "tcp" }
func (a Addr) String() string { return string(a) }

// UDPAddr returns the address as package net has those of packets. Its host must be an IP.
func (a Addr) udp() net.Addr {
	address, err := netip.ParseAddrPort(string(a))
	if err != nil {
		return a
	}
	return net.UDPAddrFromAddrPort(address)
}

// host returns the host of the address.
func (a Addr) host() string {
	host, _, err := net.SplitHostPort(string(a))
	if err != nil {
		return string(a)
	}
	return host
}
