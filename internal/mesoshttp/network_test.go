package mesoshttp_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
	"github.com/mesos-actor/mesos-actor-go/internal/recordio"
)

const (
	master   = "http://master.example:5050"
	streamID = "2e951ef3-db59-4c5e-b31e-f6cf30efc118"
)

type dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// network connects a client and a server in memory, so that both can live in a synctest bubble.
type network struct {
	conns  chan net.Conn
	closed chan struct{}
	close  sync.Once
	dials  atomic.Int32
}

func newNetwork() *network {
	return &network{conns: make(chan net.Conn), closed: make(chan struct{})}
}

// DialContext waits for the other side to accept.
func (n *network) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	n.dials.Add(1)
	ours, theirs := net.Pipe()
	select {
	case n.conns <- theirs:
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (n *network) Accept() (net.Conn, error) {
	select {
	case conn := <-n.conns:
		return conn, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (n *network) Close() error {
	n.close.Do(func() { close(n.closed) })
	return nil
}

// Addr implements net.Listener.
func (n *network) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 5050} }

// newClient returns a client that dials n and is closed with the test.
func newClient(t *testing.T, n dialer, config mesoshttp.Config) *mesoshttp.Client {
	config.DialContext = n.DialContext
	client, err := mesoshttp.New(config)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

// serve runs a server of net/http on a new network for the length of the test.
func serve(t *testing.T, handler http.HandlerFunc) *network {
	n := newNetwork()
	server := &http.Server{Handler: handler}
	done := make(chan error)
	go func() { done <- server.Serve(n) }()
	t.Cleanup(func() {
		require.NoError(t, server.Close())
		require.ErrorIs(t, <-done, http.ErrServerClosed)
	})
	return n
}

// serveRaw runs one function per connection, after the first request on it was read, for the bytes that no
// server of net/http would send. The connection is closed when the function returns.
func serveRaw(t *testing.T, answer func(conn net.Conn, r *bufio.Reader)) *network {
	n := newNetwork()
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := n.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				r := bufio.NewReader(conn)
				if readRequest(r) == nil {
					answer(conn, r)
				}
			})
		}
	})
	t.Cleanup(func() {
		n.Close()
		all.Wait()
	})
	return n
}

// readRequest reads a whole request.
func readRequest(r *bufio.Reader) error {
	req, err := http.ReadRequest(r)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, req.Body)
	return err
}

// head is the beginning of a real master's answer to SUBSCRIBE.
const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nMesos-Stream-Id: " + streamID +
	"\r\nContent-Type: application/x-protobuf\r\n\r\n"

// lastChunk ends a chunked body.
const lastChunk = "0\r\n\r\n"

func chunk(content string) string {
	return fmt.Sprintf("%x\r\n%s\r\n", len(content), content)
}

// heartbeat is that event in RecordIO: 0x08 0x08 says type 8.
const heartbeat = "2\n\x08\x08"

// openStream answers SUBSCRIBE properly and leaves the rest to the caller.
func openStream(w http.ResponseWriter) *recordio.Writer {
	w.Header().Set("Content-Type", "application/x-protobuf")
	w.Header().Set("Mesos-Stream-Id", streamID)
	w.WriteHeader(http.StatusOK)
	w.(http.Flusher).Flush()
	return recordio.NewWriter(w)
}

func subscribeCall() *scheduler.Call {
	return &scheduler.Call{Type: scheduler.Call_SUBSCRIBE, Subscribe: &scheduler.Call_Subscribe{
		FrameworkInfo: &mesos.FrameworkInfo{User: "root", Name: "test"},
	}}
}

func killCall(taskID string) *scheduler.Call {
	return &scheduler.Call{
		Type:        scheduler.Call_KILL,
		FrameworkID: &mesos.FrameworkID{Value: "framework"},
		Kill:        &scheduler.Call_Kill{TaskID: mesos.TaskID{Value: taskID}},
	}
}
