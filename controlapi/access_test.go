package controlapi_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

func withToken(c *controlapi.Config) { c.Tokens = []string{"another", token} }

// Whatever is wrong with a token, the answer is the same, byte for byte.
func TestWrongTokens(t *testing.T) {
	inWorld(t, withToken, func(t *testing.T, w *world) {
		sleep(time.Second)
		var first answer
		for i, header := range []string{
			"X: none", "Authorization: Bearer", "Authorization: Bearer wrong", "Authorization: Bearer " + token + "x", "Authorization: Bearer " + token[1:],
			"Authorization: Bearer " + strings.Repeat("x", 8000), "Authorization: Basic " + token, "Authorization: " + token, "Authorization: Bearer another " + token,
			"Authorization: Bearer " + strings.ToUpper(token),
		} {
			a := w.request("GET", "/v1/tasks", "", header)
			a.header.Del("Date")
			if i == 0 {
				first = a
				require.Equal(t, controlapi.CodeUnauthorized, problem(t, a, 401).Code)
				require.Equal(t, "Bearer", a.header.Get("WWW-Authenticate"))
			}
			require.Equal(t, first, a, header)
		}
		for _, path := range []string{"/v1/status", "/v1/tasks", "/v1/events", "/v1/tasks/x", "/v1/nothing", "/metrics"} {
			require.Equal(t, 401, w.request("GET", path, "").status, path)
		}
		require.Equal(t, 401, w.request("POST", "/v1/tasks", "{").status, "before the body is looked at")
		for _, path := range []string{"/", "/healthz", "/readyz"} {
			require.Equal(t, 200, w.request("GET", path, "").status, path)
		}
		for _, right := range []string{"Bearer " + token, "bearer another", "Bearer  " + token} {
			require.Equal(t, 200, w.request("GET", "/v1/tasks", "", "Authorization: "+right).status)
		}
	})
}

// A page of another site has its own name resolve to 127.0.0.1.
func TestRebindingSite(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		for _, host := range []string{"evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example:8080", "0.0.0.0", "10.0.0.1:8080", "[::2]"} {
			for _, path := range []string{"/v1/status", "/", "/healthz", "/v1/nothing"} {
				require.Equal(t, controlapi.CodeForbidden, problem(t, w.request("GET", path, "", "Host: "+host), 403).Code, host)
			}
		}
		for _, host := range []string{"localhost", "LOCALHOST:1", "127.0.0.1:8080", "127.1.2.3", "[::1]:8080", "[::1]"} {
			require.Equal(t, 200, w.request("GET", "/v1/status", "", "Host: "+host).status, host)
		}
	})
	inWorld(t, withToken, func(t *testing.T, w *world) {
		require.Equal(t, 200, w.request("GET", "/v1/status", "", "Host: any.example", "Authorization: Bearer "+token).status, "a control: with a token any name will do")
	})
}

func TestCrossSiteRequests(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		body := encode(t, spec("web"))
		for name, headers := range map[string][]string{
			"of a browser":           {"Sec-Fetch-Site: cross-site"},
			"of a subdomain":         {"Sec-Fetch-Site: same-site"},
			"of an old browser":      {"Origin: https://evil.example"},
			"of a frame without one": {"Origin: null"},
			"of another port":        {"Origin: http://127.0.0.1:9"},
		} {
			require.Equal(t, controlapi.CodeForbidden, problem(t, w.request("POST", "/v1/tasks", body, headers...), 403).Code, name)
			require.Equal(t, controlapi.CodeForbidden, problem(t, w.request("POST", "/v1/reconcile", "", headers...), 403).Code, name)
			require.Equal(t, controlapi.CodeForbidden, problem(t, w.request("DELETE", "/v1/tasks/web", "", headers...), 403).Code, name)
		}
		for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/json", "application/json2", "", ";"} {
			require.Equal(t, controlapi.CodeMediaType, problem(t, w.request("POST", "/v1/tasks", body, "Content-Type: "+kind), 415).Code, kind)
			require.Equal(t, controlapi.CodeMediaType, problem(t, w.request("PUT", "/v1/tasks/web", body, "Content-Type: "+kind), 415).Code, kind)
		}
		infos, err := w.scheduler.Tasks(t.Context())
		require.NoError(t, err)
		require.Empty(t, infos)
		for _, headers := range [][]string{{"Sec-Fetch-Site: same-origin"}, {"Sec-Fetch-Site: none"}, {"Origin: http://" + address}} {
			require.Equal(t, 201, w.request("POST", "/v1/tasks", encode(t, spec("own"+encode(t, len(headers[0])))), append(headers, "Content-Type: application/json; charset=utf-8")...).status)
		}
	})
}

