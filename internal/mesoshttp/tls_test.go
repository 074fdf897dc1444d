package mesoshttp_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
)

const secure = "https://master.example:5050"

// authority signs certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t}
	a.cert, a.key = a.sign(&x509.Certificate{IsCA: true, KeyUsage: x509.KeyUsageCertSign, BasicConstraintsValid: true})
	return a
}

// sign creates a certificate from template: signed by the authority, or by itself for the authority's own.
func (a *authority) sign(template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	template.SerialNumber = big.NewInt(1)
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, parentKey := a.cert, a.key
	if parent == nil {
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	require.NoError(a.t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(a.t, err)
	return cert, key
}

// issue creates a certificate for a server or client of that name.
func (a *authority) issue(name string) tls.Certificate {
	cert, key := a.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
}

// pool holds the authority alone.
func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// secured is a server with a certificate of ca for master.example. All names resolve to it.
type secured struct {
	server *httptest.Server
	ca     *authority
	dials  atomic.Int32
}

// DialContext dials the server.
func (s *secured) DialContext(ctx context.Context, network, _ string) (net.Conn, error) {
	s.dials.Add(1)
	return new(net.Dialer).DialContext(ctx, network, s.server.Listener.Addr().String())
}

// serveTLS is serve over TLS, also HTTP/2, on loopback: TLS over a pipe, which has no buffer, hangs when both
// sides write. Unless clients is nil, the server demands a certificate that one of them signed.
func serveTLS(t *testing.T, clients *x509.CertPool, handler http.HandlerFunc) *secured {
	s := &secured{server: httptest.NewUnstartedServer(handler), ca: newAuthority(t)}
	s.server.TLS = &tls.Config{Certificates: []tls.Certificate{s.ca.issue("master.example")}, ClientCAs: clients}
	if clients != nil {
		s.server.TLS.ClientAuth = tls.RequireAndVerifyClientCert
	}
	s.server.Config.ErrorLog = log.New(io.Discard, "", 0) // of failed handshakes
	s.server.EnableHTTP2 = true
	s.server.StartTLS()
	t.Cleanup(s.server.Close)
	return s
}

func TestTLSRoots(t *testing.T) {
	server := serveTLS(t, nil, func(w http.ResponseWriter, r *http.Request) {
		require.NotNil(t, r.TLS)
		require.Equal(t, "HTTP/1.1", r.Proto)
		w.WriteHeader(http.StatusAccepted)
	})
	call := func(master string, config *tls.Config) error {
		client := newClient(t, server, mesoshttp.Config{TLS: config})
		return client.Call(t.Context(), master, streamID, killCall("t"), nil)
	}
	require.NoError(t, call(secure, &tls.Config{RootCAs: server.ca.pool()}))

	for _, config := range []*tls.Config{nil, {RootCAs: newAuthority(t).pool()}} {
		err := call(secure, config)
		var unknown x509.UnknownAuthorityError
		require.ErrorAs(t, err, &unknown)
		require.ErrorContains(t, err, "mesoshttp: KILL to master.example:5050: tls: failed to verify certificate: x509: certificate signed by unknown authority")
	}

	err := call("https://other.example", &tls.Config{RootCAs: server.ca.pool()})
	var name x509.HostnameError
	require.ErrorAs(t, err, &name)
	require.ErrorContains(t, err, "certificate is valid for master.example, not other.example")
}

// Mutual TLS, for calls and for subscriptions.
func TestTLSClientCertificates(t *testing.T) {
	clients := newAuthority(t)
	var requests atomic.Int32
	server := serveTLS(t, clients.pool(), func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		require.Equal(t, "scheduler", r.TLS.PeerCertificates[0].Subject.CommonName)
		if r.Header.Get("Mesos-Stream-Id") == "" {
			openStream(w)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	})
	for _, test := range []struct {
		why          string
		certificates []tls.Certificate
		requests     int32
	}{
		{"none", nil, 0},
		{"another authority's", []tls.Certificate{newAuthority(t).issue("scheduler")}, 0},
		{"the right one", []tls.Certificate{clients.issue("scheduler")}, 2},
	} {
		t.Run(test.why, func(t *testing.T) {
			client := newClient(t, server, mesoshttp.Config{
				TLS: &tls.Config{RootCAs: server.ca.pool(), Certificates: test.certificates},
			})
			_, subscribe := client.Subscribe(t.Context(), secure, subscribeCall(), nil)
			call := client.Call(t.Context(), secure, streamID, killCall("t"), nil)
			// The text depends on what is noticed first: the server's alert, or the closed connection.
			require.Equal(t, test.requests == 2, subscribe == nil, "%v", subscribe)
			require.Equal(t, test.requests == 2, call == nil, "%v", call)
			require.Equal(t, test.requests, requests.Load())
		})
	}
}

func TestRedirectsKeepTLS(t *testing.T) {
	location := make(chan string, 1)
	server := serveTLS(t, nil, func(w http.ResponseWriter, r *http.Request) {
		if r.Host == "master.example:5050" {
			w.Header().Set("Location", <-location)
			w.WriteHeader(http.StatusTemporaryRedirect)
			return
		}
		require.Equal(t, "master.example:5060", r.Host)
		require.Equal(t, "Basic cDpz", r.Header.Get("Authorization"))
		openStream(w)
	})
	client := newClient(t, server, mesoshttp.Config{
		TLS: &tls.Config{RootCAs: server.ca.pool()}, Credential: &mesoshttp.Credential{Principal: "p", Secret: "s"},
	})
	location <- "//master.example:5060/master/api/v1/scheduler"
	stream, err := client.Subscribe(t.Context(), secure, subscribeCall(), nil)
	require.NoError(t, err)
	require.Equal(t, "https://master.example:5060", stream.Master())
	require.EqualValues(t, 2, server.dials.Load())

	location <- "http://master.example:5060/master/api/v1/scheduler"
	_, err = client.Subscribe(t.Context(), secure, subscribeCall(), nil)
	require.ErrorIs(t, err, mesoshttp.ErrRedirectScheme)
	require.EqualValues(t, 3, server.dials.Load(), "a secret must not leave TLS")
}
