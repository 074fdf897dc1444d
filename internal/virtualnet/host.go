package virtualnet

import (
	"context"
	"net"
)

// Host is a process on a host of a [Network]: what it opens ends with it. Whatever listens or dials without one is on a
// host as well, that of its address, and cannot be paused or killed.
type Host struct {
	network *Network
	ip      string

	// Guarded by the mutex of the network.

	paused  chan struct{} // closed when the process goes on, nil if it is not paused
	dead    bool
	open    map[*Conn]struct{}
	closers []func() // of its listeners
}

// Host returns a new process on the host with an IP.
func (n *Network) Host(ip string) *Host {
	return &Host{network: n, ip: ip, open: make(map[*Conn]struct{})}
}

// Listen is [Network.Listen] for this process.
func (h *Host) Listen(address string) (net.Listener, error) {
	if err := h.wait(); err != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Addr: Addr(address), Err: err}
	}
	l, err := h.network.listen(h, address)
	if err == nil {
		h.whenKilled(l.(*Listener).close)
	}
	return l, err
}

// DialContext is [Network.DialContext] for this process.
func (h *Host) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if err := h.Awake(ctx); err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: Addr(address), Err: err}
	}
	c, err := h.network.dial(ctx, h.ip, network, address)
	if err != nil {
		return nil, err
	}
	return h.own(c)
}

// Pause stops the process, as SIGSTOP does, as far as the network is concerned: what it sends and closes waits in the
// calls that do that, what it was sent waits to be read. Its goroutines go on otherwise.
func (h *Host) Pause() {
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	if h.paused == nil && !h.dead {
		h.paused = make(chan struct{})
	}
}

// Resume ends a pause.
func (h *Host) Resume() {
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	h.resume()
}

func (h *Host) resume() {
	if h.paused != nil {
		close(h.paused)
		h.paused = nil
	}
}

// Kill ends the process, as SIGKILL does: its connections are reset, its addresses are free, and whatever it does
// afterwards fails with net.ErrClosed. A host whose links are cut tells nobody before they are restored.
func (h *Host) Kill() {
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	h.dead = true
	h.resume()
	for c := range h.open {
		c.endLocked(reset)
	}
	for _, end := range h.closers {
		end()
	}
	h.open, h.closers = nil, nil
}

// Reset breaks all connections of the process.
func (h *Host) Reset() {
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	for c := range h.open {
		c.endLocked(reset)
	}
}

// Awake waits until the process is not paused. It returns net.ErrClosed when it was killed, or the cause of the end
// of ctx.
func (h *Host) Awake(ctx context.Context) error {
	for h != nil {
		h.network.mu.Lock()
		paused, dead := h.paused, h.dead
		h.network.mu.Unlock()
		if dead {
			return net.ErrClosed
		}
		if paused == nil {
			break
		}
		select {
		case <-paused:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// wait is Awake for calls without a context. A connection may be that of no host.
func (h *Host) wait() error { return h.Awake(context.Background()) }

// own returns a new connection as one of this process.
func (h *Host) own(c *Conn) (net.Conn, error) {
	if h == nil {
		return c, nil
	}
	err := h.wait()
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	if c.host = h; err != nil || h.dead {
		c.endLocked(reset)
		return nil, net.ErrClosed
	}
	h.open[c] = struct{}{}
	return c, nil
}

// conns returns the open connections, none of no host.
func (h *Host) conns() map[*Conn]struct{} {
	if h == nil {
		return nil
	}
	return h.open
}

// whenKilled has end called when the process is killed, with the mutex of the network.
func (h *Host) whenKilled(end func()) {
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	if h.dead {
		end()
		return
	}
	h.closers = append(h.closers, end)
}
