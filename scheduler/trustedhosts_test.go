package scheduler_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

func credential() *scheduler.Credential {
	return &scheduler.Credential{Principal: "me", Secret: "s3cret"}
}

// listen is Listen of the harness' network.
func (h *harness) listen(address string) net.Listener {
	l, err := h.network.Listen(address)
	require.NoError(h, err)
	return l
}

// serve runs a server until the end of the test.
func (h *harness) serve(l net.Listener, handler http.HandlerFunc) {
	server := &http.Server{Handler: handler}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l)
	}()
	h.Cleanup(func() {
		_ = server.Close()
		<-done
	})
}

// redirectTo answers everything with a redirect.
func redirectTo(location string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Location"] = []string{location} // as it is
		w.WriteHeader(http.StatusTemporaryRedirect)
	}
}

func TestTrustedHostsConfig(t *testing.T) {
	const zk = "zk://h1,h2/mesos"
	token := func(context.Context) (string, error) { return "t", nil }
	required := `scheduler: config: TrustedHosts: []: is required: without certificates`
	for why, c := range map[string]struct {
		config scheduler.Config
		want   string // "": no error
	}{
		"ZooKeeper, http and a credential":      {scheduler.Config{Master: zk, Credential: credential()}, required},
		"ZooKeeper, http and a token":           {scheduler.Config{Master: zk, Token: token}, required},
		"an empty list":                         {scheduler.Config{Master: zk, Token: token, TrustedHosts: []string{}}, required},
		"certificates that are not verified":    {scheduler.Config{Master: zk, Token: token, TLS: &tls.Config{InsecureSkipVerify: true}}, required},
		"certificates that are verified by you": {scheduler.Config{Master: zk, Token: token, TLS: &tls.Config{InsecureSkipVerify: true, VerifyConnection: func(tls.ConnectionState) error { return nil }}}, ""},
		"ZooKeeper, https and a credential":     {scheduler.Config{Master: zk, Credential: credential(), TLS: &tls.Config{}}, ""},
		"ZooKeeper, http and nothing to send":   {scheduler.Config{Master: zk}, ""},
		"ZooKeeper, and trusted hosts":          {scheduler.Config{Master: zk, Credential: credential(), TrustedHosts: []string{"10.0.0.0/8"}}, ""},
		"a list and a credential":               {scheduler.Config{Master: "m1,https://m2", Credential: credential()}, ""},
		"a port":                                {scheduler.Config{Master: "m1", TrustedHosts: []string{"m1", "m2:5050"}}, `scheduler: config: TrustedHosts[1]: "m2:5050": must be a host name or an IP address, without scheme, port and path, or`},
		"an empty entry":                        {scheduler.Config{Master: "m1", TrustedHosts: []string{""}}, `scheduler: config: TrustedHosts[0]: "": must be a host`},
		"a line end":                            {scheduler.Config{Master: "m1", TrustedHosts: []string{"m1\n"}}, `scheduler: config: TrustedHosts[0]: "m1\n": must be a host`},
	} {
		t.Run(why, func(t *testing.T) {
			c.config.Framework.Name = "test"
			_, err := scheduler.New(c.config)
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			var bad *scheduler.ConfigError
			require.ErrorAs(t, err, &bad)
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "s3cret")
		})
	}
}

// New copies the list.
func TestTrustedHostsAreCopied(t *testing.T) {
	trusted := []string{"*.example"}
	config := scheduler.Config{Master: "m1.example:5050", TrustedHosts: trusted}
	withIdleScheduler(t, threeMasters(), mesostest.Config{}, config, func(ctx context.Context, h *harness) {
		trusted[0] = "nobody"
		h.lead(ctx, scheduler.Term{})
		h.at(time.Second)
		events, _ := h.connections()
		require.True(h, events[0].Connected)
	})
}

