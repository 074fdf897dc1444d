package cluster

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// conns are the connections of a transport. Neither Raft nor memberlist closes those that it has accepted when it
// ends, and their goroutines would wait for the other side.
type conns struct {
	mu     sync.Mutex
	open   map[*trackedConn]struct{}
	closed bool
}

// trackedConn is a connection that its conns know of.
type trackedConn struct {
	net.Conn
	of *conns
}

// track returns the connection as one of these. After closeAll it is closed at once.
func (c *conns) track(conn net.Conn) net.Conn {
	t := &trackedConn{conn, c}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		_ = conn.Close() // its user finds out
		return t
	}
	if c.open == nil {
		c.open = make(map[*trackedConn]struct{})
	}
	c.open[t] = struct{}{}
	return t
}

// Close closes the connection.
func (t *trackedConn) Close() error {
	t.of.mu.Lock()
	delete(t.of.open, t)
	t.of.mu.Unlock()
	return t.Conn.Close()
}

// closeAll closes all connections, and those that come.
func (c *conns) closeAll() {
	c.mu.Lock()
	open := c.open
	c.open, c.closed = nil, true
	c.mu.Unlock()
	for t := range open {
		_ = t.Conn.Close()
	}
}

// raftStream makes and accepts the connections of Raft, a raft.StreamLayer.
type raftStream struct {
	net.Listener
	network   Network
	tls       *tls.Config // nil: not encrypted
	advertise net.Addr
	handshake time.Duration
	conns     conns
}

// textAddr is an address as it was configured.
type textAddr string

func (textAddr) Network() string  { return "tcp" }
func (a textAddr) String() string { return string(a) }

func listenRaft(c *Config) (*raftStream, error) {
	listener, err := c.Network.Listen(c.RaftBind)
	if err != nil {
		return nil, err
	}
	s := &raftStream{Listener: listener, network: c.Network, advertise: listener.Addr(), handshake: presets()[c.Preset].rpc}
	if c.RaftAdvertise != "" {
		s.advertise = textAddr(c.RaftAdvertise)
	}
	if c.TLS != nil {
		s.tls = c.TLS.Clone()
		s.tls.ClientAuth = tls.RequireAndVerifyClientCert
		s.tls.MinVersion = max(s.tls.MinVersion, tls.VersionTLS12)
	}
	return s, nil
}

// Accept returns the next connection. Its handshake, which may take time, is made when it is read first.
func (s *raftStream) Accept() (net.Conn, error) {
	conn, err := s.Listener.Accept()
	if err != nil {
		return nil, err
	}
	conn = s.conns.track(conn)
	if s.tls == nil {
		return conn, nil
	}
	return &serverConn{Conn: tls.Server(conn, s.tls), within: s.handshake}, nil
}

// serverConn makes its handshake within a time: whoever connects and says nothing is not waited for.
type serverConn struct {
	*tls.Conn
	within time.Duration
	once   sync.Once
	err    error
}

// Read makes the handshake first.
func (c *serverConn) Read(b []byte) (int, error) {
	c.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), c.within)
		defer cancel()
		c.err = c.HandshakeContext(ctx)
	})
	if c.err != nil {
		return 0, c.err
	}
	return c.Conn.Read(b)
}

// Dial connects to a member.
func (s *raftStream) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	conn, err := s.network.DialContext(ctx, "tcp", string(address))
	if err != nil {
		return nil, err
	}
	conn = s.conns.track(conn)
	if s.tls == nil {
		return conn, nil
	}
	config := s.tls
	if config.ServerName == "" {
		host, _, err := net.SplitHostPort(string(address))
		if err != nil {
			_ = conn.Close()
			return nil, err
		}
		config = config.Clone()
		config.ServerName = host
	}
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secure, nil
}

// Addr returns the address that others are told.
func (s *raftStream) Addr() net.Addr { return s.advertise }

// Close ends listening and all connections.
func (s *raftStream) Close() error {
	err := s.Listener.Close()
	s.conns.closeAll()
	return err
}
