package detector

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/zkconn"
)

// maxPacket is the longest packet accepted from a server: ZooKeeper's own limit for nodes.
const maxPacket = 1 << 20

// servers is the library's list of servers, used in turn. Names are resolved at each dial; the library's own
// provider resolves them once, and fails when one of them cannot be resolved.
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

// Next implements zk.HostProvider. The library waits a second each time the list begins again.
func (s *servers) Next() (server string, pause bool) {
	at := s.given % len(s.all)
	s.given++
	return s.all[at], at == 0 && s.given > 1
}

// Connected implements zk.HostProvider. It does not reset the list, so that the library also waits for a server
// that accepts sessions and drops them.
func (s *servers) Connected() {}

// link is the single connection of a session. It can be closed while the library is using it.
type link struct {
	ctx     context.Context // of Run: the library's dialer has none
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	timeout time.Duration // of the session

	mu      sync.Mutex
	conn    net.Conn // nil: none
	closed  bool     // no more
	problem error    // with the last server tried, which the library's own errors leave out
}

// explain adds the problem to an error of the library.
func (l *link) explain(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.problem == nil || err == nil {
		return err
	}
	return fmt.Errorf("%w: %w", err, l.problem)
}

// notZooKeeper records that the other side is not a ZooKeeper server.
func (l *link) notZooKeeper(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.problem = err
}

// connect implements zk.Dialer. It ignores the library's timeout of one second.
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
		l.conn.Close() // its handshake has failed; in one case the library does not close it then
	}
	l.conn = conn
	return zkconn.New(conn, zkconn.Guard{
		Address: address, MaxPacket: maxPacket, Refused: l.notZooKeeper, Patience: func(bool) time.Duration { return l.timeout },
	}), nil
}

// seal makes the current connection the last one.
func (l *link) seal() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
}

// sealed reports whether the current connection is the last one.
func (l *link) sealed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

// close closes the connection for good.
func (l *link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.conn != nil {
		l.conn.Close()
	}
}