// m1 redirects to the leader m0. With credentials and http only the hosts in Master, or those in TrustedHosts, get them.
func TestRedirectWithCredentials(t *testing.T) {
	cluster := mesostest.Config{Credentials: map[string]string{"me": "s3cret"}}
	for why, c := range map[string]struct {
		config    scheduler.Config
		untrusted string // "": connected at once
	}{
		"not in Master":           {scheduler.Config{Master: "m1.example:5050", Credential: credential()}, "m0.example"},
		"the next of the list":    {scheduler.Config{Master: "m1.example:5050,m0.example:5050", Credential: credential()}, ""},
		"the last of the list":    {scheduler.Config{Master: "m1.example:5050,m2.example:5050,M0.Example:5050", Credential: credential()}, ""},
		"the next is not there":   {scheduler.Config{Master: "m1.example:5050,gone.example:5050", Credential: credential()}, "m0.example"},
		"the first is not there":  {scheduler.Config{Master: "gone.example:5050,m1.example:5050", Credential: credential()}, "m0.example"},
		"trusted by name":         {scheduler.Config{Master: "m1.example:5050", Credential: credential(), TrustedHosts: []string{"m1.example", "m0.example"}}, ""},
		"trusted by domain":       {scheduler.Config{Master: "m1.example:5050", Credential: credential(), TrustedHosts: []string{"*.example"}}, ""},
		"trusted like all":        {scheduler.Config{Master: "m1.example:5050", Credential: credential(), TrustedHosts: []string{"*"}}, ""},
		"not trusted":             {scheduler.Config{Master: "m1.example:5050", Credential: credential(), TrustedHosts: []string{"m1.example"}}, "m0.example"},
		"itself not trusted":      {scheduler.Config{Master: "m1.example:5050", Credential: credential(), TrustedHosts: []string{"m0.example"}}, "m1.example"},
		"itself, and then others": {scheduler.Config{Master: "m1.example:5050,m0.example:5050", Credential: credential(), TrustedHosts: []string{"m0.example"}}, ""},
	} {
		t.Run(why, func(t *testing.T) {
			withMasters(t, threeMasters(), cluster, c.config, func(ctx context.Context, h *harness) {
				h.at(time.Minute)
				events, times := h.connections()
				if c.untrusted == "" {
					require.Len(h, events, 1)
					require.True(h, events[0].Connected)
					require.Less(h, times[0], time.Second)
					require.NoError(h, h.sched.Teardown(ctx), "calls go there as well")
					return
				}
				for _, e := range events {
					require.False(h, e.Connected)
					require.ErrorContains(h, e.Err, fmt.Sprintf("the host %q is not trusted: if it is one of your masters, add it to Config.TrustedHosts", c.untrusted))
				}
				require.Less(h, len(events), 30, "less and less often, up to every 15 s")
			})
		})
	}
}

// Without credentials redirects are followed anywhere, unless TrustedHosts says otherwise.
func TestRedirectWithoutCredentials(t *testing.T) {
	for _, c := range []struct {
		trusted   []string
		connected bool
	}{{nil, true}, {[]string{"m0.example", "m1.example"}, true}, {[]string{"m1.example"}, false}} {
		config := scheduler.Config{Master: "m1.example:5050", TrustedHosts: c.trusted}
		withMasters(t, threeMasters(), mesostest.Config{}, config, func(_ context.Context, h *harness) {
			h.at(time.Second)
			events, _ := h.connections()
			require.Equal(h, c.connected, events[0].Connected)
		})
	}
}

