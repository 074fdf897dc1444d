package mesoshttp_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
)

// An answer to GET_FRAMEWORKS in the form of a real master's (recording state_endpoint), with labels.
const frameworksAnswer = `{"type":"GET_FRAMEWORKS","get_frameworks":{"frameworks":[
{"framework_info":{"user":"root","name":"state","id":{"value":"f-0"},"failover_timeout":60.0,"checkpoint":true,"roles":["test"],
"capabilities":[{"type":"MULTI_ROLE"},{"type":"A_LATER_ONE"}]},"active":true,"connected":true,"recovered":false,
"registered_time":{"nanoseconds":1795228710560945152},"offers":[{"id":{"value":"O2"},"labels":{"labels":[{"key":"k","value":"v"}]}}],"offer_constraints":{}},
{"framework_info":{"name":"a","id":{"value":"f-1"},"labels":{"labels":[{"key":"k","value":"w"},{"key":"v","value":"k"},{"key":"k"}]}},"active":false},
{"framework_info":{"name":"b","id":{"value":"f-2"},"labels":{"labels":[{"key":"x","value":"y"},{"key":"k","value":"v"}]}},"active":false}],
"completed_frameworks":[{"framework_info":{"name":"c","id":{"value":"f-3"},"labels":{"labels":[{"key":"k","value":"gone"}]}}}]}}`

func TestFindFramework(t *testing.T) {
	const m = "master.example:5050"
	type answer struct {
		status         int
		location, body string
	}
	shows := func(body string) map[string]answer { return map[string]answer{m: {status: 200, body: body}} }
	for name, c := range map[string]struct {
		hosts map[string]answer
		value string
		want  string
		asked []string // beside the first
		err   string   // "": there is none
	}{
		"found":               {shows(frameworksAnswer), "v", "f-2", nil, ""},
		"another value":       {shows(frameworksAnswer), "x", "", nil, ""},
		"of a removed one":    {shows(frameworksAnswer), "gone", "", nil, ""},
		"none":                {shows(`{"type":"GET_FRAMEWORKS","get_frameworks":{"frameworks":[],"completed_frameworks":[]}}`), "v", "", nil, ""},
		"nothing may be seen": {shows(`{"type":"GET_FRAMEWORKS","get_frameworks":{}}`), "v", "", nil, ""},
		"another leads": {map[string]answer{m: {status: 307, location: "//m2:5050/master/api/v1"}, "m2:5050": {status: 200, body: frameworksAnswer}},
			"v", "f-2", []string{"p@m2:5050/api/v1"}, ""},
		"a circle": {map[string]answer{m: {status: 307, location: "//m2:5050"}, "m2:5050": {status: 307, location: "//m2:5050/master/api/v1"}},
			"v", "", []string{"p@m2:5050/api/v1"}, "this master was asked before"},
		"a login page": {map[string]answer{m: {status: 307, location: "//sso/login"}}, "v", "", nil, "not a master"},
		"forbidden":    {map[string]answer{m: {status: 403}}, "v", "", nil, "403 Forbidden"},
		"no leader":    {map[string]answer{m: {status: 503, body: "No leader elected"}}, "v", "", nil, "503 Service Unavailable"},
		"an old one":   {map[string]answer{m: {status: 404}}, "v", "", nil, "404 Not Found"},
		"no JSON":      {shows("<html>"), "v", "", nil, "answer to GET_FRAMEWORKS"},
		"cut short":    {shows(frameworksAnswer[:len(frameworksAnswer)-3]), "v", "", nil, "answer to GET_FRAMEWORKS"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked []string
				n := serve(t, func(w http.ResponseWriter, r *http.Request) {
					body, err := io.ReadAll(r.Body)
					require.NoError(t, err)
					require.JSONEq(t, `{"type":"GET_FRAMEWORKS"}`, string(body))
					require.Equal(t, "application/json", r.Header.Get("Content-Type"))
					require.Equal(t, "application/json", r.Header.Get("Accept"))
					require.Empty(t, r.Header.Get("Mesos-Stream-Id"))
					principal, _, _ := r.BasicAuth()
					asked = append(asked, principal+"@"+r.Host+r.URL.Path)
					a := c.hosts[r.Host]
					if a.location != "" {
						w.Header().Set("Location", a.location)
					}
					w.WriteHeader(a.status)
					_, _ = io.WriteString(w, a.body)
				})
				client := newClient(t, n, mesoshttp.Config{Credential: &mesoshttp.Credential{Principal: "p", Secret: "s"}})
				id, err := client.FindFramework(t.Context(), master, "k", c.value)
				require.Equal(t, c.want, id)
				require.Equal(t, append([]string{"p@" + m + "/api/v1"}, c.asked...), asked)
				if c.err == "" {
					require.NoError(t, err)
				} else {
					require.ErrorContains(t, err, c.err)
				}
			})
		})
	}
}

// A master behind a prefix is asked there, and an answer that does not come or does not end is given up with the context.
func TestFindFrameworkEnds(t *testing.T) {
	for _, begun := range []string{"", `{"get_frameworks":{"frameworks":[`} {
		synctest.Test(t, func(t *testing.T) {
			n := serve(t, func(w http.ResponseWriter, r *http.Request) {
				require.Equal(t, "/prefix/api/v1", r.URL.Path)
				_, _ = io.Copy(io.Discard, r.Body) // or it would not notice the end of the connection
				if begun != "" {
					_, _ = io.WriteString(w, begun+strings.Repeat(" ", 10))
					w.(http.Flusher).Flush()
				}
				<-r.Context().Done()
			})
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			began := time.Now()
			id, err := newClient(t, n, mesoshttp.Config{}).FindFramework(ctx, master+"/prefix/", "k", "v")
			require.Empty(t, id)
			require.ErrorIs(t, err, context.DeadlineExceeded, fmt.Sprint(err))
			require.Equal(t, 3*time.Second, time.Since(began))
		})
	}
}
