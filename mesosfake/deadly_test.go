package mesosfake_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/mesosfake"
)

// recorder is a test whose failures are wanted.
type recorder struct {
	testing.TB
	cleanups []func()
	failures []string
}

func (r *recorder) Cleanup(f func())  { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Error(args ...any) { r.failures = append(r.failures, fmt.Sprintln(args...)) }

// A call that a real master would die of fails the test that has started the cluster.
func TestWhatARealMasterWouldDieOf(t *testing.T) {
	r := &recorder{TB: t}
	c := mesosfake.Start(r, mesosfake.Config{})
	transport := &http.Transport{DialContext: c.DialContext}
	defer transport.CloseIdleConnections()
	call := func(streamID, body string) *http.Response {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.Master()+"/api/v1/scheduler", strings.NewReader(body))
		require.NoError(t, err)
		request.Header.Set("Content-Type", "application/json")
		if streamID != "" {
			request.Header.Set("Mesos-Stream-Id", streamID)
		}
		response, err := transport.RoundTrip(request)
		require.NoError(t, err)
		t.Cleanup(func() { _ = response.Body.Close() })
		return response
	}
	stream := call("", `{"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"u","name":"n"}}}`)
	require.Equal(t, http.StatusOK, stream.StatusCode)
	id := c.Snapshot().Frameworks[0].ID
	require.Empty(t, c.Snapshot().Deadly)
	answer := call(stream.Header.Get("Mesos-Stream-Id"), `{"type":"UNKNOWN","framework_id":{"value":"`+id+`"}}`)
	require.Equal(t, http.StatusBadRequest, answer.StatusCode)
	require.Len(t, c.Snapshot().Deadly, 1)
	for _, f := range r.cleanups {
		f()
	}
	require.Len(t, r.failures, 1)
	require.Contains(t, r.failures[0], "a real master would have died: ")
}
