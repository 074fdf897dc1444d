package mesoshttp_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
)

// hostileTLS returns configurations of which one callback is do.
func hostileTLS(server *secured, certificate tls.Certificate, do func()) map[string]*tls.Config {
	configs := map[string]*tls.Config{}
	for name, set := range map[string]func(*tls.Config){
		"VerifyPeerCertificate": func(c *tls.Config) {
			c.VerifyPeerCertificate = func([][]byte, [][]*x509.Certificate) error { do(); return nil }
		},
		"VerifyConnection": func(c *tls.Config) { c.VerifyConnection = func(tls.ConnectionState) error { do(); return nil } },
		"GetClientCertificate": func(c *tls.Config) {
			c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { do(); return &certificate, nil }
		},
		"KeyLogWriter":       func(c *tls.Config) { c.KeyLogWriter = hostile{do} },
		"ClientSessionCache": func(c *tls.Config) { c.ClientSessionCache = hostile{do} },
		"Rand":               func(c *tls.Config) { c.Rand = hostile{do} },
		"Time":               func(c *tls.Config) { c.Time = func() time.Time { do(); return time.Now() } },
	} {
		config := &tls.Config{RootCAs: server.ca.pool(), Certificates: []tls.Certificate{certificate}}
		set(config)
		configs[name] = config
	}
	return configs
}

// hostile is what the callbacks are that are no functions.
type hostile struct{ do func() }

func (h hostile) Write(p []byte) (int, error)                { h.do(); return len(p), nil }
func (h hostile) Read(p []byte) (int, error)                 { h.do(); return len(p), nil }
func (h hostile) Get(string) (*tls.ClientSessionState, bool) { h.do(); return nil, false }
func (h hostile) Put(string, *tls.ClientSessionState)        { h.do() }

// serveCerts is serveTLS with a server that demands a certificate, which it returns.
func serveCerts(t *testing.T) (*secured, tls.Certificate) {
	clients := newAuthority(t)
	server := serveTLS(t, clients.pool(), func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Mesos-Stream-Id") == "" {
			openStream(w)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	})
	return server, clients.issue("scheduler")
}

// requests are the ways to make a connection.
var requests = map[string]func(context.Context, *mesoshttp.Client, string) error{
	"Subscribe": func(ctx context.Context, c *mesoshttp.Client, master string) error {
		stream, err := c.Subscribe(ctx, master, subscribeCall(), nil)
		if err == nil {
			stream.Close()
		}
		return err
	},
	"Call": func(ctx context.Context, c *mesoshttp.Client, master string) error {
		return c.Call(ctx, master, streamID, killCall("t"), nil)
	},
	"Pipeline": func(ctx context.Context, c *mesoshttp.Client, master string) error {
		p := c.Pipeline()
		defer p.Close()
		return p.Call(ctx, master, streamID, []*scheduler.Call{killCall("t")})[0]
	},
}

// A callback that panics would end the process: it does so on a goroutine of net/http.
func TestTLSCallbacksThatPanic(t *testing.T) {
	server, certificate := serveCerts(t)
	oops := errors.New("oops")
	for callback, config := range hostileTLS(server, certificate, func() { panic("oops") }) {
		for name, request := range requests {
			client := newClient(t, server, mesoshttp.Config{TLS: config, Panicked: func(who string, value any) error {
				require.Equal(t, "a callback of the TLS configuration", who)
				require.Equal(t, "oops", value)
				return oops
			}})
			require.ErrorIs(t, request(t.Context(), client, secure), oops, "%s in %s", callback, name)
		}
	}
	for callback, config := range hostileTLS(server, certificate, runtime.Goexit) {
		if callback == "KeyLogWriter" {
			continue // of which crypto/tls has a lock
		}
		err := requests["Call"](t.Context(), newClient(t, server, mesoshttp.Config{TLS: config}), secure)
		require.ErrorContains(t, err, "a callback of the TLS configuration has ended its goroutine", callback)
	}
	for callback, config := range hostileTLS(server, certificate, func() {}) {
		for name, request := range requests {
			client := newClient(t, server, mesoshttp.Config{TLS: config})
			require.NoError(t, request(t.Context(), client, secure), "control: %s in %s", callback, name)
		}
	}
}

