package mesoshttp

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"runtime/debug"
)

// PanicError is the error of a connection over which a callback of the TLS configuration has panicked. It would end the
// process otherwise: net/http calls them on goroutines of its own.
type PanicError struct {
	Value any
	Stack string
}

// Error implements error.
func (e *PanicError) Error() string { return fmt.Sprintf("mesoshttp: panic in TLS: %v", e.Value) }

// recovered turns a panic into the error that a call returns. It is deferred.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = &PanicError{Value: p, Stack: string(debug.Stack())}
	}
}

// secured is a TLS connection. Some callbacks run after the handshake, such as that of a cache of sessions.
type secured struct{ *tls.Conn }

// Read implements net.Conn.
func (s secured) Read(b []byte) (n int, err error) {
	defer recovered(&err)
	return s.Conn.Read(b)
}

// Write implements net.Conn.
func (s secured) Write(b []byte) (n int, err error) {
	defer recovered(&err)
	return s.Conn.Write(b)
}

// keyLog is a KeyLogWriter. A panic must not go through crypto/tls here, which holds a lock of all connections meanwhile.
type keyLog struct{ io.Writer }

// Write implements io.Writer.
func (k keyLog) Write(b []byte) (n int, err error) {
	defer recovered(&err)
	return k.Writer.Write(b)
}

// secure makes a TLS connection of another one, which it closes if that fails.
func secure(ctx context.Context, config *tls.Config, raw net.Conn, address string) (conn net.Conn, err error) {
	if config == nil {
		config = new(tls.Config)
	}
	config = config.Clone()
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(address)
	}
	if config.KeyLogWriter != nil {
		config.KeyLogWriter = keyLog{config.KeyLogWriter}
	}
	s := secured{tls.Client(raw, config)}
	if err := s.handshake(ctx); err != nil {
		_ = raw.Close()
		return nil, err
	}
	return s, nil
}

// handshake tells the trace of a request of the handshake, as net/http does of its own.
func (s secured) handshake(ctx context.Context) (err error) {
	if trace := httptrace.ContextClientTrace(ctx); trace != nil && trace.TLSHandshakeDone != nil {
		defer func() { trace.TLSHandshakeDone(s.ConnectionState(), err) }()
	}
	defer recovered(&err)
	return s.HandshakeContext(ctx)
}

// dialTLS is a transport's DialTLSContext.
func dialTLS(t *http.Transport) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		raw, err := t.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return secure(ctx, t.TLSClientConfig, raw, address)
	}
}
