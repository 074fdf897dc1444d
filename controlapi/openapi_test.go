package controlapi_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// document is the description of the API, as far as the tests read it.
type document struct {
	Paths      map[string]map[string]operation
	Components struct{ Schemas map[string]schema }
}

type operation struct {
	Summary     string
	Parameters  []struct{ Name, In string }
	RequestBody *struct{ Content map[string]media }
	Responses   map[string]struct{ Content map[string]media }
}

type media struct{ Schema schema }

// schema is a JSON schema, as far as the document uses them.
type schema struct {
	Ref                  string `json:"$ref"`
	Type                 string
	Format               string
	ContentEncoding      string
	Enum                 []string
	Items                *schema
	Properties           map[string]schema
	Required             []string
	AdditionalProperties json.RawMessage
}

// violation returns what is wrong with a value, "" for nothing.
func (d *document) violation(s schema, v any, at string) string {
	if s.Ref != "" {
		named, known := d.Components.Schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
		if !known {
			return at + ": no schema " + s.Ref
		}
		return d.violation(named, v, at)
	}
	wrong := fmt.Sprintf("%s: %v is no %s %s", at, v, s.Type, s.Format)
	switch v := v.(type) {
	case map[string]any:
		if s.Type != "object" {
			return wrong
		}
		return d.objectViolation(s, v, at)
	case []any:
		if s.Type != "array" {
			return wrong
		}
		for i, e := range v {
			if w := d.violation(*s.Items, e, at+"["+strconv.Itoa(i)+"]"); w != "" {
				return w
			}
		}
	case string:
		_, noTime := time.Parse(time.RFC3339Nano, v)
		_, noBytes := base64.StdEncoding.DecodeString(v)
		if s.Type != "string" || s.Enum != nil && !slices.Contains(s.Enum, v) || s.Format == "date-time" && noTime != nil || s.ContentEncoding != "" && noBytes != nil {
			return wrong
		}
	case float64:
		if s.Type != "number" && (s.Type != "integer" || v != math.Trunc(v)) {
			return wrong
		}
	case bool:
		if s.Type != "boolean" {
			return wrong
		}
	case nil:
		return at + ": null"
	}
	return ""
}

func (d *document) objectViolation(s schema, v map[string]any, at string) string {
	for _, name := range s.Required {
		if _, has := v[name]; !has {
			return at + ": misses " + name
		}
	}
	for name, e := range v {
		of, known := s.Properties[name]
		if !known {
			switch {
			case string(s.AdditionalProperties) == "false":
				return at + ": has " + name
			case len(s.AdditionalProperties) == 0:
				continue
			}
			if err := json.Unmarshal(s.AdditionalProperties, &of); err != nil {
				return err.Error()
			}
		}
		if w := d.violation(of, e, at+"."+name); w != "" {
			return w
		}
	}
	return ""
}

// check returns what is wrong with an answer to a request for a path of the document.
func (d *document) check(method, path string, a answer) string {
	response, known := d.Paths[path][strings.ToLower(method)].Responses[strconv.Itoa(a.status)]
	if !known {
		return fmt.Sprintf("%s %s: no status %d", method, path, a.status)
	}
	if a.status == http.StatusNoContent {
		return a.body
	}
	of, known := response.Content[a.header.Get("Content-Type")]
	if !known {
		return fmt.Sprintf("%s %s: no content %s", method, path, a.header.Get("Content-Type"))
	}
	var v any
	if a.header.Get("Content-Type") == "text/event-stream" {
		return ""
	}
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		return err.Error()
	}
	return d.violation(of.Schema, v, method+" "+path)
}

func (w *world) openapi() *document {
	d := decoded[document](w.t, w.request("GET", "/v1/openapi.json", ""), 200)
	return &d
}

