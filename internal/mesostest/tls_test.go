package mesostest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
)

// selfSigned returns a certificate for a name and the pool that trusts it.
func selfSigned(t *testing.T, name string) (tls.Certificate, *x509.CertPool) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		DNSNames:     []string{name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, pool
}

// Behind tls.NewListener the master speaks HTTP/1.1 to whoever would like more; a cut stream breaks
// without a last word, and Run leaves nobody behind.
func TestServedOverTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network virtualnet.Network
		l, err := network.Listen(masterAddress)
		require.NoError(t, err)
		m, err := New(Config{})
		require.NoError(t, err)
		certificate, pool := selfSigned(t, "master.example")
		transport := &http.Transport{
			DialContext: network.DialContext, TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true,
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- m.Run(ctx, tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{certificate}}))
		}()

		c := &cluster{t: t, start: time.Now(), master: m, address: masterAddress, client: &http.Client{Transport: overTLS{transport}}}
		s := c.subscribe(frameworkInfo())
		require.Equal(t, []string{"0 SUBSCRIBED", "0 HEARTBEAT"}, s.log())
		response, _ := c.fetch("/health")
		require.Equal(t, "HTTP/1.1", response.Proto)
		require.NotNil(t, response.TLS)

		c.at(time.Second)
		m.CutStreams()
		synctest.Wait()
		require.Len(t, s.since(time.Second), 1)
		require.NotContains(t, s.since(time.Second)[0], "1 end: EOF", "no last chunk")

		cancel()
		require.NoError(t, <-done)
		transport.CloseIdleConnections()
	})
}

// overTLS sends requests for http to https.
type overTLS struct{ http.RoundTripper }

func (o overTLS) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme = "https"
	return o.RoundTripper.RoundTrip(r)
}
