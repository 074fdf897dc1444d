package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// virtual is a network in memory of hosts 10.0.0.1 and so on, each a Network, whose links can be cut in each
// direction: what is sent over a cut link gets lost.
type virtual struct {
	net virtualnet.Network

	mu      sync.Mutex
	cut     map[[2]string]bool // from, to
	packets map[string]*packetConn
	clients map[string]string // host by the address that a connection came from
	broken  map[string]*virtualnet.Conn
}

func newVirtual() *virtual {
	return &virtual{cut: map[[2]string]bool{}, packets: map[string]*packetConn{}, clients: map[string]string{}, broken: map[string]*virtualnet.Conn{}}
}

func hostOf(address string) string { return netip.MustParseAddrPort(address).Addr().String() }

// loses reports whether what is sent from one host to another gets lost.
func (v *virtual) loses(from, to string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.cut[[2]string{from, to}]
}

// split cuts the links between the groups in both directions, and heals all others. Connections over which something
// got lost break then.
func (v *virtual) split(groups ...[]string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	clear(v.cut)
	for i, a := range groups {
		for j, b := range groups {
			for _, from := range a {
				for _, to := range b {
					if i != j {
						v.cut[[2]string{from, to}] = true
					}
				}
			}
		}
	}
	for name, conn := range v.broken {
		conn.Reset()
		delete(v.broken, name)
	}
}

// host is one host of a virtual network.
type host struct {
	*virtual
	ip string
}

func (h host) Listen(address string) (net.Listener, error) {
	l, err := h.net.Listen(address)
	if err != nil {
		return nil, err
	}
	return &linkListener{l, h}, nil
}

type linkListener struct {
	net.Listener
	host host
}

func (l *linkListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &linkConn{Conn: conn.(*virtualnet.Conn), of: l.host, client: conn.RemoteAddr().String()}, nil
}

func (h host) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	to := hostOf(address)
	if h.loses(h.ip, to) || h.loses(to, h.ip) {
		<-ctx.Done()
		return nil, os.ErrDeadlineExceeded
	}
	conn, err := h.net.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clients[conn.LocalAddr().String()] = h.ip
	return &linkConn{Conn: conn.(*virtualnet.Conn), of: h, client: conn.LocalAddr().String(), to: to}, nil
}

// linkConn is one end of a connection. What gets lost breaks it: nothing arrives any more in either direction.
type linkConn struct {
	*virtualnet.Conn
	of         host
	client, to string
}

func (c *linkConn) Write(b []byte) (int, error) {
	v := c.of.virtual
	v.mu.Lock()
	to := c.to
	if to == "" {
		to = v.clients[c.client]
	}
	if v.cut[[2]string{c.of.ip, to}] {
		v.broken[c.client] = c.Conn
	}
	lost := v.broken[c.client] != nil
	v.mu.Unlock()
	if lost {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

type packet struct {
	b    []byte
	from net.Addr
}

type packetConn struct {
	of      host
	address netip.AddrPort
	in      chan packet
	closed  chan struct{}
	once    sync.Once
}

func (h host) ListenPacket(address string) (net.PacketConn, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := &packetConn{of: h, address: netip.MustParseAddrPort(address), in: make(chan packet, 256), closed: make(chan struct{})}
	h.packets[address] = p
	return p, nil
}

func (p *packetConn) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case got := <-p.in:
		return copy(b, got.b), got.from, nil
	case <-p.closed:
		return 0, nil, net.ErrClosed
	}
}

func (p *packetConn) WriteTo(b []byte, to net.Addr) (int, error) {
	if !p.of.loses(p.of.ip, hostOf(to.String())) {
		p.of.mu.Lock()
		other := p.of.packets[to.String()]
		p.of.mu.Unlock()
		if other != nil {
			select {
			case other.in <- packet{append([]byte(nil), b...), net.UDPAddrFromAddrPort(p.address)}:
			default: // lost
			}
		}
	}
	return len(b), nil
}

func (p *packetConn) Close() error {
	p.once.Do(func() {
		close(p.closed)
		p.of.mu.Lock()
		defer p.of.mu.Unlock()
		if p.of.packets[p.address.String()] == p {
			delete(p.of.packets, p.address.String())
		}
	})
	return nil
}

func (p *packetConn) LocalAddr() net.Addr              { return net.UDPAddrFromAddrPort(p.address) }
func (p *packetConn) SetDeadline(time.Time) error      { return nil }
func (p *packetConn) SetReadDeadline(time.Time) error  { return nil }
func (p *packetConn) SetWriteDeadline(time.Time) error { return nil }