// Each answer is one that the document has, and its body is of the schema there.
func TestAnswersAreAsDescribed(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		d, seen := w.openapi(), map[string]bool{}
		try := func(method, path, id, body string, status int, headers ...string) {
			at, query, _ := strings.Cut(path, "?")
			if query != "" {
				query = "?" + query
			}
			a := w.request(method, strings.ReplaceAll(at, "{id}", id)+query, body, headers...)
			require.Equal(t, status, a.status, a.body)
			require.Empty(t, d.check(method, at, a))
			seen[method+" "+at] = true
		}
		full := spec("web")
		full.Command.Secrets = map[string]task.Secret{"X": {Value: []byte("x")}}
		full.Labels = map[string]string{"a": "b"}
		full.Command.Shell = "echo hello; sleep 3600"
		full.Ports = []task.Port{{Name: "http"}}
		full.MaxCompletionTime = time.Hour
		full.Constraints = []task.Constraint{{Attribute: "hostname", Operator: "LIKE", Value: ".*"}}
		huge := spec("huge")
		huge.CPUs = 1000
		a, b := spec("a"), spec("b")
		a.Pod, b.Pod = "pair", "pair"
		sleep(time.Second)

		try("GET", "/healthz", "", "", 200)
		try("GET", "/readyz", "", "", 200)
		try("GET", "/metrics", "", "", 404)
		try("POST", "/v1/tasks?wait=running", "", encode(t, full), 201)
		try("POST", "/v1/tasks", "", encode(t, huge), 201, "Idempotency-Key: x")
		try("POST", "/v1/tasks", "", encode(t, full), 409)
		try("POST", "/v1/tasks", "", encode(t, full), 422, "Idempotency-Key: x")
		try("POST", "/v1/pods?wait=running", "", encode(t, []task.Spec{a, b}), 201)
		try("POST", "/v1/pods", "", "[]", 400)
		sleep(time.Second)
		try("GET", "/v1/tasks", "", "", 200)
		try("GET", "/v1/tasks?limit=x", "", "", 400)
		try("GET", "/v1/tasks/{id}", "web", "", 200)
		try("GET", "/v1/tasks/{id}", "none", "", 404)
		try("PUT", "/v1/tasks/{id}", "huge", encode(t, huge), 200)
		try("PUT", "/v1/tasks/{id}", "web", encode(t, spec("web")), 409)
		try("PUT", "/v1/tasks/{id}", "web", "text", 415, "Content-Type: text/plain")
		try("GET", "/v1/tasks/{id}/wait", "web", "", 200)
		try("GET", "/v1/tasks/{id}/wait", "huge", "", 504, "Request-Timeout: 1")
		try("GET", "/v1/tasks/{id}/explain", "huge", "", 200)
		try("GET", "/v1/tasks/{id}/explain", "none", "", 404)
		try("GET", "/v1/tasks/{id}/logs?limit=5", "web", "", 200)
		try("GET", "/v1/tasks/{id}/logs", "huge", "", 409)
		try("GET", "/v1/agents", "", "", 200)
		try("GET", "/v1/offers", "", "", 200)
		try("GET", "/v1/status", "", "", 200)
		try("POST", "/v1/reconcile", "", "", 204)
		try("DELETE", "/v1/tasks/{id}", "web", "", 409)
		try("POST", "/v1/tasks/{id}/kill", "web", "", 200)
		try("GET", "/v1/tasks/{id}/wait", "web", "", 422)
		try("DELETE", "/v1/tasks/{id}", "web", "", 204)
		try("POST", "/v1/tasks", "", "{}", 403, "Sec-Fetch-Site: cross-site")
		try("POST", "/v1/teardown", "", `{"frameworkID":"other"}`, 409)
		try("POST", "/v1/teardown", "", encode(t, controlapi.TeardownRequest{FrameworkID: w.frameworkID()}), 204)
		sleep(time.Second)
		try("GET", "/v1/tasks", "", "", 503)
		try("GET", "/readyz", "", "", 503)
		try("GET", "/v1/status", "", "", 200)
		seen["GET /v1/events"], seen["GET /v1/openapi.json"] = true, true // see the other tests
		for path, methods := range d.Paths {
			for method := range methods {
				require.Contains(t, seen, strings.ToUpper(method)+" "+path, "nobody tries this")
			}
		}
	})
}

func (w *world) frameworkID() string {
	status, err := w.scheduler.Status(w.t.Context())
	require.NoError(w.t, err)
	return status.FrameworkID
}

