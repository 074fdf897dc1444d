package controlapi_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
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
			"a megabyte of empty arrays":   {"[" + strings.Repeat("[],", most/3-2) + "[]]", "", "must be an object", 400},
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
			"a number beyond float64":      {`{"id":"a","cpus":1e400}`, "cpus", "cpus: \"1e400\": is too large", 400},
			"a number of a megabyte":       {`{"id":"a","cpus":` + strings.Repeat("9", most-20) + `}`, "cpus", "is too large", 400},
			"a number beyond uint16":       {`{"id":"a","ports":[{"host":65536}]}`, "ports.host", "ports.host: \"65536\": must be a whole number between 0 and 65535", 400},
			"text for a number":            {`{"id":"a","cpus":"1"}`, "cpus", "cpus: must be a number, not a string", 400},
			"NaN":                          {`{"id":"a","cpus":NaN}`, "", "is not JSON", 400},
			"not UTF-8":                    {"{\"id\":\"a\xff\"}", "", "not UTF-8", 400},
			"a zero byte":                  {"{\"id\":\"a\x00\"}", "", "is not JSON", 400},
			"an escaped zero byte":         {`{"id":"a\u0000","cpus":1,"command":{"shell":"x"}}`, "ID", "", 400},
			"null":                         {"null", "ID", "", 400},
			"an array":                     {"[]", "", "must be an object", 400},
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
