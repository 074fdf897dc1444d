package controlapi

import (
	"net"
	"sync"
)

// limitedListener closes the connections that are too many.
type limitedListener struct {
	net.Listener
	places chan struct{}
}

func newLimitedListener(l net.Listener, connections int) net.Listener {
	return &limitedListener{l, make(chan struct{}, connections)}
}

// Accept returns the next connection that there is room for.
func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case l.places <- struct{}{}:
			return &limitedConn{Conn: conn, leave: sync.OnceFunc(func() { <-l.places })}, nil
		default:
			_ = conn.Close()
		}
	}
}

type limitedConn struct {
	net.Conn
	leave func()
}

// Close closes the connection and makes room for another one.
func (c *limitedConn) Close() error {
	c.leave()
	return c.Conn.Close()
}
