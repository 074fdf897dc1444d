package controlapi_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

func TestHostileBodies(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		const most = 1 << 20
		for name, row := range map[string]struct {
			body, field, says string
			status            int
		}{
			"a megabyte of nested arrays":  {strings.Repeat("[", most), "", "nested more than 32 deep", 400},
			"a megabyte of nested objects": {strings.Repeat(`{"a":`, most/5), "", "nested more than 32 deep", 400},
			"nested, and complete":         {strings.Repeat("[", 1000) + strings.Repeat("]", 1000), "", "nested more than 32 deep", 400},
			"a megabyte of empty arrays":   {"[" + strings.Repeat("[],", most/3-2) + "[]]", "", "task.Spec", 400},
			"a byte too much":              {strings.Repeat(" ", most-1) + "{}", "", "more than 1048576 bytes", 413},
			"unknown field":                {`{"id":"a","kill":true}`, "kill", "is not a field", 400},
			"unknown field deep inside":    {`{"id":"a","command":{"shel":"x"}}`, "shel", "is not a field", 400},
			"trailing garbage":             {encode(t, spec("a")) + "x", "", "is not JSON", 400},
			"two values":                   {encode(t, spec("a")) + encode(t, spec("b")), "", "something follows", 400},
			"duplicate name":               {`{"id":"a","id":"b"}`, "id", "comes twice", 400},
			"duplicate name, escaped":      {`{"id":"a","i\u0064":"b"}`, "id", "comes twice", 400},
			"duplicate name, upper case":   {`{"id":"a","ID":"b"}`, "ID", "comes twice", 400},
			"duplicate name, Unicode":      {`{"mem":1,"disk":1,"disK":2}`, "disK", "comes twice", 400},
			"duplicate name deep inside":   {`{"id":"a","labels":{"x":"1","x":"2"}}`, "x", "comes twice", 400},
			"a number beyond float64":      {`{"id":"a","cpus":1e400}`, "cpus", "must be float64", 400},
			"a number of a megabyte":       {`{"id":"a","cpus":` + strings.Repeat("9", most-20) + `}`, "cpus", "must be float64", 400},
			"a number beyond uint16":       {`{"id":"a","ports":[{"host":65536}]}`, "ports.host", "must be uint16", 400},
			"text for a number":            {`{"id":"a","cpus":"1"}`, "cpus", "must be float64", 400},
			"NaN":                          {`{"id":"a","cpus":NaN}`, "", "is not JSON", 400},
			"not UTF-8":                    {"{\"id\":\"a\xff\"}", "", "not UTF-8", 400},
			"a zero byte":                  {"{\"id\":\"a\x00\"}", "", "is not JSON", 400},
			"an escaped zero byte":         {`{"id":"a\u0000","cpus":1,"command":{"shell":"x"}}`, "ID", "", 400},
			"null":                         {"null", "ID", "", 400},
			"an array":                     {"[]", "", "task.Spec", 400},
			"cut off":                      {`{"id":"a"`, "", "is not JSON", 400},
			"nothing":                      {"", "", "a body is required", 400},
			"a byte order mark":            {"\ufeff{}", "", "is not JSON", 400},
		} {
			e := problem(t, w.request("POST", "/v1/tasks", row.body, "Content-Type: application/json"), row.status)
			require.Contains(t, e.Message+" "+e.Reason, row.says, name)
			require.Equal(t, row.field, e.Field, name)
			require.Less(t, len(e.Message), 5000, name)
		}
		infos, err := w.scheduler.Tasks(t.Context())
		require.NoError(t, err)
		require.Empty(t, infos)
		// A control: what is as large and as deep as allowed is taken.
		large := spec("large")
		large.Command.Env = map[string]string{"X": strings.Repeat("x", most-1000), "x": "another one"}
		require.Equal(t, 201, w.request("POST", "/v1/tasks", encode(t, large)).status)
	})
}

func TestBodyOfUnknownLengthIsLimited(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		r, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+address+"/v1/tasks", io.LimitReader(endless{}, 1<<30))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/json")
		require.Equal(t, controlapi.CodeTooLarge, problem(t, w.do(r), 413).Code)
	})
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// What a task says is data in each answer: the type is not guessed, and no tag is in it.
func TestScriptInNamesAndLabels(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		const script = `<script>alert("x")</script>`
		s := spec("web")
		s.Name, s.Labels = script, map[string]string{script: script}
		r := w.events("?view=full")
		require.Equal(t, 201, w.request("POST", "/v1/tasks?wait=running", encode(t, s)).status)
		for _, path := range []string{"/v1/tasks", "/v1/tasks/web", "/v1/tasks/web/explain", "/v1/tasks?q=" + "%3Cscript%3E", "/v1/" + "%3Cscript%3E", "/v1/tasks/%3Cscript%3E"} {
			a := w.request("GET", path, "")
			require.NotContains(t, a.body, "<script", path)
			require.Equal(t, "application/json", a.header.Get("Content-Type"), path)
			require.Equal(t, "nosniff", a.header.Get("X-Content-Type-Options"), path)
			require.Equal(t, "no-store", a.header.Get("Cache-Control"), path)
		}
		for _, f := range r.take() {
			require.NotContains(t, f.data, "<script")
		}
	})
}

