package mesostest

import (
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"
)

// authorized sends the same Authorization header with every request.
type authorized struct {
	http.RoundTripper
	header string
}

func (a *authorized) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if a.header != "" {
		r.Header.Set("Authorization", a.header)
	}
	return a.RoundTripper.RoundTrip(r)
}

// as makes the client of the cluster send the header.
func (c *cluster) as(header string) *authorized {
	a := &authorized{c.client.Transport, header}
	c.client.Transport = a
	return a
}

// fetch reads a page of the master.
func (c *cluster) fetch(path string) (*http.Response, string) {
	c.t.Helper()
	response, err := c.client.Get("http://" + masterAddress + path)
	require.NoError(c.t, err)
	body, err := io.ReadAll(response.Body)
	require.NoError(c.t, err)
	require.NoError(c.t, response.Body.Close())
	return response, string(body)
}

func TestWhoAsksForCredentials(t *testing.T) {
	const both = "\"Basic\" authenticator returned:\n401 Unauthorized.\n\n\"Bearer\" authenticator returned:\n401 Unauthorized."
	secrets, tokens := map[string]string{"fw": "s3cret"}, map[string]string{"good": "fw"}
	for _, test := range []struct {
		why             string
		config          Config
		path, header    string
		challenge, text string // "": it is let in
	}{
		{"either would do", Config{Credentials: secrets, Tokens: tokens}, "/api/v1/scheduler", "",
			`Basic realm="mesos-master-scheduler",Bearer realm="mesos-master-scheduler"`, both},
		{"fw:s3cret", Config{Credentials: secrets, Tokens: tokens}, "/api/v1/scheduler", "Basic Znc6czNjcmV0", "", ""},
		{"a token that is known", Config{Credentials: secrets, Tokens: tokens}, "/teardown", "Bearer good", "", ""},
		{"the scheme is compared as text", Config{Credentials: secrets}, "/master/api/v1", "basic Znc6czNjcmV0",
			`Basic realm="mesos-master-readwrite"`, "401 Unauthorized."},
		{"not base64", Config{Credentials: secrets}, "/state", "Basic !!!", `Basic realm="mesos-master-readonly"`, "401 Unauthorized."},
		{"a wrong secret", Config{Credentials: secrets}, "/slaves", "Basic Znc6", `Basic realm="mesos-master-readonly"`, "401 Unauthorized."},
		{"two colons", Config{Credentials: secrets}, "/tasks", "Basic Znc6czNjcmV0Og==", `Basic realm="mesos-master-readonly"`, "401 Unauthorized."},
		{"a token where only secrets are known", Config{Credentials: secrets}, "/frameworks", "Bearer good",
			`Basic realm="mesos-master-readonly"`, "401 Unauthorized."},
		{"a token that is not known", Config{Tokens: tokens}, "/api/v1", "Bearer old",
			`Bearer realm="mesos-master-readwrite", error="invalid_token", error_description="Invalid JWT: Token has expired"`, "401 Unauthorized."},
		{"a secret where only tokens are known", Config{Tokens: tokens}, "/api/v1", "Basic Znc6czNjcmV0",
			`Bearer realm="mesos-master-readwrite", error="invalid_token", error_description="Scheme 'Basic' unsupported"`, "401 Unauthorized."},
		{"more than a token", Config{Tokens: tokens}, "/api/v1", "Bearer good one",
			`Bearer realm="mesos-master-readwrite", error="invalid_token", error_description="Malformed 'Authorization' header"`, "401 Unauthorized."},
		{"nothing is said of what is wrong with nothing", Config{Tokens: tokens}, "/api/v1", "", `Bearer realm="mesos-master-readwrite"`, "401 Unauthorized."},
		{"nobody has a secret", Config{Credentials: map[string]string{}}, "/api/v1", "Basic Og==", `Basic realm="mesos-master-readwrite"`, "401 Unauthorized."},
		{"open to all", Config{Credentials: secrets}, "/health", "", "", ""},
		{"open to all", Config{Credentials: secrets}, "/version", "", "", ""},
		{"nothing to protect", Config{Credentials: secrets}, "/nowhere", "", "", ""},
		{"nobody asks", Config{}, "/state", "Bearer old", "", ""},
	} {
		inBubble(t, test.config, func(c *cluster) {
			c.as(test.header)
			response, body := c.fetch(test.path)
			require.Equal(t, test.challenge, response.Header.Get("WWW-Authenticate"), test.why)
			if test.challenge == "" {
				require.NotEqual(t, http.StatusUnauthorized, response.StatusCode, test.why)
				return
			}
			require.Equal(t, http.StatusUnauthorized, response.StatusCode, test.why)
			require.Equal(t, test.text, body, test.why)
		})
	}
}

