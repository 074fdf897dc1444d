package controlapi_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/ha"
)

// claiming has the server of a fleet believe that a member leads, whose address is this one.
func claiming(api string) func(int, *controlapi.Config) {
	return func(i int, c *controlapi.Config) {
		c.Elector = claims{ha.Status{Self: fmt.Sprint(i), Leader: "x", Members: []ha.Member{{ID: "x", API: api}, {ID: "y", API: api}}}}
	}
}

// A member that takes itself for another one, who leads, does not ask itself without end.
func TestMemberThatAsksItself(t *testing.T) {
	var asked atomic.Int32
	inFleetWith(t, func(i int, c *controlapi.Config) {
		claiming(apiOf(0))(i, c)
		c.Metrics = nil
		c.Logger = quiet()
		dial := c.DialContext
		c.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			asked.Add(1)
			return dial(ctx, network, address)
		}
	}, func(t *testing.T, f *fleet) {
		for _, path := range []string{"/readyz", "/v1/status", "/v1/events", "/v1/tasks/web/logs"} {
			asked.Store(0)
			ctx, cancel := within(3 * time.Second)
			r, err := http.NewRequestWithContext(ctx, "GET", "http://"+apiOf(0)+path, nil)
			require.NoError(t, err)
			transport := &http.Transport{DialContext: f.host.DialContext, DisableKeepAlives: true}
			if response, err := transport.RoundTrip(r); err == nil {
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
			}
			cancel()
			sleep(time.Second)
			require.Less(t, asked.Load(), int32(3), path)
		}
	})
}

// The address of a leader comes from other members, or ZooKeeper. It is the beginning of a URL of this API, and no path of some
// other server, nor without TLS where this member serves with it. Others are not told of it.
func TestAddressesOfMembersThatLie(t *testing.T) {
	for name, api := range map[string]string{
		"a path for itself": "10.0.1.1:80/latest/meta-data#x", "a query": "10.0.1.1:80/x?y=", "a user": "me:pw@10.0.1.1:80", "another scheme": "gopher://10.0.1.1:80",
		"no port": "10.0.1.1", "a space": "10.0.1.1:80 x", "a line": "10.0.1.1:80\r\nX: y",
	} {
		t.Run(name, func(t *testing.T) {
			inFleetWith(t, claiming(api), func(t *testing.T, f *fleet) {
				listener, err := f.host.Listen(clientHost + ":80")
				require.NoError(t, err)
				defer listener.Close()
				go func() {
					if conn, err := listener.Accept(); err == nil {
						t.Error("it was asked")
						_ = conn.Close()
					}
				}()
				a := f.get(f.members[0], "GET", "/v1/tasks", "Authorization: Bearer hush", "Request-Timeout: 5")
				require.Equal(t, controlapi.CodeLeaderUnreachable, problem(t, a, 503).Code)
				require.Contains(t, a.body, "API address")
				require.Empty(t, a.header.Get("Framework-Members"))
				o := decoded[controlapi.Overview](t, f.get(f.members[0], "GET", "/v1/status"), 200)
				require.Contains(t, o.Error, "API address")
			})
		})
	}
	t.Run("without TLS", func(t *testing.T) {
		inFleetWith(t, func(i int, c *controlapi.Config) {
			claiming("http://"+clientHost+":80")(i, c)
			c.TLS = &tls.Config{}
		}, func(t *testing.T, f *fleet) {
			p := f.members[0]
			c := controlapi.Config{Framework: p.scheduler, Insecure: true, DialContext: p.host.DialContext, TLS: &tls.Config{}}
			claiming("http://"+clientHost+":80")(0, &c)
			server, err := controlapi.New(c)
			require.NoError(t, err)
			answer := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(t.Context(), "GET", "/v1/status", nil)
			server.ServeHTTP(answer, r)
			require.Contains(t, answer.Body.String(), "is without TLS")
		})
	})
}

// Without a token it is not said where the members are, and why one does not answer.
func TestReasonsAreNotForEverybody(t *testing.T) {
	inFleetWith(t, func(i int, c *controlapi.Config) {
		claiming("10.9.9.9:80")(i, c)
		c.Tokens = []string{"hush"}
	}, func(t *testing.T, f *fleet) {
		a := f.get(f.members[0], "GET", "/readyz")
		require.Equal(t, controlapi.CodeLeaderUnreachable, problem(t, a, 503).Code)
		require.NotContains(t, a.body, "10.9.9.9")
		require.Contains(t, f.get(f.members[0], "GET", "/readyz", "Authorization: Bearer hush").body, "10.9.9.9")
	})
}

// A client that asks with TLS sends its token to no member without, whatever the members say.
func TestMemberWithoutTLSIsNotLearnedOf(t *testing.T) {
	const plain = "127.0.0.1:1"
	var dialled sync.Map
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Framework-Members", "http://"+plain+",127.0.0.2:1")
		http.Error(w, `{"error":{"code":"busy"}}`, http.StatusServiceUnavailable)
	}))
	defer server.Close()
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	client, err := controlapi.NewClient(controlapi.ClientConfig{
		Addresses: []string{server.URL}, Token: "a-long-token", TLS: &tls.Config{RootCAs: pool}, Patience: 500 * time.Millisecond,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			dialled.Store(address, true)
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	})
	require.NoError(t, err)
	defer client.Close()
	_, err = client.Agents(t.Context())
	require.Error(t, err)
	_, learned := dialled.Load("127.0.0.2:1")
	require.True(t, learned, "a control: it has learned of the other one")
	_, learned = dialled.Load(plain)
	require.False(t, learned)
}
