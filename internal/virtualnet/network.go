package virtualnet

import (
	"context"
	"fmt"
	"net"
	"sync"
	"syscall"
)

// Network is one network, with its listeners and addresses. The zero value is ready to use.
type Network struct {
	mu        sync.Mutex
	listeners map[string]*Listener
	port      int
}

// Listen returns a [*Listener] for address, "host:port"; port 0 picks a free one. It fails with EADDRINUSE
// while another one has the address.
func (n *Network) Listen(address string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if port == "0" {
		n.port++
		address = net.JoinHostPort(host, fmt.Sprint(49151+n.port))
	}
	if n.listeners[address] != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Addr: Addr(address), Err: syscall.EADDRINUSE}
	}
	l := &Listener{network: n, address: Addr(address), accept: make(chan *Conn), closed: make(chan struct{})}
	if n.listeners == nil {
		n.listeners = make(map[string]*Listener)
	}
	n.listeners[address] = l
	return l, nil
}

// DialContext connects to the listener of address and returns a [*Conn]. Its signature is that of
// http.Transport.DialContext. When nobody listens it fails with ECONNREFUSED.
func (n *Network) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	fail := func(err error) error {
		return &net.OpError{Op: "dial", Net: network, Addr: Addr(address), Err: err}
	}
	if err := ctx.Err(); err != nil {
		return nil, fail(err)
	}
	n.mu.Lock()
	n.port++
	client := Addr(fmt.Sprintf("127.0.0.1:%d", 49151+n.port))
	n.mu.Unlock()
	l, held := n.listener(address)
	for held != nil {
		select {
		case <-held:
			l, held = n.listener(address)
		case <-ctx.Done():
			return nil, fail(ctx.Err())
		}
	}
	if l == nil {
		return nil, fail(syscall.ECONNREFUSED)
	}
	near, far := newPair(client, l.address)
	select {
	case l.accept <- far:
		return near, nil
	case <-l.closed:
		return nil, fail(syscall.ECONNREFUSED)
	case <-ctx.Done():
		return nil, fail(ctx.Err())
	}
}

// listener returns the one that accepts connections to address, nil when there is none. A listener on
// hold returns the channel to wait for before asking again.
func (n *Network) listener(address string) (l *Listener, held <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l = n.listeners[address]
	switch {
	case l == nil || l.refusing:
		return nil, nil
	case l.held != nil:
		return nil, l.held
	}
	return l, nil
}

// Addr is an address, "host:port".
type Addr string

func (Addr) Network() string  { return "tcp" }
func (a Addr) String() string { return string(a) }

// Listener is a net.Listener on a [Network].
type Listener struct {
	network *Network
	address Addr
	accept  chan *Conn
	closed  chan struct{}
	once    sync.Once

	// Guarded by the mutex of the network.

	refusing bool            // connections are refused
	held     <-chan struct{} // until it is closed connections hang; nil: they do not
}

// SetRefusing makes the listener refuse new connections, or accept them again, as if nobody listened. Those
// that exist are not affected.
func (l *Listener) SetRefusing(on bool) {
	l.network.mu.Lock()
	defer l.network.mu.Unlock()
	l.refusing = on
}

// Hold makes new connections hang until the channel is closed, as if the host did not answer; nil ends
// that for those that begin later. A listener that refuses does so at once.
func (l *Listener) Hold(until <-chan struct{}) {
	l.network.mu.Lock()
	defer l.network.mu.Unlock()
	l.held = until
}

// Accept returns the next connection, as a [*Conn].
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.accept:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends the listener and frees its address. Connections that it accepted live on. A second call does
// nothing.
func (l *Listener) Close() error {
	l.once.Do(func() {
		l.network.mu.Lock()
		delete(l.network.listeners, string(l.address))
		l.network.mu.Unlock()
		close(l.closed)
	})
	return nil
}

// Addr returns the address that the listener has.
func (l *Listener) Addr() net.Addr { return l.address }
