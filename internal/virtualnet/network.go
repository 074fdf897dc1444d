package virtualnet

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"syscall"
	"time"
)

// Network is one network, with its hosts and what they listen to. The zero value is ready to use.
type Network struct {
	// Seed is the source of what the links have by chance.
	Seed uint64

	mu        sync.Mutex
	listeners map[string]*Listener
	packets   map[string]*PacketConn
	port      int
	links     map[[2]string]Link // from, to
	changed   chan struct{}      // closed when a link has changed, nil when nobody waits for that
	stalled   []*Conn            // which hold something
	random    *rand.Rand
}

// Listen returns a [*Listener] for address, "host:port"; port 0 picks a free one. It fails with EADDRINUSE
// while another one has the address.
func (n *Network) Listen(address string) (net.Listener, error) { return n.listen(nil, address) }

func (n *Network) listen(of *Host, address string) (net.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	address, err := n.free(address, "tcp", func(a string) bool { return n.listeners[a] != nil })
	if err != nil {
		return nil, err
	}
	l := &Listener{network: n, host: of, address: Addr(address), accept: make(chan *Conn), closed: make(chan struct{})}
	if n.listeners == nil {
		n.listeners = make(map[string]*Listener)
	}
	n.listeners[address] = l
	return l, nil
}

// free returns an address with its port chosen, if that is up to the network.
func (n *Network) free(address, network string, taken func(string) bool) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", err
	}
	if port == "0" {
		address = net.JoinHostPort(host, fmt.Sprint(n.nextPort()))
	}
	if taken(address) {
		return "", &net.OpError{Op: "listen", Net: network, Addr: Addr(address), Err: syscall.EADDRINUSE}
	}
	return address, nil
}

func (n *Network) nextPort() int {
	n.port++
	return 49151 + n.port
}

// DialContext connects to the listener of address and returns a [*Conn]. Its signature is that of
// http.Transport.DialContext. When nobody listens it fails with ECONNREFUSED, and while a link between the two is cut it
// waits.
func (n *Network) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return n.dial(ctx, "127.0.0.1", network, address)
}

func (n *Network) dial(ctx context.Context, from, network, address string) (*Conn, error) {
	fail := func(err error) error {
		return &net.OpError{Op: "dial", Net: network, Addr: Addr(address), Err: err}
	}
	if err := ctx.Err(); err != nil {
		return nil, fail(err)
	}
	if err := n.roundTrip(ctx, from, Addr(address).host()); err != nil {
		return nil, fail(err)
	}
	n.mu.Lock()
	client := Addr(net.JoinHostPort(from, fmt.Sprint(n.nextPort())))
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
	near, far := n.newPair(client, l.address)
	select {
	case l.accept <- far:
		return near, nil
	case <-l.closed:
		return nil, fail(syscall.ECONNREFUSED)
	case <-ctx.Done():
		return nil, fail(ctx.Err())
	}
}

// roundTrip waits for as long as a question and its answer take between two hosts.
func (n *Network) roundTrip(ctx context.Context, from, to string) error {
	for {
		n.mu.Lock()
		there, back := n.links[[2]string{from, to}], n.links[[2]string{to, from}]
		wait, changed := time.Duration(0), (chan struct{})(nil)
		if there.Cut || back.Cut {
			if n.changed == nil {
				n.changed = make(chan struct{})
			}
			changed = n.changed
		} else {
			wait = n.latency(there) + n.latency(back)
		}
		n.mu.Unlock()
		if changed == nil && wait == 0 {
			return nil
		}
		var arrived <-chan time.Time
		if changed == nil {
			timer := time.NewTimer(wait)
			defer timer.Stop()
			arrived = timer.C
		}
		select {
		case <-changed:
		case <-arrived:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
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

// Listener is a net.Listener on a [Network].
type Listener struct {
	network *Network
	host    *Host // that listens, nil if none
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
		return l.host.own(c)
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends the listener and frees its address. Connections that it accepted live on. A second call does
// nothing.
func (l *Listener) Close() error {
	l.network.mu.Lock()
	defer l.network.mu.Unlock()
	l.close()
	return nil
}

func (l *Listener) close() {
	l.once.Do(func() {
		delete(l.network.listeners, string(l.address))
		close(l.closed)
	})
}

// Addr returns the address that the listener has.
func (l *Listener) Addr() net.Addr { return l.address }