func TestPathTricks(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		require.Equal(t, 201, w.request("POST", "/v1/tasks?wait=running", encode(t, spec("web"))).status)
		for _, path := range []string{
			"/v1/tasks/../status", "/v1/tasks/%2e%2e/status", "/v1/./status", "//v1/status", "/v1//status", "/v1/status/", "/v1/status%00",
			"/V1/status", "/v1/%73tatus", "/v1/status%2f", "/v1\\status", "/v1", "/v1/", "/v1/tasks/", "/v1/tasks//wait", "/v1/tasks/web/logs/../explain",
			"/assets/../v1/status", "/assets/%2e%2e/page.go", "/assets/", "/assets", "/index.html", "/v1/tasks/web%2Fexplain", "/v1/tasks/..%2f..%2fstatus",
			"/v1/tasks/%00", "/v1/tasks/%ff", "/v1/tasks/" + strings.Repeat("x", 10_000), "*", "/v1/tasks/web;/explain",
		} {
			head := w.raw("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
			status := strings.SplitN(head, " ", 3)[1]
			require.Contains(t, []string{"404", "400"}, status, "%s: %s", path, head)
			require.NotContains(t, head, "Location:", path)
		}
		head := w.raw("GET http://evil.example/v1/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
		require.Contains(t, head, " 403 ", "the address in the request line counts, not the header")
		require.Equal(t, 200, w.request("GET", "/v1/tasks/%77eb", "").status, "a control: an ID may be escaped")
	})
}

// raw sends bytes and returns what comes back until the server closes the connection.
func (w *world) raw(bytes string) string {
	conn, err := w.network.DialContext(w.t.Context(), "tcp", address)
	require.NoError(w.t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, bytes)
	require.NoError(w.t, err)
	answer, err := io.ReadAll(conn)
	require.NoError(w.t, err)
	return string(answer)
}

func TestWrongMethods(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		require.Equal(t, 201, w.request("POST", "/v1/tasks?wait=running", encode(t, spec("web"))).status)
		for path, allow := range map[string]string{
			"/v1/tasks":          "GET, HEAD, POST, OPTIONS",
			"/v1/tasks/web":      "DELETE, GET, HEAD, PUT, OPTIONS",
			"/v1/tasks/web/kill": "POST, OPTIONS",
			"/v1/status":         "GET, HEAD, OPTIONS",
			"/v1/teardown":       "POST, OPTIONS",
			"/v1/events":         "GET, HEAD, OPTIONS",
		} {
			for _, method := range []string{"PATCH", "TRACE", "PROPFIND", "get", "DELETE", "PUT", "POST", "GET"} {
				if strings.Contains(allow, method) {
					continue
				}
				a := w.request(method, path, "")
				require.Equal(t, controlapi.CodeMethod, problem(t, a, 405).Code, method+path)
				require.Equal(t, allow, a.header.Get("Allow"))
			}
			a := w.request("OPTIONS", path, "", "Origin: https://evil.example", "Access-Control-Request-Method: POST")
			require.Equal(t, 204, a.status)
			require.Equal(t, allow, a.header.Get("Allow"))
			for name := range a.header {
				require.NotContains(t, name, "Access-Control", "no other site is allowed anything")
			}
			if strings.Contains(allow, "HEAD") {
				a = w.request("HEAD", path, "")
				require.Equal(t, 200, a.status, path)
				require.Empty(t, a.body)
			}
		}
		require.Equal(t, 405, w.request("POST", "/", "").status)
		require.Equal(t, 200, w.request("GET", "/", "").status)
	})
}

// Whoever wants to tear down another framework, such as after a mistake with an address, tears down nothing.
func TestRequestForAnotherFramework(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		require.Equal(t, 201, w.request("POST", "/v1/tasks?wait=running", encode(t, spec("web"))).status)
		e := problem(t, w.request("POST", "/v1/teardown", `{"frameworkID":"20150101-000000-1-0000"}`), 409)
		require.Equal(t, controlapi.CodeOtherFramework, e.Code)
		require.Equal(t, "frameworkID", problem(t, w.request("POST", "/v1/teardown", `{}`), 400).Field)
		require.Equal(t, 400, w.request("POST", "/v1/teardown", "").status)
		info, err := w.scheduler.Task(t.Context(), "web")
		require.NoError(t, err)
		require.Equal(t, task.StateRunning, info.State)

		status, err := w.scheduler.Status(t.Context())
		require.NoError(t, err)
		require.Equal(t, 204, w.request("POST", "/v1/teardown", encode(t, controlapi.TeardownRequest{FrameworkID: status.FrameworkID})).status)
		sleep(time.Second)
		require.Equal(t, scheduler.CodeNotRunning, problem(t, w.request("GET", "/v1/tasks", ""), 503).Code)
	})
}