// Whatever a master writes into its redirects, nothing is sent to another host: no SUBSCRIBE, no question for the framework
// of an earlier registration, not even a connection is made.
func TestHostileRedirect(t *testing.T) {
	for _, location := range []string{
		"//evil.example:80/master/api/v1/scheduler", "evil.example:80", "http://evil.example:80", "//evil.example",
		"//m1.example@evil.example:80/", "//m1.example:5050@evil.example:80", "m1.example:5050@evil.example:80", "http://m1.example:x@evil.example:80/api/v1/scheduler",
		"//evil.example:80#m1.example:5050", "//evil.example:80#@m1.example", "//evil.example:80?@m1.example:5050", "//evil.example:80\\@m1.example:5050",
		"\\\\evil.example:80", "/\\evil.example:80", "//m1.example\\.evil.example:80", "//evil.example%3a80@m1.example", "//evil.example:80%2f@m1.example",
		"//m1.example%2eevil.example", "//m1.example%00.evil.example:80", "//m1.example%0d%0aHost:evil.example", "//m1.example\t.evil.example:80",
		"//m1.example.evil.example:80", "//evilm1.example:80", "//m1.example..evil.example:80", "//m1.example\u3002evil.example:80", "//ｍ1.example:80",
		"//m1.example%E3%80%82evil.example:80", "//[::1]:80", "//[::ffff:7f00:1]:80", "//[fe80::1%25m1.example]:80", "//2130706433:80", "//0x7f.1:80", "//127.0.0.1:80",
		"///evil.example:80", "////evil.example:80/api/v1/scheduler", "//evil.example:80/@m1.example/api/v1/scheduler", "https://evil.example:80", "ftp://evil.example:80",
	} {
		t.Run(location, func(t *testing.T) {
			config := scheduler.Config{Master: "m1.example:5050", Credential: credential(), Store: &testStore{}}
			withIdleScheduler(t, threeMasters()[:1], mesostest.Config{}, config, func(ctx context.Context, h *harness) {
				h.serve(h.listen("m1.example:5050"), redirectTo(location))
				var dialled []string
				h.dialing = func(_ context.Context, address string) error {
					host, _, _ := strings.Cut(address, ":")
					dialled = append(dialled, host)
					return nil
				}
				h.lead(ctx, scheduler.Term{})
				h.at(time.Minute)
				h.stop()
				require.ErrorIs(h, h.end(), context.Canceled)
				require.Equal(h, []string{"m1.example"}, slices.Compact(slices.Sorted(slices.Values(dialled))))
				require.Greater(h, len(dialled), 5, "several attempts, with a look for the framework from the second on")
				events, _ := h.connections()
				require.False(h, events[0].Connected)
				require.Error(h, events[0].Err)
			})
		})
	}
}

// Control: the same redirect is followed to a host that is trusted, with the credentials.
func TestHostileRedirectControl(t *testing.T) {
	config := scheduler.Config{Master: "m1.example:5050", Credential: credential(), TrustedHosts: []string{"*.example"}, Store: &testStore{}}
	withIdleScheduler(t, threeMasters()[:1], mesostest.Config{}, config, func(ctx context.Context, h *harness) {
		h.serve(h.listen("m1.example:5050"), redirectTo("//m1.example:5050@evil.example:80"))
		secrets := map[string]bool{}
		h.serve(h.listen("evil.example:80"), func(w http.ResponseWriter, r *http.Request) {
			_, secret, _ := r.BasicAuth()
			secrets[r.URL.Path+" "+secret] = true
			w.WriteHeader(http.StatusServiceUnavailable)
		})
		h.lead(ctx, scheduler.Term{})
		h.at(time.Minute)
		h.stop()
		require.ErrorIs(h, h.end(), context.Canceled)
		require.Equal(h, map[string]bool{"/api/v1/scheduler s3cret": true, "/api/v1 s3cret": true}, secrets)
	})
}

// Over https the certificate says who a master is. If it is not verified, only the hosts in Master are trusted.
func TestRedirectOverTLS(t *testing.T) {
	certified := httptest.NewTLSServer(nil) // for its certificate, of example.com
	certified.Close()
	roots := x509.NewCertPool()
	roots.AddCert(certified.Certificate())
	for want, client := range map[string]*tls.Config{
		"no route to other.example:443":           {RootCAs: roots},
		`the host "other.example" is not trusted`: {InsecureSkipVerify: true},
	} {
		config := scheduler.Config{Master: "https://example.com", Credential: credential(), TLS: client}
		withIdleScheduler(t, threeMasters()[:1], mesostest.Config{}, config, func(ctx context.Context, h *harness) {
			h.serve(tls.NewListener(h.listen("example.com:443"), &tls.Config{Certificates: certified.TLS.Certificates}), redirectTo("//other.example/master/api/v1/scheduler"))
			h.dialing = func(_ context.Context, address string) error {
				if address != "example.com:443" {
					return errors.New("no route to " + address)
				}
				return nil
			}
			h.lead(ctx, scheduler.Term{})
			h.at(time.Second)
			events, _ := h.connections()
			require.ErrorContains(h, events[0].Err, want)
		})
	}
}
