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

// BenchmarkRun compares a warm /run with a POST of net/http, and with as many bytes on a connection without any HTTP. The runtime is on
// loopback and does next to nothing itself.
func BenchmarkRun(b *testing.B) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	b.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go parrot(conn)
		}
	}()
	address := listener.Addr().String()
	run := &RunRequest{Call: Call{
		Namespace: "guest", Action: "/guest/hello", Version: "0.0.1", ActivationID: "8f0ea1b8ac1f4a3b8ea1b8ac1f4a3b1c",
		Deadline: time.Now(), Timeout: time.Minute,
	}}

	b.Run("actionclient", func(b *testing.B) {
		container := New(nil).Container(address, 1)
		defer container.Close()
		ctx, cancel := context.WithCancel(b.Context())
		defer cancel()
		b.ReportAllocs()
		for b.Loop() {
			if a := container.Run(ctx, run); a.Outcome != Success {
				b.Fatal(a.Err)
			}
		}
	})
	b.Run("bytes", func(b *testing.B) {
		conn, err := net.Dial("tcp", address)
		require.NoError(b, err)
		defer conn.Close()
		request, err := run.appendTo(make([]byte, 128))
		require.NoError(b, err)
		reply := make([]byte, 4096)
		b.ReportAllocs()
		for b.Loop() {
			_, _ = conn.Write(request)
			if _, err := conn.Read(reply); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("net/http", func(b *testing.B) {
		transport := &http.Transport{DisableCompression: true}
		defer transport.CloseIdleConnections()
		client := &http.Client{Transport: transport, Timeout: time.Minute}
		body, err := run.appendTo(nil)
		require.NoError(b, err)
		b.ReportAllocs()
		for b.Loop() {
			response, err := client.Post("http://"+address+"/run", "application/json", bytes.NewReader(body))
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.ReadAll(response.Body)
			_ = response.Body.Close()
		}
	})
}

// parrot answers whatever comes in one piece.
func parrot(conn net.Conn) {
	defer conn.Close()
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n" + `{"greeting":"hello"}`)
	buffer := make([]byte, 64<<10)
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			return
		}
		if bytes.HasSuffix(buffer[:n], []byte("}")) { // net/http may send the head first
			_, _ = conn.Write(answer)
		}
	}
}
