package cluster

import (
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// raftServer listens for Raft on 10.0.0.1, accepts what is greeted and answers each byte with one.
type raftServer struct {
	*world
	stream *raftStream
	log    *lines
}

func (w *world) serveRaft(tls *tls.Config) *raftServer {
	s := &raftServer{world: w, log: &lines{}}
	c, err := Config{
		Name: "framework", GossipBind: "10.0.0.1:7946", RaftBind: "10.0.0.1:7000", TLS: tls, Network: w.net.Host(ipOf(1)), Logger: s.log.logger(),
	}.normalize()
	require.NoError(w, err)
	s.stream, err = listenRaft(&c, "self")
	require.NoError(w, err)
	go func() {
		for {
			conn, err := s.stream.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(conn, conn) }()
		}
	}()
	return s
}

// dial connects as a member of a cluster would to one with an ID, and returns an error unless it is answered. It waits for
// so long before that it is logged if that is refused.
func (s *raftServer) dial(name, id string, config *tls.Config) error {
	time.Sleep(time.Minute)
	client := &raftStream{network: s.net.Host(ipOf(2)), tls: config, name: name}
	defer client.conns.closeAll()
	conn, err := client.Dial(serverAddress(id, "10.0.0.1:7000"), 10*time.Second)
	if err != nil {
		return err
	}
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	if _, err := conn.Write([]byte("x")); err != nil {
		return err
	}
	_, err = io.ReadFull(conn, make([]byte, 1))
	return err
}

// Connections for another member, another cluster, or with the wrong certificates are refused, whoever makes them.
func TestRaftRefuses(t *testing.T) {
	inBubble(t, func(w *world) {
		s := w.serveRaft(nil)
		require.NoError(w, s.dial("framework", "self", nil))
		require.Error(w, s.dial("framework", "another", nil))
		require.Error(w, s.dial("other", "self", nil))
		synctest.Wait()
		require.Equal(w, 2, s.log.count(errOtherMember.Error()))
		_, err := s.stream.Dial("10.0.0.1:7000", time.Second)
		require.ErrorContains(w, err, "has no ID")
		require.NoError(w, s.stream.Close())

		ours, theirs := newAuthority(w), newAuthority(w)
		s = w.serveRaft(ours.config(w))
		require.NoError(w, s.dial("framework", "self", ours.config(w)))
		require.Error(w, s.dial("framework", "self", theirs.config(w)), "the server is a stranger to it")
		stranger, without := theirs.config(w), ours.config(w)
		stranger.RootCAs = ours.pool // it trusts the server, which does not trust it
		require.Error(w, s.dial("framework", "self", stranger))
		without.Certificates = nil
		require.Error(w, s.dial("framework", "self", without))
		require.Error(w, s.dial("framework", "self", nil), "it speaks no TLS")
		synctest.Wait()
		require.Equal(w, 4, s.log.count("A connection was refused"))
		require.NoError(w, s.stream.Close())
	})
}

// Whoever connects and says nothing, or too little, or anything, is dropped in time, and nobody waits for him.
func TestRaftStrangers(t *testing.T) {
	inBubble(t, func(w *world) {
		s := w.serveRaft(nil)
		began := time.Now()
		var conns sync.WaitGroup
		for i := range maxGreeting + 100 {
			conns.Go(func() {
				conn, err := w.net.Host(ipOf(3)).DialContext(w.Context(), "tcp", "10.0.0.1:7000")
				require.NoError(w, err)
				switch i % 3 {
				case 0: // half open
				case 1: // a byte now and again
					for err == nil {
						_, err = conn.Write([]byte{0})
						time.Sleep(500 * time.Millisecond)
					}
				case 2:
					_, _ = conn.Write(slices.Repeat([]byte{0xff}, 1000))
				}
				_, err = io.Copy(io.Discard, conn)
				require.LessOrEqual(w, time.Since(began), 3*time.Second, "%v", err)
				_ = conn.Close()
			})
		}
		time.Sleep(100 * time.Millisecond)
		conns.Wait()
		require.LessOrEqual(w, time.Since(began), 3*time.Second)
		require.Equal(w, 1, s.log.count("A connection was refused"), "not for each of them")
		require.NoError(w, s.dial("framework", "self", nil))
		require.NoError(w, s.stream.Close())
	})
}

// A cluster is not disturbed by bytes that are no gossip, at both of its ports.
func TestGossipStrangers(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		leader := w.startThree()
		stranger := w.net.Host(ipOf(8))
		packets, err := stranger.ListenPacket(ipOf(8) + ":1")
		require.NoError(w, err)
		defer packets.Close()
		for size := range 300 {
			to := net.UDPAddrFromAddrPort(netip.MustParseAddrPort(ipOf(1+size%3) + ":7946"))
			b := slices.Repeat([]byte{byte(size)}, size*size)
			_, _ = packets.WriteTo(b, to)
			conn, err := stranger.DialContext(w.Context(), "tcp", to.String())
			require.NoError(w, err)
			_, _ = conn.Write(b)
			if size%2 == 0 {
				_ = conn.Close() // the others stay open and say no more
			}
		}
		time.Sleep(time.Minute)
		require.Less(w, w.log.count("gossip: "), 100, "the log is not flooded")
		require.Equal(w, []int{leader}, w.leaders())
		require.Len(w, w.happened(), 1)
		for _, r := range w.members {
			require.Len(w, r.Status().Members, 3)
		}
	})
}

// A member without the gossip key, or with another one, does not join, see or disturb the others; while keys are replaced
// one member after the other, nobody is lost.
func TestGossipKeys(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		var moved int
		w.withDirs(&moved)
		dirs := w.config
		old, next, other := []byte("0123456789abcdef"), []byte("the key after it"), []byte("fedcba9876543210")
		keys := [][]byte{old}
		w.config = func(i int, c *Config) { dirs(i, c); c.Keys = keys }
		leader := w.startThree()
		for _, wrong := range [][][]byte{nil, {other}} {
			keys = wrong
			stranger := w.start(4)
			time.Sleep(30 * time.Second)
			require.Len(w, stranger.Status().Members, 1, "it sees nobody")
			require.Empty(w, stranger.Status().Leader)
			require.Len(w, w.members[leader].Status().Members, 3)
			w.stop(4)
		}
		require.Len(w, w.happened(), 1, "it leads without interruption")
		for _, keys = range [][][]byte{{old, next}, {next, old}, {next}} {
			for i := 1; i <= 3; i++ {
				w.stop(i)
				w.start(i)
				time.Sleep(12 * time.Second)
				leader = w.leader(time.Second)
				require.Equal(w, 3, w.members[leader].alive())
				require.Len(w, voters(w.members[leader]), 3)
			}
		}
		require.NoError(w, w.check())
	})
}
