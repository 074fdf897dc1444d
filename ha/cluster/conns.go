package cluster

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
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

// raftStream makes and accepts the connections of Raft, a raft.StreamLayer. A connection begins with the ID of the member
// that it is for, after its length as one byte: by its address alone, a member that has lost its memory and comes back at the
// same place would be taken for the one that it was, and vote and store in its name.
type raftStream struct {
	net.Listener
	id        string
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

// serverAddress is the address that Raft has of a member: its ID and where it is.
func serverAddress(id, place string) raft.ServerAddress { return raft.ServerAddress(id + "@" + place) }

func listenRaft(c *Config, id string) (*raftStream, error) {
	listener, err := c.Network.Listen(c.RaftBind)
	if err != nil {
		return nil, err
	}
	s := &raftStream{Listener: listener, id: id, network: c.Network, advertise: listener.Addr(), handshake: presets()[c.Preset].rpc}
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

// Accept returns the next connection. What it begins with, which may take time, is read before anything else.
func (s *raftStream) Accept() (net.Conn, error) {
	conn, err := s.Listener.Accept()
	if err != nil {
		return nil, err
	}
	conn = s.conns.track(conn)
	if s.tls != nil {
		conn = tls.Server(conn, s.tls)
	}
	return &serverConn{Conn: conn, id: s.id, within: s.handshake}, nil
}

// serverConn is an accepted connection. Whoever connects and says nothing is not waited for.
type serverConn struct {
	net.Conn
	id     string
	within time.Duration
	once   sync.Once
	err    error
}

// Read makes the handshake first.
func (c *serverConn) Read(b []byte) (int, error) {
	c.once.Do(func() { c.err = c.greet() })
	if c.err != nil {
		return 0, c.err
	}
	return c.Conn.Read(b)
}

// greet makes the handshake of TLS, if there is one, and checks whom the connection is for.
func (c *serverConn) greet() error {
	if secure, is := c.Conn.(*tls.Conn); is {
		ctx, cancel := context.WithTimeout(context.Background(), c.within)
		defer cancel()
		if err := secure.HandshakeContext(ctx); err != nil {
			return err
		}
	}
	if err := c.SetReadDeadline(time.Now().Add(c.within)); err != nil {
		return err
	}
	var length [1]byte
	if _, err := io.ReadFull(c.Conn, length[:]); err != nil {
		return err
	}
	id := make([]byte, length[0])
	if _, err := io.ReadFull(c.Conn, id); err != nil {
		return err
	}
	if string(id) != c.id {
		return fmt.Errorf("ha/cluster: this is member %s, and not %q", c.id, id)
	}
	return c.SetReadDeadline(time.Time{})
}

// Dial connects to a member.
func (s *raftStream) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	id, place, is := strings.Cut(string(address), "@")
	if !is || len(id) > 255 {
		return nil, fmt.Errorf("ha/cluster: %q is not the address of a member", address)
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	conn, err := s.network.DialContext(ctx, "tcp", place)
	if err != nil {
		return nil, err
	}
	conn = s.conns.track(conn)
	if s.tls != nil {
		if conn, err = s.secure(ctx, conn, place); err != nil {
			return nil, err
		}
	}
	if _, err := conn.Write(append([]byte{byte(len(id))}, id...)); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// secure makes the handshake of TLS with a member.
func (s *raftStream) secure(ctx context.Context, conn net.Conn, place string) (net.Conn, error) {
	config := s.tls
	if config.ServerName == "" {
		host, _, err := net.SplitHostPort(place)
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