const token = "a-token-of-a-test"

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

func TestRequestTimeout(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		for _, value := range []string{"NaN", "Inf", "-1", "0", "0.0", "1e300", "1e-9", "0x10", "600.001", "601", "10m", "1,5", "+1", "1_0", " ", ".", strings.Repeat("9", 1000)} {
			if value == " " {
				require.Equal(t, 200, w.request("GET", "/v1/tasks", "", "Request-Timeout: "+value).status, "an empty header is none")
				continue
			}
			e := problem(t, w.request("GET", "/v1/tasks", "", "Request-Timeout: "+value), 400)
			require.Equal(t, "Request-Timeout", e.Field, value)
		}
		huge := spec("huge")
		huge.CPUs = 1000
		require.Equal(t, 201, w.request("POST", "/v1/tasks", encode(t, huge)).status)
		for value, want := range map[string]time.Duration{"1": time.Second, "600": 10 * time.Minute, "0.25": 250 * time.Millisecond, "": 30 * time.Second} {
			began := time.Now()
			problem(t, w.request("GET", "/v1/tasks/huge/wait", "", "Request-Timeout: "+value), 504)
			require.Equal(t, want, time.Since(began), value)
		}
	})
}

func TestHeaderOfAMegabyte(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		head := w.raw("GET /v1/status HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n")
		require.Contains(t, head, " 431 ")
		require.Equal(t, 200, w.request("GET", "/v1/status", "", "X: "+strings.Repeat("x", 15_000)).status)
	})
}

// A proxy in front of the server must not take a part of a body for a request of its own, nor the server.
func TestRequestSmuggling(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		const head = "POST /v1/reconcile HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
		const inner = "POST /v1/reconcile HTTP/1.1\r\nHost: localhost\r\n\r\n"
		for name, row := range map[string]struct{ request, status string }{
			"two lengths":              {head + "Content-Length: 0\r\nContent-Length: 50\r\n\r\n" + inner, "400"},
			"a length and chunks":      {head + "Content-Length: 50\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inner, "204"},
			"an encoding that is none": {head + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + inner, "501"},
			"a space before the colon": {head + "Content-Length : 50\r\n\r\n" + inner, "400"},
			"a negative length":        {head + "Content-Length: -1\r\n\r\n", "400"},
			"a folded header":          {head + "X: a\r\n\tTransfer-Encoding: chunked\r\n\r\n", "204"},
			"two hosts":                {"GET /v1/status HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", "400"},
		} {
			answers := w.raw(row.request)
			require.Equal(t, row.status, strings.SplitN(answers, " ", 3)[1], name)
			require.Equal(t, 1, strings.Count(answers, "HTTP/1.1 "), name)
		}
	})
}

// panicking is a framework whose methods panic.
type panicking struct{ controlapi.Framework }

func (panicking) Task(context.Context, string) (task.Info, error) { panic("a secret in the framework") }