// A session ticket comes while an answer is read.
func TestTLSSessionCacheThatPanics(t *testing.T) {
	server, certificate := serveCerts(t)
	for name, request := range requests {
		client := newClient(t, server, mesoshttp.Config{TLS: &tls.Config{
			RootCAs: server.ca.pool(), Certificates: []tls.Certificate{certificate}, ClientSessionCache: putPanics{},
		}})
		require.ErrorContains(t, request(t.Context(), client, secure), "panic in a callback of the TLS configuration: oops", name)
	}
}

type putPanics struct{ tls.ClientSessionCache }

func (putPanics) Get(string) (*tls.ClientSessionState, bool) { return nil, false }
func (putPanics) Put(string, *tls.ClientSessionState)        { panic("oops") }

// A callback that blocks is given up with the request. It keeps no place: the next call makes another connection.
func TestTLSCallbacksThatBlock(t *testing.T) {
	server, certificate := serveCerts(t)
	for callback := range hostileTLS(server, certificate, nil) {
		for name, request := range requests {
			blocked, release := make(chan struct{}), make(chan struct{})
			var called atomic.Bool
			config := hostileTLS(server, certificate, func() {
				if !called.Swap(true) {
					close(blocked)
					<-release
				}
			})[callback]
			client := newClient(t, server, mesoshttp.Config{TLS: config})
			ctx, cancel := context.WithCancelCause(t.Context())
			go func() {
				<-blocked
				cancel(errGivenUp)
			}()
			require.ErrorIs(t, request(ctx, client, secure), errGivenUp, "%s in %s", callback, name)
			if callback != "KeyLogWriter" { // there crypto/tls has a lock of the whole process
				require.NoError(t, request(t.Context(), client, secure), "%s in %s", callback, name)
			}
			close(release)
			require.NoError(t, request(t.Context(), client, secure), "%s in %s", callback, name)
		}
	}
}

var errGivenUp = errors.New("given up")

// Dialers are the user's, too, and so are the connections that they return.
func TestDialersThatPanic(t *testing.T) {
	for name, request := range requests {
		for what, dial := range map[string]func(context.Context, string, string) (net.Conn, error){
			"oops":            func(context.Context, string, string) (net.Conn, error) { panic("oops") },
			"ended":           func(context.Context, string, string) (net.Conn, error) { runtime.Goexit(); return nil, nil },
			"nil pointer":     func(context.Context, string, string) (net.Conn, error) { return nil, nil },
			"oops in writing": func(context.Context, string, string) (net.Conn, error) { return panicConn{}, nil },
		} {
			client, err := mesoshttp.New(mesoshttp.Config{DialContext: dial})
			require.NoError(t, err)
			err = request(t.Context(), client, master)
			require.ErrorContains(t, err, what, name)
			require.ErrorContains(t, err, "DialContext", name)
		}
	}
}

type panicConn struct{ net.Conn }

func (panicConn) Read([]byte) (int, error)  { select {} }
func (panicConn) Write([]byte) (int, error) { panic("oops in writing") }
func (panicConn) Close() error              { panic("oops in closing") }

// A dialer that ignores its context is left behind, sixteen times at most; then no connection is made until one returns,
// which is closed.
func TestDialersThatBlock(t *testing.T) {
	for name, request := range requests {
		synctest.Test(t, func(t *testing.T) {
			release := make(chan struct{})
			var closed, dials atomic.Int32
			n := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Mesos-Stream-Id") == "" {
					openStream(w)
					return
				}
				w.WriteHeader(http.StatusAccepted)
			})
			client, err := mesoshttp.New(mesoshttp.Config{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				if dials.Add(1) <= 16 {
					<-release
					return closeCounter{closed: &closed}, nil
				}
				return n.DialContext(ctx, network, address)
			}})
			require.NoError(t, err)
			defer client.Close()
			for range 16 {
				began := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				require.ErrorIs(t, request(ctx, client, master), context.DeadlineExceeded, name)
				require.Equal(t, time.Second, time.Since(began))
				cancel()
			}
			synctest.Wait()
			require.ErrorContains(t, request(t.Context(), client, master), "16 earlier calls of the dialer or of TLS callbacks have not returned", name)
			require.EqualValues(t, 16, dials.Load())
			close(release)
			synctest.Wait()
			require.EqualValues(t, 16, closed.Load())
			require.NoError(t, request(t.Context(), client, master), name)
			require.EqualValues(t, 17, dials.Load())
		})
	}
}

type closeCounter struct {
	net.Conn
	closed *atomic.Int32
}

func (c closeCounter) Close() error {
	c.closed.Add(1)
	return nil
}