func TestSecretsAreNotShown(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		s := spec("web")
		s.Container = &task.Container{Containerizer: task.ContainerizerMesos, Volumes: []task.Volume{{Path: "key", Secret: &task.Secret{Value: []byte("hunter2")}}}}
		s.Command.Secrets = map[string]task.Secret{"PASSWORD": {Value: []byte("hunter2")}, "NAMED": {Name: "reference"}}
		r, full := w.events("?view=summary"), w.events("?view=full")
		hidden := func(text string) {
			require.NotContains(t, text, "hunter2")
			require.NotContains(t, text, "aHVudGVyMg", "encoded")
		}
		hidden(w.request("POST", "/v1/tasks?wait=running", encode(t, s)).body)
		for _, path := range []string{"/v1/tasks", "/v1/tasks?limit=all", "/v1/tasks/web", "/v1/tasks/web/explain", "/v1/tasks/web/wait?until=running", "/v1/status"} {
			hidden(w.request("GET", path, "").body)
		}
		changed := s
		changed.CPUs = 0.2
		hidden(w.request("PUT", "/v1/tasks/web", encode(t, changed)).body)
		hidden(w.request("GET", "/v1/tasks/web/wait?until=ended", "", "Request-Timeout: 1").body)
		hidden(w.request("POST", "/v1/tasks/web/kill", "").body)
		hidden(w.request("GET", "/v1/tasks/web/wait?until=running", "").body)
		for _, f := range append(r.take(), full.take()...) {
			hidden(f.data)
		}
		info, err := w.scheduler.Task(t.Context(), "web")
		require.NoError(t, err)
		require.Equal(t, "hunter2", string(info.Spec.Command.Secrets["PASSWORD"].Value), "the scheduler still has it")
		shown := decoded[controlapi.TaskDetail](t, w.request("GET", "/v1/tasks/web", ""), 200).Task.Spec
		require.Equal(t, "redacted", string(shown.Command.Secrets["PASSWORD"].Value))
		require.Equal(t, "reference", shown.Command.Secrets["NAMED"].Name)
	})
}

func TestTokensAreNotPrinted(t *testing.T) {
	c := controlapi.Config{Framework: &scheduler.Scheduler{}, Name: "shop", Tokens: []string{token}}
	s, err := controlapi.New(c)
	require.NoError(t, err)
	for _, v := range []any{c, &c, s} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			require.NotContains(t, fmt.Sprintf(verb, v), token)
		}
	}
	require.NotContains(t, c.LogValue().String(), token)
	c.Tokens = append(c.Tokens, token+" ", "")
	_, err = controlapi.New(c)
	require.ErrorContains(t, err, "Tokens[1]")
	require.ErrorContains(t, err, "Tokens[2]")
	require.NotContains(t, err.Error(), token)
}

func TestListenersThatOthersCanReach(t *testing.T) {
	for name, row := range map[string]struct {
		address string
		config  controlapi.Config
		refused bool
	}{
		"all addresses":           {"0.0.0.0:80", controlapi.Config{}, true},
		"another machine's":       {"10.0.0.1:80", controlapi.Config{}, true},
		"a name":                  {"example.com:80", controlapi.Config{}, true},
		"with a token":            {"0.0.0.0:80", controlapi.Config{Tokens: []string{token}}, false},
		"insecure":                {"0.0.0.0:80", controlapi.Config{Insecure: true}, false},
		"loopback":                {"127.0.0.1:80", controlapi.Config{}, false},
		"loopback, another one":   {"127.8.8.8:80", controlapi.Config{}, false},
		"loopback of version six": {"[::1]:80", controlapi.Config{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cluster := mesosfake.Start(t, mesosfake.Config{})
				row.config.Framework, _ = scheduler.New(scheduler.Config{Master: cluster.Master(), Framework: scheduler.Framework{Name: "x"}})
				s, err := controlapi.New(row.config)
				require.NoError(t, err)
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				listener := &addressed{newPipes(), row.address}
				err = s.Serve(ctx, listener)
				if row.refused {
					require.ErrorContains(t, err, "set Config.Tokens")
				} else {
					require.ErrorIs(t, err, context.Canceled)
				}
				_, open := <-listener.ended
				require.False(t, open, "it is closed")
			})
		})
	}
}

// addressed is a listener with another address.
type addressed struct {
	*pipes
	at string
}

func (a *addressed) Addr() net.Addr { return a }

func (a *addressed) Network() string { return "tcp" }

func (a *addressed) String() string { return a.at }
