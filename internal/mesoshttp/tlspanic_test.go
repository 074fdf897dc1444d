package mesoshttp_test

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
)

// bad panics in all of its methods.
type bad struct{ crypto.PrivateKey }

func (bad) Read([]byte) (int, error)  { panic("Read") }
func (bad) Write([]byte) (int, error) { panic("Write") }
func (b bad) Public() crypto.PublicKey {
	return b.PrivateKey.(crypto.Signer).Public()
}
func (bad) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { panic("Sign") }
func (bad) Get(string) (*tls.ClientSessionState, bool)                { panic("Get") }
func (bad) Put(string, *tls.ClientSessionState)                       { panic("Put") }

// badPut panics when a session is kept, after the handshake.
type badPut struct{ bad }

func (badPut) Get(string) (*tls.ClientSessionState, bool) { return nil, false }

// A TLS callback that panics fails the call or the subscription, and does not end the process.
func TestTLSCallbackThatPanics(t *testing.T) {
	clients := newAuthority(t)
	server := serveTLS(t, clients.pool(), func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Mesos-Stream-Id") == "" {
			openStream(w)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	})
	for name, set := range map[string]func(*tls.Config){
		"Rand":                 func(c *tls.Config) { c.Rand = bad{} },
		"Time":                 func(c *tls.Config) { c.Time = func() time.Time { panic("Time") } },
		"GetClientCertificate": func(c *tls.Config) { c.GetClientCertificate = panicsWithCertificate },
		"VerifyPeerCertificate": func(c *tls.Config) {
			c.VerifyPeerCertificate = func([][]byte, [][]*x509.Certificate) error { panic("V") }
		},
		"VerifyConnection":         func(c *tls.Config) { c.VerifyConnection = func(tls.ConnectionState) error { panic(io.EOF) } },
		"ClientSessionCache":       func(c *tls.Config) { c.ClientSessionCache = bad{} },
		"ClientSessionCache after": func(c *tls.Config) { c.ClientSessionCache = badPut{} },
		"KeyLogWriter":             func(c *tls.Config) { c.KeyLogWriter = bad{} },
		"Certificates, a signer":   func(c *tls.Config) { c.Certificates[0].PrivateKey = bad{c.Certificates[0].PrivateKey} },
		"a nil map of a user's code": func(c *tls.Config) {
			c.VerifyConnection = func(tls.ConnectionState) error { var m map[int]int; m[1]++; return nil }
		},
	} {
		t.Run(name, func(t *testing.T) {
			config := &tls.Config{RootCAs: server.ca.pool(), Certificates: []tls.Certificate{clients.issue("scheduler")}}
			set(config)
			client := newClient(t, server, mesoshttp.Config{TLS: config})
			var panicked *mesoshttp.PanicError

			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			stream, err := client.Subscribe(ctx, secure, subscribeCall(), nil)
			if err == nil {
				_, err = stream.Next()
				stream.Close()
			}
			require.ErrorAs(t, err, &panicked)
			require.NotEmpty(t, panicked.Stack)
			require.ErrorAs(t, client.Call(ctx, secure, streamID, killCall("t"), nil), &panicked)

			pipeline := client.Pipeline()
			defer pipeline.Close()
			for _, err := range pipeline.Call(ctx, secure, streamID, []*scheduler.Call{killCall("t"), killCall("u")}) {
				require.ErrorAs(t, err, &panicked)
			}
		})
	}
}

func panicsWithCertificate(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	panic("certificate")
}

// TestTLSCallbacksControl: tls.Config has no further callbacks that a client calls.
func TestTLSCallbacksControl(t *testing.T) {
	var names []string
	for i := range reflect.TypeFor[tls.Config]().NumField() {
		f := reflect.TypeFor[tls.Config]().Field(i)
		if k := f.Type.Kind(); f.IsExported() && (k == reflect.Func || k == reflect.Interface) {
			names = append(names, f.Name)
		}
	}
	require.ElementsMatch(t, []string{
		"Rand", "Time", "GetClientCertificate", "VerifyPeerCertificate", "VerifyConnection", "ClientSessionCache", "KeyLogWriter",
		"GetCertificate", "GetConfigForClient", "UnwrapSession", "WrapSession", "GetEncryptedClientHelloKeys", // of servers
		"EncryptedClientHelloRejectionVerify", // in the handshake, like VerifyConnection
	}, names)
}
