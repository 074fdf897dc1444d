package mesoshttp_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
)

// redirects is a cluster of masters by host: each redirects to its Location, or leads if that is empty.
type redirects map[string]string

// serve returns the network of the cluster and a list of the URLs that were asked, with their credentials.
func (m redirects) serve(t *testing.T) (*network, *[]string) {
	asked := new([]string)
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		want, err := subscribeCall().Marshal()
		require.NoError(t, err)
		require.Equal(t, want, body)
		principal, _, _ := r.BasicAuth()
		*asked = append(*asked, principal+"@"+r.Host+r.URL.Path)
		if location := m[r.Host]; location != "" {
			w.Header().Set("Location", location)
			w.WriteHeader(http.StatusTemporaryRedirect)
			return
		}
		openStream(w)
	}), asked
}

func TestSubscribeFollows(t *testing.T) {
	const endpoint = "/master/api/v1/scheduler"
	config := mesoshttp.Config{Credential: &mesoshttp.Credential{Principal: "p", Secret: "s"}}
	for _, test := range []struct {
		why    string
		hosts  redirects
		master string // the last one
		asked  []string
	}{
		{"it leads", nil, master, []string{"p@master.example:5050/api/v1/scheduler"}},
		{"another leads", redirects{"master.example:5050": "//m2:5050" + endpoint}, "http://m2:5050",
			[]string{"p@master.example:5050/api/v1/scheduler", "p@m2:5050/api/v1/scheduler"}},
		{"the proxy of another", redirects{"master.example:5050": "http://proxy/mesos/api/v1/scheduler"}, "http://proxy/mesos",
			[]string{"p@master.example:5050/api/v1/scheduler", "p@proxy/mesos/api/v1/scheduler"}},
		{"five in a row", redirects{"master.example:5050": "m1:1", "m1:1": "m2:2", "m2:2": "m3:3", "m3:3": "m4:4", "m4:4": "m5:5"}, "http://m5:5",
			[]string{"p@master.example:5050/api/v1/scheduler", "p@m1:1/api/v1/scheduler", "p@m2:2/api/v1/scheduler",
				"p@m3:3/api/v1/scheduler", "p@m4:4/api/v1/scheduler", "p@m5:5/api/v1/scheduler"}},
	} {
		t.Run(test.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, asked := test.hosts.serve(t)
				stream, err := newClient(t, n, config).Subscribe(t.Context(), master+"/", subscribeCall(), nil)
				require.NoError(t, err)
				require.Equal(t, test.master, stream.Master())
				require.Equal(t, streamID, stream.ID())
				_, err = stream.Next()
				require.ErrorIs(t, err, io.EOF)
				require.Equal(t, test.asked, *asked)
			})
		})
	}
}

func TestSubscribeRefusesToFollow(t *testing.T) {
	const m = "http://master.example:5050"
	for _, test := range []struct {
		why   string
		hosts redirects
		want  *mesoshttp.RedirectError
	}{
		{"itself", redirects{"master.example:5050": "/api/v1/scheduler"},
			&mesoshttp.RedirectError{Hops: []string{m}, Location: "/api/v1/scheduler", Err: mesoshttp.ErrRedirectLoop}},
		{"a circle", redirects{"master.example:5050": "m1:1", "m1:1": "m2:2", "m2:2": "m1:1"},
			&mesoshttp.RedirectError{Hops: []string{m, "http://m1:1", "http://m2:2"}, Location: "m1:1", Err: mesoshttp.ErrRedirectLoop}},
		{"a sixth", redirects{"master.example:5050": "m1:1", "m1:1": "m2:2", "m2:2": "m3:3", "m3:3": "m4:4", "m4:4": "m5:5", "m5:5": "m6:6"},
			&mesoshttp.RedirectError{Hops: []string{m, "http://m1:1", "http://m2:2", "http://m3:3", "http://m4:4", "http://m5:5"},
				Location: "m6:6", Err: mesoshttp.ErrRedirectLimit}},
		{"another scheme", redirects{"master.example:5050": "https://m1:1"},
			&mesoshttp.RedirectError{Hops: []string{m}, Location: "https://m1:1", Err: mesoshttp.ErrRedirectScheme}},
		{"a login page", redirects{"master.example:5050": "//sso/login"},
			&mesoshttp.RedirectError{Hops: []string{m}, Location: "//sso/login", Err: mesoshttp.ErrRedirectTarget}},
		{"nowhere", redirects{"master.example:5050": " "},
			&mesoshttp.RedirectError{Hops: []string{m}, Err: mesoshttp.ErrRedirectTarget}},
	} {
		t.Run(test.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, asked := test.hosts.serve(t)
				stream, err := newClient(t, n, mesoshttp.Config{}).Subscribe(t.Context(), master, subscribeCall(), nil)
				require.Nil(t, stream)
				var got *mesoshttp.RedirectError
				require.ErrorAs(t, err, &got)
				require.Equal(t, test.want, got)
				require.ErrorIs(t, err, test.want.Err)
				require.ErrorIs(t, err, mesoshttp.ErrRedirect)
				require.Len(t, *asked, len(test.want.Hops))
			})
		})
	}
}

