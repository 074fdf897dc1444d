package controlapi_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
)

// selfSigned returns a certificate, and a pool that has it.
func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	require.NoError(t, err)
	parsed, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// With client certificates no token is needed; without one there is no connection. HTTP/2 is spoken.
func TestClientCertificates(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		mine, pool := selfSigned(t)
		server, err := controlapi.New(controlapi.Config{Framework: w.scheduler, TLS: &tls.Config{
			Certificates: []tls.Certificate{mine}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
		}})
		require.NoError(t, err)
		listener, err := w.network.Listen("127.0.0.1:8443")
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() { served <- server.Serve(ctx, listener) }()
		defer func() {
			stop()
			<-served
		}()
		get := func(config *tls.Config) (*http.Response, error) {
			transport := &http.Transport{DialContext: w.network.DialContext, TLSClientConfig: config, ForceAttemptHTTP2: true}
			defer transport.CloseIdleConnections()
			r, err := http.NewRequestWithContext(t.Context(), "GET", "https://127.0.0.1:8443/v1/tasks", nil)
			require.NoError(t, err)
			response, err := transport.RoundTrip(r)
			if err == nil {
				_ = response.Body.Close()
			}
			return response, err
		}
		response, err := get(&tls.Config{RootCAs: pool, Certificates: []tls.Certificate{mine}})
		require.NoError(t, err)
		require.Equal(t, 200, response.StatusCode)
		require.Equal(t, 2, response.ProtoMajor)
		_, err = get(&tls.Config{RootCAs: pool})
		require.Error(t, err, "without a certificate")
		other, _ := selfSigned(t)
		_, err = get(&tls.Config{RootCAs: pool, Certificates: []tls.Certificate{other}})
		require.Error(t, err, "with a certificate of somebody else")
	})
}
