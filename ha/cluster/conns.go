package cluster

import (
	"net"
	"sync"
)

// conns are the connections of a transport. Neither Raft nor memberlist closes those that it has accepted when it
// ends, and their goroutines would wait for the other side.
type conns struct {
	mu     sync.Mutex
	open   map[*trackedConn]struct{}
	closed bool
}

// trackedConn is a connection that its conns know of.
type trackedConn struct {
	net.Conn
	of *conns
}

// track returns the connection as one of these. After closeAll it is closed at once.
func (c *conns) track(conn net.Conn) net.Conn {
	t := &trackedConn{conn, c}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		_ = conn.Close() // its user finds out
		return t
	}
	if c.open == nil {
		c.open = make(map[*trackedConn]struct{})
	}
	c.open[t] = struct{}{}
	return t
}

// Close closes the connection.
func (t *trackedConn) Close() error {
	t.of.mu.Lock()
	delete(t.of.open, t)
	t.of.mu.Unlock()
	return t.Conn.Close()
}

// closeAll closes all connections, and those that come.
func (c *conns) closeAll() {
	c.mu.Lock()
	open := c.open
	c.open, c.closed = nil, true
	c.mu.Unlock()
	for t := range open {
		_ = t.Conn.Close()
	}
}
