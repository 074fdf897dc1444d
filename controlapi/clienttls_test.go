package controlapi_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// authority is a certificate authority.
type authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t testing.TB) *authority {
	a := &authority{t: t, pool: x509.NewCertPool()}
	certificate := a.issue(&x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	a.cert, a.key = certificate.Leaf, certificate.PrivateKey.(*ecdsa.PrivateKey)
	a.pool.AddCert(a.cert)
	return a
}

// issue returns a certificate, which signs itself if it is the first one.
func (a *authority) issue(template *x509.Certificate) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	template.SerialNumber, template.Subject = big.NewInt(1), pkix.Name{CommonName: "test"}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, by := template, key
	if a.cert != nil {
		parent, by = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, by)
	require.NoError(a.t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(a.t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// member returns the configuration of a member, for its server and for asking the others.
func (a *authority) member(host string) *tls.Config {
	certificate := a.issue(&x509.Certificate{
		IPAddresses: []net.IP{net.ParseIP(host)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
	return &tls.Config{
		Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: a.pool, RootCAs: a.pool,
	}
}

// Members that ask for certificates pass requests on with their own, and refuse clients that have none.
func TestMembersWithCertificates(t *testing.T) {
	var ca *authority
	config := func(i int, c *controlapi.Config) {
		if ca == nil {
			ca = newAuthority(t)
		}
		c.Insecure, c.TLS = false, ca.member(hostOf(i))
	}
	inFleetWith(t, config, func(t *testing.T, f *fleet) {
		ctx, cancel := within(time.Minute)
		defer cancel()
		own := ca.issue(&x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
		client := func(certificates ...tls.Certificate) *controlapi.Client {
			c, err := controlapi.NewClient(controlapi.ClientConfig{
				Addresses: []string{apiOf(f.follower().n)}, DialContext: f.host.DialContext, TLS: &tls.Config{RootCAs: ca.pool, Certificates: certificates},
			})
			require.NoError(t, err)
			return c
		}
		c := client(own)
		defer c.Close()
		info, err := c.Launch(ctx, spec("web"))
		require.NoError(t, err)
		require.Equal(t, task.StateRunning, info.State)
		f.leader().kill()
		_, err = c.Kill(ctx, "web")
		require.NoError(t, err)

		c = client()
		defer c.Close()
		began := time.Now()
		_, err = c.Tasks(context.Background())
		require.ErrorContains(t, err, "certificate required")
		require.Less(t, time.Since(began), 5*time.Second)
	})
}

// The task of another caller is left alone when a client that wanted the same ID gives up before it is told.
func TestClientWithdrawsOnlyItsOwn(t *testing.T) {
	inFleet(t, func(t *testing.T, f *fleet) {
		ctx, cancel := within(time.Minute)
		defer cancel()
		_, err := f.client.Launch(ctx, spec("web"))
		require.NoError(t, err)
		f.tap.set(func(_ *peer, method string) {
			if method == "Launch" {
				time.Sleep(5 * time.Second)
			}
		}, nil)
		other := f.at(f.follower())
		defer other.Close()
		short, cancel := context.WithCancel(ctx)
		time.AfterFunc(time.Second, cancel)
		_, err = other.Launch(short, spec("web"))
		require.ErrorIs(t, err, context.Canceled)
		sleep(10 * time.Second)
		info, err := f.client.Task(ctx, "web")
		require.NoError(t, err)
		require.Equal(t, task.StateRunning, info.State)
	})
}
