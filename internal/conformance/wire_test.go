package conformance

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"syscall"
	"time"

	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
)

// wireAddress is the address of the wire, on a network of its own.
const wireAddress = "wire.example:5050"

// verdict is what the wire does with a call. A positive one is the HTTP status to answer with.
type verdict int

const (
	pass    verdict = 0
	swallow verdict = -1 // answer 202 without forwarding the call
	lose    verdict = -2 // forward the call, close the connection instead of answering
	cut     verdict = -3 // close the connection without forwarding the call
	hang    verdict = -4 // answer nothing until the scheduler gives up
	late    verdict = -5 // forward the call, and the master's answer after two seconds
)

func (v verdict) String() string {
	if v > 0 {
		return fmt.Sprint("answered ", int(v))
	}
	return [...]string{"passed", "swallowed", "answer lost", "cut", "hangs", "answer late"}[-v]
}

// saboteur makes a scheduler worse than it is: it may alter a call, and returns how often it is made. To the behaviours
// the result looks like what the scheduler itself did.
type saboteur func(*calls.Call) int

// wire is a proxy between the scheduler and the master.
type wire struct {
	journal  *journal
	master   string // URL
	upstream *http.Transport
	sabotage saboteur
	near     virtualnet.Network // between the scheduler and the wire
	server   *http.Server
	ctx      context.Context // of the connections to the master
	hangUp   context.CancelFunc
	running  sync.WaitGroup
	asking   sync.WaitGroup // requests that the master has not answered

	mu       sync.Mutex
	onCall   func(*calls.Call) verdict         // nil: pass
	onEvent  func(*calls.Event) []*calls.Event // nil: as it is
	conns    map[net.Conn]bool                 // open ones of the scheduler
	taps     []*tap                            // open streams, the oldest first
	down     bool                              // connections are refused
	silent   bool                              // events are dropped
	shredded bool                              // events are sent byte by byte
	closing  bool
	halfOpen bool // the master does not notice when the scheduler leaves
}

func newWire(j *journal, master string, dial dialer, sabotage saboteur) (*wire, error) {
	w := &wire{
		journal: j, master: master, sabotage: sabotage, conns: map[net.Conn]bool{},
		upstream: &http.Transport{DialContext: dial, DisableCompression: true, ResponseHeaderTimeout: time.Minute},
	}
	w.ctx, w.hangUp = context.WithCancel(context.Background())
	listener, err := w.near.Listen(wireAddress)
	if err != nil {
		return nil, err
	}
	w.server = &http.Server{
		Handler:     http.HandlerFunc(w.serve),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
		ConnState: func(c net.Conn, s http.ConnState) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if s == http.StateNew {
				w.conns[c] = true
			} else if s == http.StateClosed || s == http.StateHijacked {
				delete(w.conns, c)
			}
		},
	}
	w.running.Go(func() { _ = w.server.Serve(listener) })
	return w, nil
}

type (
	dialer  func(ctx context.Context, network, address string) (net.Conn, error)
	connKey struct{}
)

// close closes all connections and waits for all goroutines. It first lets the master answer the requests that it has
// received: a framework whose SUBSCRIBE is under way could not be removed.
func (w *wire) close() {
	_ = w.server.Close()
	w.change(func() { w.closing = true })
	w.asking.Wait()
	w.hangUp()
	w.running.Wait()
	w.upstream.CloseIdleConnections()
}

// dial is the scheduler's DialContext, whichever master it dials.
func (w *wire) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	w.mu.Lock()
	down := w.down
	w.mu.Unlock()
	if down {
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	return w.near.DialContext(ctx, network, wireAddress)
}

// change calls f with the lock held.
func (w *wire) change(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

// calls makes f decide about each call from now on. f runs on the goroutine of the call, and may block or alter it.
func (w *wire) calls(f func(*calls.Call) verdict) { w.change(func() { w.onCall = f }) }

// once applies the verdict to the next call of a type.
func (w *wire) once(t calls.Call_Type, v verdict) { w.times(1, t, v) }

// times applies the verdict to the next n calls of a type.
func (w *wire) times(n int, t calls.Call_Type, v verdict) {
	var mu sync.Mutex
	w.calls(func(c *calls.Call) verdict {
		mu.Lock()
		defer mu.Unlock()
		if c.Type != t || n == 0 {
			return pass
		}
		n--
		return v
	})
}

// always applies the verdict to every call of a type.
func (w *wire) always(t calls.Call_Type, v verdict) { w.times(-1, t, v) }

// events makes f replace each event from now on.
func (w *wire) events(f func(*calls.Event) []*calls.Event) { w.change(func() { w.onEvent = f }) }

// cut closes the connections of all streams, as if the network had failed.
func (w *wire) cut() {
	for _, t := range w.open() {
		_ = t.conn.Close()
	}
}

// end ends all streams with their last chunk, as a master does; the connections stay.
func (w *wire) end() {
	for _, t := range w.open() {
		t.orderly.Store(true)
		t.stop()
	}
}

// fail closes all connections and refuses new ones, until restore.
func (w *wire) fail() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = true
	for c := range w.conns {
		_ = c.Close()
	}
}

func (w *wire) restore() { w.change(func() { w.down = false }) }

// inject sends the scheduler events that the master has not sent.
func (w *wire) inject(events ...*calls.Event) {
	for _, t := range w.open() {
		for _, e := range events {
			w.journal.add(entry{event: e, given: t.id})
			t.write(encode(e, t.json))
		}
	}
}

// injectBytes sends the scheduler a record that is not an event.
func (w *wire) injectBytes(p []byte) {
	for _, t := range w.open() {
		t.write(p)
	}
}

func (w *wire) open() []*tap {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]*tap(nil), w.taps...)
}

// slipIn makes a call to the master on the scheduler's stream, without the scheduler.
func (w *wire) slipIn(c *calls.Call) {
	open := w.open()
	if len(open) == 0 {
		return
	}
	t := open[len(open)-1]
	entries, _ := w.journal.read()
	for _, e := range entries {
		if e.event.GetType() == calls.Event_SUBSCRIBED {
			c.FrameworkID = e.event.Subscribed.FrameworkID
		}
	}
	mediaType := "application/x-protobuf"
	if t.json {
		mediaType = "application/json"
	}
	r := &http.Request{Method: http.MethodPost, Host: t.host, URL: &url.URL{Path: "/api/v1/scheduler"}, Header: http.Header{
		"Content-Type": {mediaType}, "Accept": {mediaType}, "Mesos-Stream-Id": {t.id},
	}}
	if answer, err := w.forward(w.ctx, r, encode(c, t.json)); err == nil {
		_ = answer.Body.Close()
	}
}