// world is a cluster in a bubble, with what its leaders did.
type world struct {
	testing.TB
	net    *virtual
	config func(i int, c *Config) // of member i, from 1 on; nil: as it is
	// lead is what leaders do, after they are recorded; nil: they wait.
	lead func(ctx context.Context, i int, t scheduler.Term) error

	mu      sync.Mutex
	events  []event
	members map[int]*running
}

// event is that a leader's function began or ended.
type event struct {
	at     time.Time
	member int
	term   uint64
	began  bool
}

// running is a member that runs.
type running struct {
	*Member
	stop  context.CancelCauseFunc
	ended chan error
	mu    sync.Mutex
	term  *scheduler.Term // while it leads
	ctx   context.Context // of that term
}

var errTestEnds = errors.New("the test stops the member")

// inBubble runs a test in a bubble with a world, and stops what still runs.
func inBubble(t *testing.T, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{TB: t, net: newVirtual(), members: map[int]*running{}}
		defer func() { // also when the test has failed
			w.net.split()
			for i := range maps.Clone(w.members) {
				w.stop(i)
			}
			time.Sleep(2 * time.Minute) // memberlist ends its goroutines without waiting for them
		}()
		test(w)
	})
}

func ipOf(i int) string { return fmt.Sprintf("10.0.0.%d", i) }

// start starts member i. Its lead function records itself and waits.
func (w *world) start(i int) *running {
	c := Config{
		Name: "framework", Preset: LAN, GossipBind: ipOf(i) + ":7946", RaftBind: ipOf(i) + ":7000", API: fmt.Sprintf("api-%d", i),
		Seeds: []string{ipOf(1) + ":7946", ipOf(2) + ":7946", ipOf(3) + ":7946"}, Network: host{w.net, ipOf(i)},
	}
	if w.config != nil {
		w.config(i, &c)
	}
	m, err := New(c)
	require.NoError(w, err)
	ctx, stop := context.WithCancelCause(context.Background())
	r := &running{Member: m, stop: stop, ended: make(chan error, 1)}
	w.members[i] = r
	go func() {
		r.ended <- m.Run(ctx, func(ctx context.Context, t scheduler.Term) error {
			w.record(r, i, ctx, &t)
			defer w.record(r, i, nil, &t)
			if w.lead != nil {
				return w.lead(ctx, i, t)
			}
			<-ctx.Done()
			return context.Cause(ctx)
		})
	}()
	return r
}

func (w *world) record(r *running, i int, ctx context.Context, t *scheduler.Term) {
	w.mu.Lock()
	w.events = append(w.events, event{time.Now(), i, t.Number, ctx != nil})
	w.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ctx = ctx; ctx != nil {
		r.term = t
	} else {
		r.term = nil
	}
}

// crash ends a member as if its process or host had died: nothing that it sends on its way out arrives. Its
// directory, if it has one, can be used again.
func (w *world) crash(i int) {
	var others []string
	for j := range 9 {
		if j != i {
			others = append(others, ipOf(j))
		}
	}
	w.net.split([]string{ipOf(i)}, others)
	w.stop(i)
	w.net.split()
}

// stop stops a member and waits until it has ended.
func (w *world) stop(i int) {
	r := w.members[i]
	delete(w.members, i)
	r.stop(errTestEnds)
	require.ErrorIs(w, <-r.ended, errTestEnds)
}

// leaders returns the members that lead.
func (w *world) leaders() (leaders []int) {
	for i, r := range w.members {
		if r.leading() != nil {
			leaders = append(leaders, i)
		}
	}
	return leaders
}

func (r *running) leading() *scheduler.Term {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.term
}

func (r *running) context() context.Context {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ctx
}

// happened returns what the leaders did so far.
func (w *world) happened() []event {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.events)
}

// leader waits until exactly one of the members other than some leads, and returns it; the test fails if none does within a time.
func (w *world) leader(within time.Duration, except ...int) int {
	w.Helper()
	for deadline := time.Now().Add(within); ; time.Sleep(5 * time.Millisecond) {
		synctest.Wait()
		for _, i := range w.leaders() {
			if !slices.Contains(except, i) {
				return i
			}
		}
		if time.Now().After(deadline) {
			for i, r := range w.members {
				w.Logf("member %d: %+v", i, r.Status())
			}
			require.Fail(w, "nobody leads", "within %v", within)
		}
	}
}

// check checks what holds for all histories: one leader at a time (I1), and terms that rise (I5).
func (w *world) check() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	leads, newest := 0, uint64(0)
	for _, e := range w.events {
		switch {
		case e.began && leads != 0:
			return fmt.Errorf("member %d leads beside member %d", e.member, leads)
		case e.began && e.term <= newest:
			return fmt.Errorf("term %d follows term %d", e.term, newest)
		case e.began:
			leads, newest = e.member, e.term
		default:
			leads = 0
		}
	}
	return nil
}
