package mesostest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEndpoints(t *testing.T) {
	tests := []struct{ reason, path, handler string }{
		{"the scheduler API", "/api/v1/scheduler", "/api/v1/scheduler"},
		{"under its other name", "/master/api/v1/scheduler/", "/api/v1/scheduler"},
		{"below a known path", "/api/v1/scheduler/x", "/api/v1/scheduler"},
		{"the nearest handler, not the longest common text", "/api/v1/schedule", "/api/v1"},
		{"nobody's", "/master/nope", ""},
		{"the root is no place above all others", "/", "/"},
		{"the root of the other name", "/master/", ""},
		{"metrics", "/metrics/snapshot", "/metrics/snapshot"},
		{"which have no other name", "/master/metrics/snapshot", ""},
		{"maintenance", "/master/maintenance/schedule", "/maintenance/schedule"},
		{"no path", "", ""},
		{"no slash after the other name", "/masterly", ""},
		{"no path at all, as in OPTIONS *", "*", ""},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) { require.Equal(t, test.handler, endpoint(test.path)) })
	}
}

func TestAccept(t *testing.T) {
	tests := []struct {
		reason string
		header []string
		want   codec
	}{
		{"absent", nil, codecJSON},
		{"present and empty allows nothing", []string{""}, ""},
		{"JSON wins whatever the order and the weights", []string{"application/x-protobuf;q=1, application/json;q=0.1"}, codecJSON},
		{"a weight of zero is a no", []string{"application/json;q=0, application/x-protobuf"}, codecProtobuf},
		{"the type itself goes before its family", []string{"application/json;q=0, application/*"}, codecProtobuf},
		{"letter case does not matter", []string{"Application/X-Protobuf"}, codecProtobuf},
		{"a weight that is no number", []string{"application/json;q=x"}, ""},
		{"others", []string{"text/html"}, ""},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) { require.Equal(t, test.want, accepted(test.header)) })
	}
}

// The first failing step answers; these need no state, so no loop runs.
func TestOrderOfValidation(t *testing.T) {
	const subscribe = `{"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"u","name":"n"}}}`
	tests := []struct {
		reason  string
		method  string
		headers map[string]string
		body    string
		status  int
		answer  string
	}{
		{"method before Content-Type", "GET", nil, "", 405, "405 Method Not Allowed. Expecting one of { 'POST' }, but received 'GET'."},
		{"Content-Type before the body", "POST", nil, "{", 400, "Expecting 'Content-Type' to be present"},
		{"the type before Accept", "POST", map[string]string{"Content-Type": "application/json", "Accept": "text/html"}, `{}`, 400,
			"Failed to validate scheduler::Call: Expecting 'type' to be present"},
		{"Accept before the stream ID", "POST", map[string]string{"Content-Type": "application/json", "Accept": "text/html", streamIDHeader: "x"}, subscribe, 406,
			"Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'"},
		{"no stream ID in SUBSCRIBE", "POST", map[string]string{"Content-Type": "application/json", streamIDHeader: ""}, subscribe, 400,
			"Subscribe calls should not include the 'Mesos-Stream-Id' header"},
		{"the framework ID before the payload", "POST", map[string]string{"Content-Type": "application/json"}, `{"type":"KILL"}`, 400,
			"Failed to validate scheduler::Call: Expecting 'framework_id' to be present"},
		{"a body that is not gzip", "POST", map[string]string{"Content-Type": "application/json", "Content-Encoding": "gzip"}, `{}`, 400,
			"Failed to decompress request body"},
	}
	m, err := New(Config{})
	require.NoError(t, err)
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			r := httptest.NewRequest(test.method, "/api/v1/scheduler", strings.NewReader(test.body))
			for name, value := range test.headers {
				r.Header.Set(name, value)
			}
			w := httptest.NewRecorder()
			m.ServeHTTP(w, r)
			require.Equal(t, test.status, w.Code)
			require.Equal(t, test.answer, w.Body.String())
			require.Equal(t, "text/plain; charset=utf-8", w.Header().Get("Content-Type"))
			if w.Code == http.StatusMethodNotAllowed {
				require.Equal(t, "POST", w.Header().Get("Allow"))
			}
		})
	}
}
