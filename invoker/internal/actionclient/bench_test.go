package actionclient

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkRun compares a warm /run with a POST of net/http to the same runtime, on loopback.
func BenchmarkRun(b *testing.B) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = w.Write([]byte(`{"greeting":"hello"}`))
	})}
	go func() { _ = server.Serve(listener) }()
	b.Cleanup(func() { _ = server.Close() })
	address := listener.Addr().String()

	b.Run("actionclient", func(b *testing.B) {
		container := New(nil).Container(address, 1)
		defer container.Close()
		run := &RunRequest{Call: Call{
			Namespace: "guest", Action: "/guest/hello", Version: "0.0.1", ActivationID: "8f0ea1b8ac1f4a3b8ea1b8ac1f4a3b1c",
			Deadline: time.Now(), Timeout: time.Minute,
		}}
		b.ReportAllocs()
		for b.Loop() {
			if a := container.Run(b.Context(), run); a.Outcome != Success {
				b.Fatal(a.Err)
			}
		}
	})
	b.Run("net/http", func(b *testing.B) {
		transport := &http.Transport{DisableCompression: true}
		defer transport.CloseIdleConnections()
		client := &http.Client{Transport: transport}
		body, err := (&RunRequest{Call: Call{Namespace: "guest", Action: "/guest/hello", Version: "0.0.1"}}).appendTo(nil)
		require.NoError(b, err)
		b.ReportAllocs()
		for b.Loop() {
			ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
			request, _ := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/run", bytes.NewReader(body))
			response, err := client.Do(request)
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.ReadAll(response.Body)
			_ = response.Body.Close()
			cancel()
		}
	})
}
