package zookeeper

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/zkconn"
)

const (
	// maxPacket is the longest packet accepted from a server. Servers take no longer ones than 1 MiB, but may send
	// longer lists of nodes.
	maxPacket = 8 << 20
	// dialPause is the time between two dials at least, and longPause after patientDials that brought no session. The
	// library would wait a second each time that all servers have failed, which a short session timeout cannot spare.
	dialPause    = 100 * time.Millisecond
	longPause    = time.Second
	patientDials = 100
)

// servers is the library's list of servers, used in turn. Names are resolved at each dial; the library's own provider
// resolves them once, and fails when one of them cannot be resolved. It is used by one goroutine of the library.
type servers struct {
	link *link
	all  []string
	next int
}

// Init implements zk.HostProvider.
func (s *servers) Init(all []string) error {
	s.all = all
	return nil
}

// Len implements zk.HostProvider.
func (s *servers) Len() int { return len(s.all) }

// Next implements zk.HostProvider. Only when told to pause the library notices that it is to end.
func (s *servers) Next() (server string, pause bool) {
	s.next++
	return s.all[s.next%len(s.all)], s.link.isClosed()
}

// Connected implements zk.HostProvider.
func (s *servers) Connected() {}

// link makes the connections of a session, one at a time. It can be closed while the library is using it.
type link struct {
	ctx     context.Context // of the link: the library's dialer has none
	cancel  context.CancelFunc
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	timeout time.Duration // of the session, as asked for

	mu      sync.Mutex
	conn    net.Conn      // nil: none
	dialed  time.Time     // last
	dials   int           // since the last one that brought a session
	closed  bool          // no more
	problem error         // with the last server tried, which the library's own errors leave out
	granted time.Duration // the shortest session timeout that servers have granted; 0: none yet
}

// connect implements zk.Dialer. It ignores the library's timeout of one second.
func (l *link) connect(network, address string, _ time.Duration) (net.Conn, error) {
	if err := l.pace(); err != nil {
		return nil, err
	}
	// So short that several dead servers can be tried before the session expires.
	ctx, cancel := context.WithTimeout(l.ctx, max(l.timeout/6, 2*dialPause))
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
		Address: address, MaxPacket: maxPacket, Patience: l.patience, Refused: l.notZooKeeper, Granted: l.grant,
	}), nil
}

// pace waits until it is time for another dial.
func (l *link) pace() error {
	l.mu.Lock()
	pause := dialPause
	if l.dials++; l.dials > patientDials {
		pause = longPause
	}
	wait := pause - time.Since(l.dialed)
	l.dialed = time.Now().Add(max(0, wait))
	l.mu.Unlock()
	if wait <= 0 {
		return nil
	}
	select {
	case <-time.After(wait):
		return nil
	case <-l.ctx.Done():
		return net.ErrClosed
	}
}

// close closes the connection for good.
func (l *link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.cancel()
	if l.conn != nil {
		l.conn.Close()
	}
}

// isClosed reports whether there will be no more connections.
func (l *link) isClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

// state returns the session timeout that the servers granted, and the problem with the last server that was tried.
func (l *link) state() (granted time.Duration, problem error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.granted, l.problem
}

// grant records the timeout of a session that a server has established or resumed. The shortest one counts.
func (l *link) grant(timeout time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dials = 0
	if l.granted == 0 || timeout < l.granted {
		l.granted = timeout
	}
}

// notZooKeeper records that the other side is not a ZooKeeper server.
func (l *link) notZooKeeper(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.problem = err
}

// patience returns how long to wait for a packet of an established connection, or for the first one. Leading ends after
// 3/4 of the session timeout, so that several servers should have been tried by then: 5/12 for the one that has hung,
// which answers each 1/3 at least, and 1/12 for the next, then more, since all may be slow. A new session has more time.
func (l *link) patience(established bool) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.granted == 0:
		return l.timeout / 2
	case established:
		return l.granted * 5 / 12
	}
	return min(l.granted/2, l.granted/12*time.Duration(max(1, l.dials)))
}
