package cluster

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// raftStream makes and accepts the connections of Raft, a raft.StreamLayer. Each begins with a greeting, which says for
// which member of which cluster it is: Raft's own messages do not, and at the address of a member that has moved, or died,
// there may be another one by now, which would answer in its name.
type raftStream struct {
	listener  net.Listener
	network   Network
	tls       *tls.Config // nil: not encrypted
	name      string      // of the cluster
	self      string      // ID
	advertise net.Addr
	patience  time.Duration // for a handshake and the greeting
	log       *slog.Logger
	refused   recent // from where connections were refused lately
	conns     conns

	ready      chan net.Conn // that were greeted
	greeting   chan struct{} // has an element for each connection that is not yet greeted
	closed     chan struct{}
	once       sync.Once
	goroutines sync.WaitGroup
}

// maxGreeting is how many connections may wait to be greeted. Whoever connects and says nothing gets no more of this
// process than that.
const maxGreeting = 1000

// textAddr is an address as it was configured.
type textAddr string

func (textAddr) Network() string  { return "tcp" }
func (a textAddr) String() string { return string(a) }

// serverAddress returns the address of a member for Raft, which keeps it as it is: its ID is needed to greet it.
func serverAddress(id, address string) raft.ServerAddress {
	return raft.ServerAddress(id + "@" + address)
}

// greetingFor returns what begins a connection to a member. As it has a fixed length, there is nothing to be parsed.
func greetingFor(name, id string) [sha256.Size]byte {
	return sha256.Sum256(appendText(appendText([]byte("mesos-actor-go/ha/cluster raft 1\n"), name), id))
}

func listenRaft(c *Config, id string) (*raftStream, error) {
	listener, err := c.Network.Listen(c.RaftBind)
	if err != nil {
		return nil, err
	}
	s := &raftStream{
		listener: listener, network: c.Network, name: c.Name, self: id, advertise: listener.Addr(), patience: presets()[c.Preset].rpc,
		log: c.Logger.With("member", id), ready: make(chan net.Conn), greeting: make(chan struct{}, maxGreeting), closed: make(chan struct{}),
	}
	if c.RaftAdvertise != "" {
		s.advertise = textAddr(c.RaftAdvertise)
	}
	if c.TLS != nil {
		s.tls = c.TLS.Clone()
		s.tls.ClientAuth = tls.RequireAndVerifyClientCert
		s.tls.MinVersion = max(s.tls.MinVersion, tls.VersionTLS12)
	}
	s.goroutines.Go(s.listen)
	return s, nil
}

// listen takes connections, which are greeted each on a goroutine of its own: nobody waits for who says nothing.
func (s *raftStream) listen() {
	for {
		conn, err := s.listener.Accept()
		switch {
		case s.isClosed():
			if err == nil {
				_ = conn.Close()
			}
			return
		case err != nil: // such as that there are too many open files
			select {
			case <-time.After(100 * time.Millisecond):
			case <-s.closed:
			}
			continue
		}
		select {
		case s.greeting <- struct{}{}:
		default:
			_ = conn.Close()
			s.refuse(conn.RemoteAddr().String(), errGreetings)
			continue
		}
		conn = s.conns.track(conn)
		s.goroutines.Go(func() {
			greeted, err := s.greet(conn)
			<-s.greeting
			if err != nil {
				_ = conn.Close()
				if !errors.Is(err, io.EOF) && !s.isClosed() {
					s.refuse(conn.RemoteAddr().String(), err)
				}
				return
			}
			select {
			case s.ready <- greeted:
			case <-s.closed:
			}
		})
	}
}

func (s *raftStream) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

// refuse logs that a connection was refused, once a minute for each host: members that have the wrong address try again and
// again.
func (s *raftStream) refuse(from string, why error) {
	host, _, err := net.SplitHostPort(from)
	if err != nil {
		host = from
	}
	if !s.refused.repeats(host) {
		s.log.Warn("A connection was refused", "from", from, "error", why)
	}
}

var (
	errOtherMember = errors.New("ha/cluster: it is for another member, or another cluster, or of another version")
	errGreetings   = errors.New("ha/cluster: too many others have not said for whom they are")
)

// greet makes the handshake and reads the greeting, within a time.
func (s *raftStream) greet(conn net.Conn) (net.Conn, error) {
	if err := conn.SetDeadline(time.Now().Add(s.patience)); err != nil {
		return nil, err
	}
	if s.tls != nil {
		secure := tls.Server(conn, s.tls)
		if err := secure.Handshake(); err != nil {
			return nil, err
		}
		conn = secure
	}
	var got [sha256.Size]byte
	if _, err := io.ReadFull(conn, got[:]); err != nil {
		return nil, err
	}
	if want := greetingFor(s.name, s.self); subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
		return nil, errOtherMember
	}
	return conn, conn.SetDeadline(time.Time{})
}

// Accept returns the next connection that was greeted.
func (s *raftStream) Accept() (net.Conn, error) {
	select {
	case conn := <-s.ready:
		return conn, nil
	case <-s.closed:
		return nil, net.ErrClosed
	}
}

// Dial connects to a member and greets it.
func (s *raftStream) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	id, to, found := strings.Cut(string(address), "@")
	if !found {
		return nil, fmt.Errorf("ha/cluster: the address %s has no ID", address)
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	conn, err := s.network.DialContext(ctx, "tcp", to)
	if err != nil {
		return nil, err
	}
	conn = s.conns.track(conn)
	greeted, err := s.introduce(ctx, conn, id, to)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return greeted, nil
}

// introduce makes the handshake with a member at an address and sends the greeting.
func (s *raftStream) introduce(ctx context.Context, conn net.Conn, id, to string) (net.Conn, error) {
	if s.tls != nil {
		config := s.tls
		if config.ServerName == "" {
			host, _, err := net.SplitHostPort(to)
			if err != nil {
				return nil, err
			}
			config = config.Clone()
			config.ServerName = host
		}
		secure := tls.Client(conn, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		conn = secure
	}
	greeting := greetingFor(s.name, id)
	_, err := conn.Write(greeting[:])
	return conn, err
}

// Addr returns the address that others are told.
func (s *raftStream) Addr() net.Addr { return s.advertise }

// Close ends listening and all connections, and waits for the goroutines. Closing again does nothing.
func (s *raftStream) Close() (err error) {
	s.once.Do(func() {
		close(s.closed)
		err = s.listener.Close()
		s.conns.closeAll()
		s.goroutines.Wait()
	})
	return err
}
