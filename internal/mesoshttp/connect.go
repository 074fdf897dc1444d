package mesoshttp

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptrace"

	"github.com/mesos-actor/mesos-actor-go/internal/printable"
)

// maxConnecting is the default of Config.MaxConnecting.
const maxConnecting = 16

// connector makes connections. The dialer, and the callbacks of the TLS configuration, are the user's: if they panic, that is
// an error of the connection, and if they block, it is given up with its context, while they are left behind. (net/http would
// call them on goroutines where a panic ends the process, and where they would keep the place of a connection.)
type connector struct {
	dialer   func(ctx context.Context, network, address string) (net.Conn, error)
	tls      *tls.Config
	panicked func(who string, value any) error
	running  chan struct{} // has an element for each call that has not returned
}

func newConnector(c Config) *connector {
	n := &connector{dialer: c.DialContext, tls: new(tls.Config), panicked: c.Panicked, running: make(chan struct{}, cmp.Or(c.MaxConnecting, maxConnecting))}
	if n.dialer == nil {
		n.dialer = (&net.Dialer{}).DialContext
	}
	if c.TLS != nil {
		n.tls = c.TLS.Clone()
	}
	if n.panicked == nil {
		n.panicked = func(who string, value any) error { return fmt.Errorf("panic in %s: %v", who, value) }
	}
	if n.tls.KeyLogWriter != nil { // crypto/tls writes under a lock of the whole process, which a panic would leave locked
		n.tls.KeyLogWriter = guardedWriter{n.tls.KeyLogWriter, n.panicked}
	}
	return n
}

// tlsCallback is who panics.
const tlsCallback = "a callback of the TLS configuration"

// guardedWriter makes errors of panics.
type guardedWriter struct {
	io.Writer
	panicked func(who string, value any) error
}

// Write implements io.Writer.
func (w guardedWriter) Write(p []byte) (n int, err error) {
	defer recovered(&err, tlsCallback, w.panicked)
	return w.Writer.Write(p)
}

// GuardedDialer returns a dialer that calls dial as a Client calls Config.DialContext: a panic is an error, and a call that
// does not return is left behind when its context ends.
func GuardedDialer(dial func(ctx context.Context, network, address string) (net.Conn, error), panicked func(who string, value any) error) func(ctx context.Context, network, address string) (net.Conn, error) {
	return newConnector(Config{DialContext: dial, Panicked: panicked}).dial
}

// dial opens a connection without TLS.
func (n *connector) dial(ctx context.Context, network, address string) (net.Conn, error) {
	const who = "DialContext"
	return n.call(ctx, who, func() (net.Conn, error) {
		conn, err := n.dialer(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return guardedConn{conn, who, n.panicked}, nil
	})
}

// dialTLS opens a connection with TLS.
func (n *connector) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := n.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	secure, err := n.handshake(ctx, conn, address)
	if trace := httptrace.ContextClientTrace(ctx); trace != nil && trace.TLSHandshakeDone != nil {
		trace.TLSHandshakeDone(tls.ConnectionState{}, err)
	}
	return secure, err
}

// handshake returns a connection with TLS over conn, which is closed if there is an error.
func (n *connector) handshake(ctx context.Context, conn net.Conn, address string) (net.Conn, error) {
	config := n.tls.Clone()
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(address)
	}
	secure, err := n.call(ctx, tlsCallback, func() (net.Conn, error) {
		secure := tls.Client(conn, config)
		return guardedConn{secure, tlsCallback, n.panicked}, secure.HandshakeContext(ctx)
	})
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secure, nil
}

// call calls f, and returns its result, an error if it panics, or context.Cause(ctx). A connection that it returns later is
// closed.
func (n *connector) call(ctx context.Context, who string, f func() (net.Conn, error)) (net.Conn, error) {
	select {
	case n.running <- struct{}{}:
	default:
		err := fmt.Errorf("%d earlier calls of the dialer or of TLS callbacks have not returned", cap(n.running))
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
	}
	type result struct {
		conn net.Conn
		err  error
	}
	results := make(chan result)
	go func() {
		r := result{err: errors.New(who + " has ended its goroutine")}
		defer func() {
			<-n.running
			select {
			case results <- r:
			case <-ctx.Done():
				if r.err == nil {
					_ = r.conn.Close()
				}
			}
		}()
		defer recovered(&r.err, who, n.panicked)
		r.conn, r.err = f()
		r.err = printable.Error(r.err)
	}()
	select {
	case r := <-results:
		return r.conn, r.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// recovered, deferred, makes an error of a panic.
func recovered(err *error, who string, panicked func(who string, value any) error) {
	if p := recover(); p != nil {
		*err = panicked(who, p)
	}
}

// guardedConn is a connection that is the user's, or has TLS: that calls callbacks also while it reads and writes, for session
// tickets and random numbers. A panic there is an error.
type guardedConn struct {
	net.Conn
	who      string
	panicked func(who string, value any) error
}

// Read implements net.Conn.
func (c guardedConn) Read(p []byte) (n int, err error) {
	defer recovered(&err, c.who, c.panicked)
	return c.Conn.Read(p)
}

// Write implements net.Conn.
func (c guardedConn) Write(p []byte) (n int, err error) {
	defer recovered(&err, c.who, c.panicked)
	return c.Conn.Write(p)
}

// Close implements net.Conn.
func (c guardedConn) Close() (err error) {
	defer recovered(&err, c.who, c.panicked)
	return c.Conn.Close()
}
