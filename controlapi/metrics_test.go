package controlapi_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
)

// The metrics are behind the token, like everything that says something of the framework.
func TestMetrics(t *testing.T) {
	inWorld(t, func(c *controlapi.Config) {
		c.Tokens = []string{"s3cret"}
		c.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "up 1\n") })
	}, func(t *testing.T, w *world) {
		require.Equal(t, http.StatusUnauthorized, w.request("GET", "/metrics", "").status)
		got := w.request("GET", "/metrics", "", "Authorization: Bearer s3cret")
		require.Equal(t, http.StatusOK, got.status)
		require.Equal(t, "up 1\n", got.body)
		require.Equal(t, http.StatusMethodNotAllowed, w.request("POST", "/metrics", "", "Authorization: Bearer s3cret").status)
	})
}

// Without a handler there is nothing at /metrics.
func TestNoMetrics(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		require.Equal(t, http.StatusNotFound, w.request("GET", "/metrics", "").status)
	})
}