func TestPanicInTheFramework(t *testing.T) {
	inWorld(t, func(c *controlapi.Config) { c.Framework = panicking{c.Framework} }, func(t *testing.T, w *world) {
		a := w.request("GET", "/v1/tasks/web", "")
		require.Equal(t, scheduler.CodePanic, problem(t, a, 500).Code)
		require.NotContains(t, a.body, "secret")
		require.NotContains(t, a.body, "goroutine")
		require.Equal(t, 200, w.request("GET", "/healthz", "").status, "the server goes on")
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

// Whoever sends the head, or the body, of a request byte by byte loses the connection.
func TestSlowRequests(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		const head = "POST /v1/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n"
		for name, row := range map[string]struct{ at, drips string }{
			"nothing":             {"", ""},
			"the head":            {"GET /v1/status HTTP/1.1\r\n", "X: x\r\n"},
			"no end of line":      {"GET /v1/", "x"},
			"the body":            {head + "\r\n", " "},
			"nothing of the body": {head + "\r\n", ""},
		} {
			conn, err := w.network.DialContext(t.Context(), "tcp", address)
			require.NoError(t, err)
			began := time.Now()
			_, err = io.WriteString(conn, row.at)
			require.NoError(t, err)
			stop := make(chan struct{})
			var dripping sync.WaitGroup
			dripping.Go(func() {
				for row.drips != "" {
					select {
					case <-stop:
						return
					case <-time.After(time.Second):
						_, _ = io.WriteString(conn, row.drips)
					}
				}
			})
			_, _ = io.ReadAll(conn)
			require.LessOrEqual(t, time.Since(began), 11*time.Second, name)
			close(stop)
			dripping.Wait()
			require.NoError(t, conn.Close())
		}
		sleep(time.Minute)
	})
}

// pipes is a listener whose connections have no buffers: a write waits until the other side reads.
type pipes struct {
	conns chan net.Conn
	ended chan struct{}
	once  sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), ended: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.ended:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { p.once.Do(func() { close(p.ended) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "unix"} }

func (p *pipes) dial() net.Conn {
	near, far := net.Pipe()
	p.conns <- far
	return near
}

// A reader of events stops reading. It costs the server nothing but its place, and loses that after 30 s.
func TestReaderThatStopsReading(t *testing.T) {
	inWorld(t, func(c *controlapi.Config) { c.Insecure = true }, func(t *testing.T, w *world) {
		listener := newPipes()
		ctx, stop := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() { served <- w.server.Serve(ctx, listener) }()
		defer func() {
			stop()
			<-served
		}()
		conn := listener.dial()
		_, err := io.WriteString(conn, "GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
		require.NoError(t, err)
		began := time.Now()
		sleep(29 * time.Second)
		_, err = conn.Read(make([]byte, 1))
		require.NoError(t, err, "it is still there")
		sleep(2 * time.Minute)
		_, err = io.ReadAll(conn)
		require.NoError(t, err)
		require.Less(t, time.Since(began), 3*time.Minute)
	})
}

// A reader that is more than 4,096 events behind is told so, and its stream ends.
func TestReaderThatIsTooSlow(t *testing.T) {
	inWorld(t, func(c *controlapi.Config) { c.Insecure = true }, func(t *testing.T, w *world) {
		listener := newPipes()
		ctx, stop := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() { served <- w.server.Serve(ctx, listener) }()
		defer func() {
			stop()
			<-served
		}()
		conn := listener.dial()
		_, err := io.WriteString(conn, "GET /v1/events?view=summary HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		require.NoError(t, err)
		for beginning := ""; !strings.Contains(beginning, `"last":true`); { // the end of the snapshot
			part := make([]byte, 1000)
			n, err := conn.Read(part)
			require.NoError(t, err)
			beginning += string(part[:n])
		}
		for i := range 5000 {
			require.NoError(t, w.scheduler.Submit(t.Context(), spec("t"+encode(t, i))))
		}
		rest, err := io.ReadAll(conn)
		require.NoError(t, err)
		require.Contains(t, string(rest), "event: lag\ndata: {\"missed\":")
		require.True(t, strings.HasSuffix(string(rest), "}\n\n\r\n0\r\n\r\n"), "and then it ends")
	})
}

// sink is an answer to somebody who watches.
type sink struct {
	header http.Header
	status atomic.Int32
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(p []byte) (int, error) { s.status.CompareAndSwap(0, 200); return len(p), nil }
func (s *sink) WriteHeader(status int)      { s.status.CompareAndSwap(0, int32(status)) }
func (s *sink) FlushError() error           { return nil }

func TestTenThousandWatchers(t *testing.T) {
	inWorld(t, func(c *controlapi.Config) { c.Insecure = true }, func(t *testing.T, w *world) {
		const watchers = 10_000
		for i := range 100 {
			require.NoError(t, w.scheduler.Submit(t.Context(), spec("t"+encode(t, i))))
		}
		sleep(time.Minute)
		before := heap()
		ctx, stop := context.WithCancel(t.Context())
		var all sync.WaitGroup
		sinks := make([]*sink, watchers)
		for i := range watchers {
			sinks[i] = &sink{header: http.Header{}}
			r := httptest.NewRequestWithContext(ctx, "GET", "/v1/events?view=summary", nil)
			all.Go(func() { w.server.ServeHTTP(sinks[i], r) })
		}
		sleep(time.Second)
		require.Less(t, heap()-before, int64(64<<20), "bytes")
		served, refused := 0, 0
		for _, s := range sinks {
			switch s.status.Load() {
			case 200:
				served++
			case 503:
				refused++
				require.Equal(t, "1", s.header.Get("Retry-After"))
			}
		}
		require.Equal(t, []int{1000, watchers - 1000}, []int{served, refused})
		a := w.request("GET", "/v1/tasks", "")
		require.Equal(t, 200, a.status, "what does not wait is still answered")
		stop()
		all.Wait()
		require.Equal(t, 201, w.request("POST", "/v1/tasks", encode(t, spec("more"))).status)
	})
}

// heap returns how many bytes are in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
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

func (a *addressed) Addr() net.Addr  { return a }
func (a *addressed) Network() string { return "tcp" }
func (a *addressed) String() string  { return a.at }