// The data of events is of the schemas that are named after their types.
func TestEventsAreAsDescribed(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		d, names := w.openapi(), map[string]bool{}
		full, summary := w.events("?view=full"), w.events("?view=summary")
		require.Equal(t, 201, w.request("POST", "/v1/tasks?wait=running", encode(t, spec("web"))).status)
		require.Equal(t, 200, w.request("POST", "/v1/tasks/web/kill", "").status)
		require.Equal(t, 204, w.request("DELETE", "/v1/tasks/web", "").status)
		w.cluster.Disconnect()
		sleep(time.Minute)
		check := func(frames []frame, schemas map[string]string) {
			for _, f := range frames {
				name, known := schemas[f.name]
				require.True(t, known, f.name)
				var v any
				require.NoError(t, json.Unmarshal([]byte(f.data), &v))
				require.Empty(t, d.violation(schema{Ref: "#/components/schemas/" + name}, v, f.name))
				names[f.name] = true
			}
		}
		schemas := map[string]string{"snapshot": "SnapshotInfo", "task": "TaskEvent", "overview": "Overview", "removed": "RemovedEvent", "cycle": "OfferEvent", "connection": "ConnectionEvent"}
		check(full.take(), schemas)
		schemas["snapshot"], schemas["task"] = "SnapshotSummary", "SummaryEvent"
		check(summary.take(), schemas)
		require.Len(t, names, len(schemas), "all were seen")
	})
}

// Each path has the methods of the document, and no others; each operation says what it does, and each schema that is
// referred to is there.
func TestDocumentIsComplete(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		d := w.openapi()
		require.Len(t, d.Paths, 17)
		for path, methods := range d.Paths {
			a := w.request("OPTIONS", strings.ReplaceAll(path, "{id}", "x"), "")
			allowed := slices.DeleteFunc(strings.Split(a.header.Get("Allow"), ", "), func(m string) bool { return m == "HEAD" || m == "OPTIONS" })
			var described []string
			for method, o := range methods {
				described = append(described, strings.ToUpper(method))
				require.NotEmpty(t, o.Summary, method+path)
			}
			slices.Sort(described)
			require.Equal(t, described, allowed, path)
		}
		text := w.request("GET", "/v1/openapi.json", "").body
		for _, part := range strings.Split(text, `"$ref":"#/components/schemas/`)[1:] {
			name, _, _ := strings.Cut(part, `"`)
			require.Contains(t, d.Components.Schemas, name)
		}
		require.Contains(t, slices.Collect(maps.Keys(d.Components.Schemas)), "Spec")
	})
}

// A document with a wrong schema is found out.
func TestAnswersAreAsDescribedControl(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		require.Equal(t, 201, w.request("POST", "/v1/tasks?wait=running", encode(t, spec("web"))).status)
		a := w.request("GET", "/v1/tasks/web", "")
		require.Empty(t, w.openapi().check("GET", "/v1/tasks/{id}", a))
		for name, spoil := range map[string]func(*document){
			"another type": func(d *document) { d.Components.Schemas["Spec"].Properties["cpus"] = schema{Type: "integer"} },
			"another element": func(d *document) {
				d.Components.Schemas["TaskDetail"].Properties["history"] = schema{Type: "array", Items: &schema{Type: "string"}}
			},
			"a missing field": func(d *document) { delete(d.Components.Schemas["Info"].Properties, "version") },
			"a required field": func(d *document) {
				s := d.Components.Schemas["Info"]
				s.Required = []string{"score"}
				d.Components.Schemas["Info"] = s
			},
			"a missing schema": func(d *document) { delete(d.Components.Schemas, "Transition") },
			"a missing status": func(d *document) { delete(d.Paths["/v1/tasks/{id}"]["get"].Responses, "200") },
			"a missing content": func(d *document) {
				delete(d.Paths["/v1/tasks/{id}"]["get"].Responses["200"].Content, "application/json")
			},
			"a missing state": func(d *document) {
				d.Components.Schemas["Info"].Properties["state"] = schema{Type: "string", Enum: []string{"dead"}}
			},
		} {
			d := w.openapi()
			spoil(d)
			require.NotEmpty(t, d.check("GET", "/v1/tasks/{id}", a), name)
		}
	})
}

func TestDocumentOfTheAPIHasEveryRoute(t *testing.T) {
	text, err := os.ReadFile("../docs/api.md")
	require.NoError(t, err)
	var documented, described []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Z]+ /[^`]*)` \\|").FindAllStringSubmatch(string(text), -1) {
		documented = append(documented, row[1])
	}
	inWorld(t, nil, func(_ *testing.T, w *world) {
		for path, methods := range w.openapi().Paths {
			for method := range methods {
				described = append(described, strings.ToUpper(method)+" "+path)
			}
		}
	})
	require.ElementsMatch(t, described, documented)
}
