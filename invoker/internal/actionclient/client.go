package actionclient

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// MaxBody is how many bytes of an answer are read: OpenWhisk's limit.
const MaxBody = 1 << 20

const (
	// A second attempt to reach a runtime that starts comes after 1 ms, the next ones after twice as long, up to 20 ms: on a bridge
	// the platform's proxy accepts connections before the runtime listens.
	firstPause, maxPause = time.Millisecond, 20 * time.Millisecond
	// An attempt waits that long for an answer. A runtime that starts may have lost the first one.
	attemptTimeout = time.Second
	// What accepts no connection for that long cannot be reached.
	connectTimeout = 5 * time.Second
	// initPause is the time between two attempts to send /init: OpenWhisk's.
	initPause = 50 * time.Millisecond
)

// DialFunc makes a connection, as the method of net.Dialer does.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// Client makes connections to containers.
type Client struct {
	dial     DialFunc
	until    func() time.Time // nil: there is no end
	messages sync.Pool        // of *message
}

// New returns a client. Without a function it dials with a net.Dialer. Connections are kept only if they implement syscall.Conn, as
// those of package net do: to see before they are used again whether the runtime has closed them.
func New(dial DialFunc) *Client {
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	return &Client{dial: dial, messages: sync.Pool{New: func() any { return new(message) }}}
}

// Until has nothing be sent from the time on that the function returns, which is called before each request from any goroutine. A
// request that comes later fails with [ErrTooLate], and one that is being sent then is broken off. It is called before the client is used.
func (c *Client) Until(until func() time.Time) { c.until = until }

// Container is the runtime at one address. All methods may be called concurrently.
type Container struct {
	client  *Client
	address string

	mu     sync.Mutex
	slots  int
	idle   []*connection // the one used last is at the end
	closed bool
}

// Container returns the runtime at an address, "host:port". Slots is how many connections are kept at most while they are not in
// use, for a second.
func (c *Client) Container(address string, slots int) *Container {
	return &Container{client: c, address: address, slots: slots}
}

// Ready waits until the runtime answers, with any status. It returns an error only when ctx ends: the cause of that, and what the last
// attempt met.
func (c *Container) Ready(ctx context.Context) error {
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		err := c.ping(ctx, attemptTimeout)
		if err == nil || errors.Is(err, errClosed) {
			return err
		}
		if !sleep(ctx, pause) {
			return fmt.Errorf("%w (last attempt at %s: %w)", context.Cause(ctx), c.address, err)
		}
	}
}

// Ping asks the runtime once whether it answers, with any status, within a second.
func (c *Container) Ping(ctx context.Context) error { return c.ping(ctx, attemptTimeout) }

func (c *Container) ping(ctx context.Context, timeout time.Duration) error {
	request := "GET / HTTP/1.1\r\nHost: " + c.address + "\r\n\r\n"
	_, _, err := c.exchange(ctx, time.Now().Add(timeout), []byte(request))
	return err
}

// Init initialises the action. While the runtime cannot be reached it tries again, until the time limit.
func (c *Container) Init(ctx context.Context, r *InitRequest) Answer {
	start := time.Now()
	message := c.client.newMessage("/init", c.address)
	defer c.client.recycle(message)
	message.bytes = r.appendTo(message.bytes)
	request, end := message.finish(), start.Add(r.Timeout)
	call := exchanged{init: true, timeout: r.Timeout}
	for {
		call.reply, call.sent, call.err = c.exchange(ctx, end, request)
		if call.err == nil || call.sent || !unreachable(call.err) {
			break
		}
		if !sleep(ctx, min(initPause, time.Until(end))) || !time.Now().Before(end) {
			break
		}
	}
	call.took, call.ended = time.Since(start), context.Cause(ctx)
	return call.answer()
}

// Run runs the action once. It is never sent again.
func (c *Container) Run(ctx context.Context, r *RunRequest) Answer {
	start := time.Now()
	message := c.client.newMessage("/run", c.address)
	defer c.client.recycle(message)
	call := exchanged{timeout: r.Timeout}
	if message.bytes, call.err = r.appendTo(message.bytes); call.err == nil {
		call.reply, call.sent, call.err = c.exchange(ctx, start.Add(r.Timeout), message.finish())
	}
	call.took, call.ended = time.Since(start), context.Cause(ctx)
	return call.answer()
}

// Suspend closes the connections that are not in use: a runtime that is frozen would not answer on them, and one that was frozen may
// not either. The next call makes a new one.
func (c *Container) Suspend() {
	c.mu.Lock()
	idle := c.idle
	c.idle = nil
	c.mu.Unlock()
	for _, conn := range idle {
		conn.close()
	}
}

// Close has all later calls fail, and closes the connections. One that is in use is closed when its call ends.
func (c *Container) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.Suspend()
}

// sleep reports whether ctx did not end before.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
