package mesostest

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/constraints"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
)

// This file is the border between the HTTP side and the master's loop. The
// HTTP side runs on one goroutine per connection and owns no state of the
// master; whatever it wants to know or change it does inside do.

// caller is what the loop must know about the request that brought a call.
type caller struct {
	principal   string             // authenticated principal, "" without authentication
	streamID    string             // Mesos-Stream-Id as sent
	hasStreamID bool               // whether the header was there at all, even empty
	constraints *constraints.Offer // of SUBSCRIBE and UPDATE_FRAMEWORK, nil without
	cut         func()             // breaks the connection of the request; never blocks
	delayed     bool               // the delay that its reply asked for is over
}

// reply is the answer to a call. At most one of status, fault and delay is set.
type reply struct {
	status int           // HTTP status
	body   string        // text of an error, "" for success
	fault  Fault         // Hang: wait until the client leaves; Cut: break the connection
	delay  time.Duration // ask again then
}

// subscription is one event stream. The loop puts events in; the handler
// of the SUBSCRIBE request takes them out and writes them.
type subscription struct {
	streamID string // value of the Mesos-Stream-Id header

	// events yields what piled up since the last receive, in order, and is
	// closed after the last event. Its capacity is one and the loop is its only
	// sender, which makes it an unbounded queue without a lock (see push).
	// The handler must not change the events.
	events chan []*scheduler.Event

	cut  func()                        // breaks the connection
	held []*scheduler.Event            // what Silence keeps back
	late map[string][]*scheduler.Event // updates that Disturb keeps back, by task
	over bool                          // closed, or its client left; loop only
}

// do runs f on the loop and waits for it. The error is ctx's, or errEnded when Run is over, or when ctx is
// that of a request to a master that leads no longer.
func (m *Master) do(ctx context.Context, f func()) error {
	p, _ := ctx.Value(incarnationKey{}).(*incarnation)
	done := make(chan error, 1)
	select {
	case m.inbox <- func() {
		if p != nil && p != m.leading {
			done <- errEnded
			return
		}
		f()
		done <- nil
	}:
		return <-done // the loop runs whatever it received
	case <-ctx.Done():
		return ctx.Err()
	case <-m.ended:
		return errEnded
	}
}

// connKey is the context key under which every request finds its connection.
type connKey struct{}

// cutter returns the function that breaks the connection of r: the
// client sees a reset, or at least the end without a last chunk.
func cutter(r *http.Request) func() {
	conn, _ := r.Context().Value(connKey{}).(net.Conn)
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn() // a break comes without a last word
	}
	return func() {
		if conn != nil {
			sever(conn)
		}
	}
}

// sever breaks a connection.
func sever(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a reset instead of an orderly FIN
	}
	if c, ok := conn.(*virtualnet.Conn); ok {
		c.Reset()
		return
	}
	_ = conn.Close()
}