// Who sends a request is asked before whether the master leads, but a frozen one asks nothing.
func TestFollowersAskForCredentials(t *testing.T) {
	at := threeMasters()
	inBubbleOf(t, Config{Credentials: map[string]string{"fw": "s3cret"}}, at, func(c *cluster) {
		require.Equal(t, "401 401 Unauthorized.", c.get(at[1], "/state"))
		require.Equal(t, "200 ", c.get(at[1], "/health"))
		require.True(t, c.master.FreezeMaster(1))
		require.Equal(t, "context deadline exceeded", c.get(at[1], "/state"))
		require.True(t, c.master.ReturnMaster(1))
		c.as("Basic Znc6czNjcmV0")
		require.Equal(t, "307 //m0.example:5050/master/state", c.get(at[1], "/state"))
	})
}

// A token that expires takes nobody's stream away, but every call needs a good one.
func TestTokenExpires(t *testing.T) {
	inBubble(t, Config{Tokens: map[string]string{"first": "fw"}, Agents: oneAgent()}, func(c *cluster) {
		transport := c.as("Bearer first")
		info := frameworkInfo()
		info.FailoverTimeout = ptr(60.0)
		s := c.subscribe(info)
		s.call(202, &scheduler.Call{Type: scheduler.Call_REVIVE})

		c.at(time.Second)
		c.master.SetTokens(map[string]string{"second": "fw", "third": "other"})
		require.Equal(t, "401 Unauthorized.", s.call(401, &scheduler.Call{Type: scheduler.Call_REVIVE}))
		c.at(15 * time.Second)
		require.Equal(t, []string{"15 HEARTBEAT"}, s.since(15*time.Second))

		transport.header = "Bearer third"
		require.Equal(t, "Authenticated principal 'other' does not match principal 'fw' set in `FrameworkInfo`",
			s.call(400, &scheduler.Call{Type: scheduler.Call_REVIVE}))
		transport.header = "Bearer second"
		s.call(202, &scheduler.Call{Type: scheduler.Call_REVIVE})

		c.master.SetTokens(nil)
		s.close()
		response, err := c.tryPost(&scheduler.Call{Type: scheduler.Call_SUBSCRIBE, Subscribe: &scheduler.Call_Subscribe{FrameworkInfo: info}}, "")
		require.NoError(t, err)
		require.Equal(t, http.StatusUnauthorized, response.StatusCode)
		require.NoError(t, response.Body.Close())
	})
}

// A framework without a principal is given the authenticated one, which no other may take over.
func TestPrincipalIsKept(t *testing.T) {
	inBubble(t, Config{Tokens: map[string]string{"a": "one", "b": "two"}}, func(c *cluster) {
		transport := c.as("Bearer a")
		info := frameworkInfo()
		s := c.subscribe(info)
		_, body := c.fetch("/frameworks")
		require.Contains(t, body, `"principal":"one"`)

		transport.header = "Bearer b"
		info.ID = s.fid
		other := c.subscribe(info)
		require.Equal(t, []string{"0 ERROR Changing framework's principal is not allowed.", "0 end: EOF"}, other.log())
		require.Equal(t, []string{"0 SUBSCRIBED", "0 HEARTBEAT"}, s.log())
	})
}

// A framework that says nothing of a principal may be anybody's when nobody asks.
func TestTokensOfAnOpenMaster(t *testing.T) {
	inBubble(t, Config{}, func(c *cluster) {
		c.master.SetTokens(map[string]string{"a": "one"})
		s := c.subscribe(frameworkInfo())
		require.Equal(t, []string{"0 SUBSCRIBED", "0 HEARTBEAT"}, s.log())
		s.call(202, &scheduler.Call{Type: scheduler.Call_KILL, Kill: &scheduler.Call_Kill{TaskID: mesos.TaskID{Value: "t"}}})
		synctest.Wait()
	})
}

// Nobody gets in but with one of the two proofs, whatever the header.
func FuzzAuthorization(f *testing.F) {
	for _, header := range []string{"", "Basic Znc6czNjcmV0", "Basic Znc6czNjcmV0Og==", "Basic ", "Bearer good", "Bearer  good", "bearer good", "good"} {
		f.Add(header)
	}
	c := newCredentials(map[string]string{"fw": "s3cret"}, map[string]string{"good": "other"})
	f.Fuzz(func(t *testing.T, header string) {
		principal, challenge, text := c.check(header, "realm")
		switch principal {
		case "fw":
			proof, ok := strings.CutPrefix(header, "Basic ")
			require.True(t, ok)
			pair, err := base64.StdEncoding.DecodeString(proof)
			require.NoError(t, err)
			require.Equal(t, "fw:s3cret", string(pair))
			require.Empty(t, challenge)
		case "other":
			require.Equal(t, "Bearer good", header)
			require.Empty(t, challenge)
		default:
			require.Empty(t, principal)
			require.True(t, strings.HasPrefix(challenge, `Basic realm="realm",Bearer realm="realm"`))
			require.NotEmpty(t, text)
		}
	})
}
