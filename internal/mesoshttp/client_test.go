package mesoshttp_test

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
)

func TestNewRefuses(t *testing.T) {
	for want, config := range map[string]mesoshttp.Config{
		"mesoshttp: Codec is Codec(2), want Protobuf or JSON":                        {Codec: 2},
		"mesoshttp: MaxFrame is -1, want 0 or more":                                  {MaxFrame: -1},
		"mesoshttp: MaxConns is -1, want 0 or more":                                  {MaxConns: -1},
		`mesoshttp: Credential.Principal is "", want a name without colon`:           {Credential: &mesoshttp.Credential{}},
		`mesoshttp: Credential.Principal is "principal:", want a name without colon`: {Credential: &mesoshttp.Credential{Principal: "principal:"}},
		"mesoshttp: Credential and Tokens are both set, want at most one": {
			Credential: &mesoshttp.Credential{Principal: "p"}, Tokens: mesoshttp.NewTokenSource(nil),
		},
	} {
		client, err := mesoshttp.New(config)
		require.EqualError(t, err, want)
		require.Nil(t, client)
	}
}

// A request has everything that a master looks at, and nothing else.
func TestRequests(t *testing.T) {
	credential := &mesoshttp.Credential{Principal: "principal", Secret: "se:cret"}
	for _, test := range []struct {
		why    string
		config mesoshttp.Config
		master string
		path   string
		want   http.Header // in addition to the length
	}{
		{"the defaults", mesoshttp.Config{}, master, "/api/v1/scheduler", http.Header{
			"Content-Type": {"application/x-protobuf"}, "Accept": {"application/x-protobuf"}, "User-Agent": {"mesos-actor-go"},
		}},
		{"JSON both ways", mesoshttp.Config{Codec: mesoshttp.JSON, UserAgent: "me"}, master, "/api/v1/scheduler", http.Header{
			"Content-Type": {"application/json"}, "Accept": {"application/json"}, "User-Agent": {"me"},
		}},
		{"a credential, and a prefix with a slash at its end", mesoshttp.Config{Credential: credential}, master + "/prefix/", "/prefix/api/v1/scheduler", http.Header{
			"Content-Type": {"application/x-protobuf"}, "Accept": {"application/x-protobuf"}, "User-Agent": {"mesos-actor-go"},
			"Authorization": {"Basic cHJpbmNpcGFsOnNlOmNyZXQ="},
		}},
	} {
		for _, call := range []*scheduler.Call{subscribeCall(), killCall("t")} {
			t.Run(test.why+"/"+call.Type.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					n := serve(t, func(w http.ResponseWriter, r *http.Request) {
						body, err := io.ReadAll(r.Body)
						require.NoError(t, err)
						got := new(scheduler.Call)
						if test.config.Codec == mesoshttp.JSON {
							err = json.Unmarshal(body, got)
						} else {
							err = got.Unmarshal(body)
						}
						require.NoError(t, err)
						require.Equal(t, call, got)
						require.Equal(t, http.MethodPost, r.Method)
						require.Equal(t, test.path, r.URL.Path)
						require.Equal(t, "master.example:5050", r.Host)
						want := test.want.Clone()
						want["Content-Length"] = r.Header["Content-Length"]
						if call.Type != scheduler.Call_SUBSCRIBE {
							want["Mesos-Stream-Id"] = []string{streamID}
						}
						require.Equal(t, want, r.Header)
						w.WriteHeader(http.StatusTeapot)
					})
					client := newClient(t, n, test.config)
					var err error
					if call.Type == scheduler.Call_SUBSCRIBE {
						_, err = client.Subscribe(t.Context(), test.master, call, nil)
					} else {
						err = client.Call(t.Context(), test.master, streamID, call, nil)
					}
					var status *mesoshttp.StatusError
					require.ErrorAs(t, err, &status)
					require.Equal(t, http.StatusTeapot, status.Status)
				})
			})
		}
	}
}

func TestWrongDoor(t *testing.T) {
	n := newNetwork()
	client := newClient(t, n, mesoshttp.Config{})
	require.EqualError(t, client.Call(t.Context(), master, "", subscribeCall(), nil), "mesoshttp: SUBSCRIBE is not for Call but for Subscribe")
	_, err := client.Subscribe(t.Context(), master, killCall("t"), nil)
	require.EqualError(t, err, "mesoshttp: KILL is not for Subscribe but for Call")
	require.ErrorContains(t, client.Call(t.Context(), "ftp://master.example", "", killCall("t"), nil), "ftp")
	require.ErrorContains(t, client.Call(t.Context(), "http://[", "", killCall("t"), nil), "mesoshttp: parse")
	noTask := &scheduler.Call{Type: scheduler.Call_ACKNOWLEDGE, Subscribe: &scheduler.Call_Subscribe{}}
	require.ErrorContains(t, client.Call(t.Context(), master, "", noTask, nil), "mesoshttp: ACKNOWLEDGE cannot be encoded")
	require.Zero(t, n.dials.Load())
}

// Masters answer 202, and 200 to UPDATE_FRAMEWORK. Any other answer means that the call was not accepted.
func TestCallSuccess(t *testing.T) {
	update := &scheduler.Call{Type: scheduler.Call_UPDATE_FRAMEWORK}
	for _, test := range []struct {
		call   *scheduler.Call
		status int
		ok     bool
	}{
		{killCall("t"), 200, false},
		{killCall("t"), 201, false},
		{killCall("t"), 202, true},
		{killCall("t"), 203, false},
		{killCall("t"), 204, false},
		{update, 200, true},
		{update, 201, false},
		{update, 202, true},
		{update, 203, false},
		{update, 204, false},
		{update, 206, false},
	} {
		t.Run(fmt.Sprint(test.call.Type, test.status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := serve(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(test.status) })
				err := newClient(t, n, mesoshttp.Config{}).Call(t.Context(), master, streamID, test.call, nil)
				if test.ok {
					require.NoError(t, err)
					return
				}
				var status *mesoshttp.StatusError
				require.ErrorAs(t, err, &status)
				require.Equal(t, test.status, status.Status)
			})
		})
	}
}

// What happens to a Config after New does not matter.
func TestConfigIsCopied(t *testing.T) {
	server := serveTLS(t, nil, func(w http.ResponseWriter, r *http.Request) {
		principal, secret, _ := r.BasicAuth()
		require.Equal(t, "p s", principal+" "+secret)
		w.WriteHeader(http.StatusAccepted)
	})
	credential := &mesoshttp.Credential{Principal: "p", Secret: "s"}
	config := &tls.Config{RootCAs: server.ca.pool()}
	client := newClient(t, server, mesoshttp.Config{TLS: config, Credential: credential})
	*credential = mesoshttp.Credential{Principal: "other", Secret: "other"}
	config.RootCAs = nil
	require.NoError(t, client.Call(t.Context(), secure, streamID, killCall("t"), nil))
}
