package detector

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"sync"
	"time"
)

const (
	// maxPacket bounds what is taken from a server: the limit that ZooKeeper itself has for nodes.
	maxPacket = 1 << 20
	// minPacket is the head of a response.
	minPacket = 16
)

// servers gives the library one server after the other. Names are resolved at each dial: the library's own
// provider does so once, and only if all of them can be.
type servers struct {
	all   []string
	given int
}

// Init implements zk.HostProvider.
func (s *servers) Init(all []string) error {
	s.all = all
	return nil
}

// Len implements zk.HostProvider.
func (s *servers) Len() int { return len(s.all) }

// Next implements zk.HostProvider. At the end of each round the library makes a pause of a second.
func (s *servers) Next() (server string, pause bool) {
	at := s.given % len(s.all)
	s.given++
	return s.all[at], at == 0 && s.given > 1
}

// Connected implements zk.HostProvider. A server that takes sessions just to drop them gets the pause, too.
func (s *servers) Connected() {}

// link is the one connection of a session. It can be cut from outside.
type link struct {
	ctx     context.Context // of Run: the library's dialer has none
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	timeout time.Duration // of the session

	mu      sync.Mutex
	conn    net.Conn // nil: none
	closed  bool     // no more
	problem error    // with the last server tried, of those that the library would not tell
}

// explain adds to an error of the library what it is about.
func (l *link) explain(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.problem == nil || err == nil {
		return err
	}
	return fmt.Errorf("%w: %w", err, l.problem)
}

// foreign takes note of an other side that is no ZooKeeper.
func (l *link) foreign(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.problem = err
}

// connect implements zk.Dialer. The library would give a dial one second.
func (l *link) connect(network, address string, _ time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(l.ctx, l.timeout/3)
	defer cancel()
	conn, err := l.dial(ctx, network, address)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		if err == nil {
			conn.Close()
		}
		return nil, net.ErrClosed
	}
	l.problem = err
	if err != nil {
		return nil, err
	}
	if l.conn != nil {
		l.conn.Close() // its handshake has failed, after which the library forgets to in one case
	}
	l.conn = conn
	return &packets{Conn: conn, link: l, address: address}, nil
}

// seal lets no connection come up after the present one.
func (l *link) seal() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
}

// sealed tells whether the present connection is the last one.
func (l *link) sealed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

// close cuts the connection, the last one.
func (l *link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.conn != nil {
		l.conn.Close()
	}
}

// packets makes the library notice within the session timeout when the other side is no ZooKeeper, or not alive.
// The library would allocate what the first four bytes of any text mean as a size, 1.2 GB for an HTTP server,
// and wait for the answer to its first packet ten times too long.
type packets struct {
	net.Conn
	link    *link
	address string
	head    []byte // the bytes of the length that have arrived
	left    int    // of the packet
}

// Read implements net.Conn.
func (p *packets) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	for rest := b[:n]; len(rest) > 0; {
		if p.left > 0 {
			body := min(p.left, len(rest))
			p.left -= body
			rest = rest[body:]
			continue
		}
		p.head = append(p.head, rest[0])
		rest = rest[1:]
		if len(p.head) == 4 {
			size := binary.BigEndian.Uint32(p.head)
			if size < minPacket || size > maxPacket {
				err := fmt.Errorf("%s is not a ZooKeeper server: it says %q", p.address, p.head)
				p.link.foreign(err)
				return 0, err
			}
			p.left, p.head = int(size), p.head[:0]
		}
	}
	return n, err
}

// SetReadDeadline implements net.Conn. The library takes the deadline away before it reads the body of the first
// packet, and sets one before each further packet.
func (p *packets) SetReadDeadline(t time.Time) error {
	if t.IsZero() {
		return nil
	}
	if limit := time.Now().Add(p.link.timeout); t.After(limit) {
		t = limit
	}
	return p.Conn.SetReadDeadline(t)
}