// No request is made to a host that is not trusted, whoever names it.
func TestUntrustedHost(t *testing.T) {
	hosts, err := mesoshttp.ParseHosts([]string{"master.example"})
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		n := serve(t, func(w http.ResponseWriter, r *http.Request) {
			asked = append(asked, r.Host+r.URL.Path)
			w.Header().Set("Location", "//evil:80")
			w.WriteHeader(http.StatusTemporaryRedirect)
		})
		client := newClient(t, n, mesoshttp.Config{Hosts: hosts})
		pipeline := client.Pipeline()
		defer pipeline.Close()
		requests := func(master string) (errs [4]error) {
			_, errs[0] = client.Subscribe(t.Context(), master, subscribeCall(), nil)
			_, errs[1] = client.FindFramework(t.Context(), master, "k", "v")
			errs[2] = client.Call(t.Context(), master, streamID, killCall("t"), nil)
			errs[3] = pipeline.Call(t.Context(), master, streamID, []*scheduler.Call{killCall("t")})[0]
			return errs
		}
		for _, err := range requests("http://EVIL:80") {
			var untrusted *mesoshttp.UntrustedError
			require.ErrorAs(t, err, &untrusted)
			require.Equal(t, "EVIL", untrusted.Host)
		}
		require.Empty(t, asked)
		require.Zero(t, n.dials.Load())

		errs := requests(master)
		for _, err := range errs[:2] {
			require.ErrorIs(t, err, mesoshttp.ErrRedirectUntrusted)
			require.ErrorIs(t, err, mesoshttp.ErrRedirect)
			require.ErrorContains(t, err, `mesoshttp: redirected by http://master.example:5050 to "//evil:80`)
			require.ErrorContains(t, err, `: it is not followed: the host "evil" is not trusted: if it is one of your masters, add it to Config.TrustedHosts`)
		}
		require.ErrorIs(t, errs[2], mesoshttp.ErrRedirect)
		require.ErrorIs(t, errs[3], mesoshttp.ErrRedirect)
		const m = "master.example:5050/api/v1"
		require.Equal(t, []string{m + "/scheduler", m, m + "/scheduler", m + "/scheduler"}, asked)
	})
}

func TestRedirectErrorText(t *testing.T) {
	require.EqualError(t, &mesoshttp.RedirectError{Hops: []string{"http://a:1", "http://b:1"}, Location: "a:1", Err: mesoshttp.ErrRedirectLoop},
		`mesoshttp: redirected by http://a:1, then http://b:1 to "a:1": this master was asked before`)
}

// The answer of the last master is the result; redirects other than a master's are not followed.
func TestSubscribeAfterARedirect(t *testing.T) {
	for _, status := range []int{301, 302, 303, 308, 401, 403, 404, 503} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := serve(t, func(w http.ResponseWriter, r *http.Request) {
					if r.Host == "master.example:5050" {
						w.Header().Set("Location", "//m2:5050")
						w.WriteHeader(http.StatusTemporaryRedirect)
						return
					}
					require.Equal(t, "m2:5050", r.Host)
					w.Header().Set("Location", "//m3:5050")
					w.WriteHeader(status)
				})
				_, err := newClient(t, n, mesoshttp.Config{}).Subscribe(t.Context(), master, subscribeCall(), nil)
				var got *mesoshttp.StatusError
				require.ErrorAs(t, err, &got)
				require.Equal(t, status, got.Status)
				require.False(t, errors.Is(err, mesoshttp.ErrRedirect))
			})
		})
	}
}

// No other master would accept a call of this subscription.
func TestCallDoesNotFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := serve(t, func(w http.ResponseWriter, r *http.Request) {
			require.Equal(t, "master.example:5050", r.Host)
			w.Header().Set("Location", "//m2:5050/master/api/v1/scheduler")
			w.WriteHeader(http.StatusTemporaryRedirect)
		})
		err := newClient(t, n, mesoshttp.Config{}).Call(t.Context(), master, streamID, killCall("t"), nil)
		var status *mesoshttp.StatusError
		require.ErrorAs(t, err, &status)
		require.Equal(t, &mesoshttp.StatusError{Master: master, Call: scheduler.Call_KILL, Status: 307,
			Location: "//m2:5050/master/api/v1/scheduler", Leader: "http://m2:5050"}, status)
		require.ErrorIs(t, err, mesoshttp.ErrRedirect)
	})
}
