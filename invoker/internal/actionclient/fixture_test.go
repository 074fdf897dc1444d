package actionclient

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/actionruntime"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
)

const address = "10.0.0.1:8080"

// world is a container and the client's side of it, on a virtual network, in a bubble.
type world struct {
	t         *testing.T
	network   virtualnet.Network
	container *Container
	dials     atomic.Int64
	read      atomic.Int64 // bytes that the client has read
	open      atomic.Int64 // connections
}

func newWorld(t *testing.T) *world {
	w := &world{t: t}
	w.container = New(w.dial).Container(address, 1)
	t.Cleanup(func() {
		w.container.Close()
		require.Zero(t, w.open.Load(), "connections that were not closed")
	})
	return w
}

func (w *world) dial(ctx context.Context, network, address string) (net.Conn, error) {
	w.dials.Add(1)
	conn, err := w.network.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	w.open.Add(1)
	return &countingConn{Conn: conn.(*virtualnet.Conn), world: w}, nil
}

type countingConn struct {
	*virtualnet.Conn
	world *world
}

func (c *countingConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.world.read.Add(int64(n))
	return n, err
}

func (c *countingConn) Close() error {
	c.world.open.Add(-1)
	return c.Conn.Close()
}

func (w *world) listen() *virtualnet.Listener {
	listener, err := w.network.Listen(address)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { _ = listener.Close() })
	return listener.(*virtualnet.Listener)
}

// serve has a runtime serve until the function it returns is called, or the test ends.
func (w *world) serve(config actionruntime.Config) (kill func()) {
	listener := w.listen()
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		actionruntime.New(config).Serve(ctx, listener)
	}()
	kill = func() {
		cancel()
		<-done
	}
	w.t.Cleanup(kill)
	return kill
}

// accept has a function answer each request with what bytes it likes. It gets the number of the connection, and has it closed by
// returning false.
func (w *world) accept(serve func(conn *virtualnet.Conn, n int, request *http.Request) bool) {
	listener := w.listen()
	var serving sync.WaitGroup
	w.t.Cleanup(func() {
		w.container.Close()
		_ = listener.Close()
		serving.Wait()
	})
	serving.Go(func() {
		for n := 0; ; n++ {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				r := bufio.NewReader(conn)
				for {
					request, err := http.ReadRequest(r)
					if err != nil || !serve(conn.(*virtualnet.Conn), n, request) {
						return
					}
					_, _ = io.Copy(io.Discard, request.Body)
				}
			})
		}
	})
}

func call() Call {
	return Call{
		Namespace: "guest", Action: "/guest/utils/hello", Version: "0.0.2", ActivationID: "a1", TransactionID: "t1",
		Deadline: time.UnixMilli(1700000060000), Timeout: time.Minute,
	}
}

func (w *world) init(code string) Answer {
	return w.container.Init(w.t.Context(), &InitRequest{Call: call(), Main: "main", Code: code})
}

func (w *world) run(params string) Answer {
	return w.container.Run(w.t.Context(), &RunRequest{Call: call(), Params: json.RawMessage(params)})
}

// bubble runs a test with a world of its own in a bubble.
func bubble(t *testing.T, test func(t *testing.T, w *world)) {
	synctest.Test(t, func(t *testing.T) { test(t, newWorld(t)) })
}

// runUntil runs an activation whose caller gives up after a time.
func (w *world) runUntil(d time.Duration, because error) Answer {
	ctx, cancel := context.WithCancelCause(w.t.Context())
	defer cancel(nil)
	if d == 0 {
		cancel(because)
	}
	timer := time.AfterFunc(d, func() { cancel(because) })
	defer timer.Stop()
	return w.container.Run(ctx, &RunRequest{Call: call()})
}
