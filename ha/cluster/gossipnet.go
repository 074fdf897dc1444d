package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/memberlist"
)

// gossipNet is memberlist's transport on a Network.
type gossipNet struct {
	network    Network
	patience   time.Duration // for an attempt to connect
	listener   net.Listener
	packets    net.PacketConn
	advertise  netip.AddrPort
	packetCh   chan *memberlist.Packet
	streamCh   chan net.Conn
	closed     chan struct{}
	dialing    context.Context // ends with attempts to connect
	endDialing context.CancelFunc
	once       sync.Once
	goroutines sync.WaitGroup
	conns      conns
	counts     *counts
}

// maxPacket is the largest UDP packet.
const maxPacket = 64 << 10

func listenGossip(c *Config, count *counts) (*gossipNet, error) {
	listener, packets, err := listenBoth(c.Network, c.GossipBind)
	if err != nil {
		return nil, err
	}
	g := &gossipNet{
		network: c.Network, patience: presets()[c.Preset].rpc, listener: listener, packets: packets, closed: make(chan struct{}),
		packetCh: make(chan *memberlist.Packet), streamCh: make(chan net.Conn), counts: count,
	}
	advertise := c.GossipAdvertise
	if advertise == "" {
		advertise = listener.Addr().String()
	}
	if g.advertise, err = netip.ParseAddrPort(advertise); err != nil {
		return nil, errors.Join(err, listener.Close(), packets.Close())
	}
	if g.advertise.Port() == 0 { // that to which it was bound
		bound, err := netip.ParseAddrPort(listener.Addr().String())
		if err != nil {
			return nil, errors.Join(err, listener.Close(), packets.Close())
		}
		g.advertise = netip.AddrPortFrom(g.advertise.Addr(), bound.Port())
	}
	g.dialing, g.endDialing = context.WithCancel(context.Background())
	g.goroutines.Go(g.accept)
	g.goroutines.Go(g.receive)
	return g, nil
}

// listenBoth listens for connections and packets at the same port. If that is any free one, one that is free for both
// may take more than one attempt.
func listenBoth(network Network, address string) (net.Listener, net.PacketConn, error) {
	for attempt := 1; ; attempt++ {
		listener, err := network.Listen(address)
		if err != nil {
			return nil, nil, err
		}
		packets, err := network.ListenPacket(listener.Addr().String())
		if err == nil {
			return listener, packets, nil
		}
		_ = listener.Close()
		if _, port, _ := net.SplitHostPort(address); port != "0" || attempt == 10 || !errors.Is(err, syscall.EADDRINUSE) {
			return nil, nil, err
		}
	}
}

func (g *gossipNet) accept() {
	for {
		conn, err := g.listener.Accept()
		select {
		case <-g.closed:
			if err == nil {
				_ = conn.Close()
			}
			return
		default:
		}
		if err != nil {
			g.rest()
			continue
		}
		select {
		case g.streamCh <- g.conns.track(conn):
		case <-g.closed:
			return
		}
	}
}

func (g *gossipNet) receive() {
	b := make([]byte, maxPacket)
	for {
		n, from, err := g.packets.ReadFrom(b)
		select {
		case <-g.closed:
			return
		default:
		}
		if err != nil {
			g.rest()
			continue
		}
		if n == 0 {
			continue
		}
		g.counts.received.Add(1)
		select {
		case g.packetCh <- &memberlist.Packet{Buf: append([]byte(nil), b[:n]...), From: from, Timestamp: time.Now()}:
		case <-g.closed:
			return
		}
	}
}

// rest waits a little after an error, such as that there are too many open files, which would come again at once.
func (g *gossipNet) rest() {
	select {
	case <-time.After(100 * time.Millisecond):
	case <-g.closed:
	}
}

// FinalAdvertiseAddr returns the address that others are told.
func (g *gossipNet) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	return g.advertise.Addr().Unmap().AsSlice(), int(g.advertise.Port()), nil
}

// WriteTo sends a packet.
func (g *gossipNet) WriteTo(b []byte, address string) (time.Time, error) {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return time.Time{}, fmt.Errorf("ha/cluster: %w", err)
	}
	if _, err = g.packets.WriteTo(b, net.UDPAddrFromAddrPort(to)); err == nil {
		g.counts.sent.Add(1)
	}
	return time.Now(), err
}

// PacketCh returns where packets come.
func (g *gossipNet) PacketCh() <-chan *memberlist.Packet { return g.packetCh }

// DialTimeout connects to a member.
func (g *gossipNet) DialTimeout(address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(g.dialing, min(timeout, g.patience))
	defer cancel()
	conn, err := g.network.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return g.conns.track(conn), nil
}

// StreamCh returns where connections come.
func (g *gossipNet) StreamCh() <-chan net.Conn { return g.streamCh }

// hangUp ends all connections, and attempts to make some, so that nobody waits for a member that does not answer.
func (g *gossipNet) hangUp() {
	g.endDialing()
	g.conns.closeAll()
}

// Shutdown closes everything and waits for the goroutines.
func (g *gossipNet) Shutdown() (err error) {
	g.once.Do(func() {
		close(g.closed)
		err = errors.Join(g.listener.Close(), g.packets.Close())
		g.hangUp()
		g.goroutines.Wait()
	})
	return err
}
