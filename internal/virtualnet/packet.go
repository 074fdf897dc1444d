package virtualnet

import (
	"net"
	"sync"
	"time"
)

// PacketConn sends and receives packets, a net.PacketConn. Its deadlines do nothing.
type PacketConn struct {
	network *Network
	host    *Host // whose it is, nil if that of none
	address Addr
	in      chan packet
	closed  chan struct{}
	once    sync.Once
}

type packet struct {
	bytes []byte
	from  Addr
}

// waiting is how many packets wait to be read at most; more are lost.
const waiting = 256

// ListenPacket returns a [*PacketConn] for address, "IP:port"; port 0 picks a free one.
func (n *Network) ListenPacket(address string) (net.PacketConn, error) {
	return n.listenPacket(nil, address)
}

// ListenPacket is [Network.ListenPacket] for this process.
func (h *Host) ListenPacket(address string) (net.PacketConn, error) {
	if err := h.wait(); err != nil {
		return nil, &net.OpError{Op: "listen", Net: "udp", Addr: Addr(address), Err: err}
	}
	p, err := h.network.listenPacket(h, address)
	if err == nil {
		h.whenKilled(p.(*PacketConn).close)
	}
	return p, err
}

func (n *Network) listenPacket(of *Host, address string) (net.PacketConn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	address, err := n.free(address, "udp", func(a string) bool { return n.packets[a] != nil })
	if err != nil {
		return nil, err
	}
	p := &PacketConn{network: n, host: of, address: Addr(address), in: make(chan packet, waiting), closed: make(chan struct{})}
	if n.packets == nil {
		n.packets = make(map[string]*PacketConn)
	}
	n.packets[address] = p
	return p, nil
}

// ReadFrom returns the next packet.
func (p *PacketConn) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case got := <-p.in:
		if err := p.host.wait(); err != nil {
			return 0, nil, p.wrap("read", err)
		}
		return copy(b, got.bytes), got.from.udp(), nil
	case <-p.closed:
		return 0, nil, p.wrap("read", net.ErrClosed)
	}
}

// WriteTo sends a packet. That it gets lost is not told.
func (p *PacketConn) WriteTo(b []byte, to net.Addr) (int, error) {
	if err := p.host.wait(); err != nil {
		return 0, p.wrap("write", err)
	}
	select {
	case <-p.closed:
		return 0, p.wrap("write", net.ErrClosed)
	default:
	}
	n, address := p.network, Addr(to.String())
	n.mu.Lock()
	l := n.links[[2]string{p.address.host(), address.host()}]
	lost := l.Cut || l.Loss > 0 && n.chance() < l.Loss
	l.Loss = 0
	takes := n.latency(l)
	n.mu.Unlock()
	if lost {
		return len(b), nil
	}
	sent := packet{append([]byte(nil), b...), p.address}
	if takes == 0 {
		n.arrive(address, sent)
	} else {
		time.AfterFunc(takes, func() { n.arrive(address, sent) })
	}
	return len(b), nil
}

// arrive gives a packet to whoever has the address, if somebody has.
func (n *Network) arrive(at Addr, sent packet) {
	n.mu.Lock()
	to := n.packets[string(at)]
	n.mu.Unlock()
	if to == nil {
		return
	}
	select {
	case to.in <- sent:
	default: // lost
	}
}

// Close frees the address.
func (p *PacketConn) Close() error {
	p.network.mu.Lock()
	defer p.network.mu.Unlock()
	p.close()
	return nil
}

func (p *PacketConn) close() {
	p.once.Do(func() {
		close(p.closed)
		delete(p.network.packets, string(p.address))
	})
}

func (p *PacketConn) wrap(op string, err error) error {
	return &net.OpError{Op: op, Net: "udp", Source: p.address, Err: err}
}

// LocalAddr returns the address of the packets that are sent.
func (p *PacketConn) LocalAddr() net.Addr { return p.address.udp() }

// SetDeadline does nothing.
func (p *PacketConn) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (p *PacketConn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (p *PacketConn) SetWriteDeadline(time.Time) error { return nil }
