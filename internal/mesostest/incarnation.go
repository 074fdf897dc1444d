package mesostest

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/wirejson"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
)

// contender is one of the masters: an address, at which a process runs or does not.
type contender struct {
	listener net.Listener
	entrance atomic.Pointer[incarnation] // the process that gets new connections; nil: none

	// What follows belongs to the loop.

	running *incarnation  // nil: none
	frozen  chan struct{} // closed when it thaws; nil: it is not frozen
}

// incarnation is one run of a master process: it has an ID of its own, and dies once.
type incarnation struct {
	contender *contender
	info      mesos.MasterInfo
	started   time.Time
	node      *node // its place in the election; nil: none
	kill      func()
	conns     chan net.Conn
	closed    chan struct{} // when it was killed
	belief    atomic.Pointer[belief]
}

// incarnationKey is the context key under which a request finds who received it.
type incarnationKey struct{}

// begin runs a process for a contender. It gets no connection before its belief is known.
func (m *Master) begin(c *contender, id string) *incarnation {
	p := &incarnation{
		contender: c,
		started:   time.Now(),
		info:      m.masterInfo(c.listener.Addr(), id),
		conns:     make(chan net.Conn),
		closed:    make(chan struct{}),
	}
	serving, stop := context.WithCancel(context.WithValue(context.Background(), incarnationKey{}, p))
	var handler http.Handler = m
	if m.config.Front != nil {
		handler = m.config.Front(m)
	}
	server := &http.Server{
		Handler:     handler,
		BaseContext: func(net.Listener) context.Context { return serving },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, c.(quietConn).Conn)
		},
		ConnState: func(c net.Conn, state http.ConnState) { m.countConn(p, c, state) },
		ErrorLog:  slog.NewLogLogger(m.config.Logger.Handler(), slog.LevelWarn),
	}
	p.kill = func() {
		close(p.closed)
		_ = server.Close() // its only error is that of closing p
		stop()             // requests with bytes behind them: net/http does not see the end of their connection
	}
	c.running = p
	p.belief.Store(&belief{})
	m.conns.Go(func() { _ = server.Serve(p) }) // ends with ErrServerClosed
	c.admit(p)
	return p
}

// killed reports whether the process that received the request is dead, and its connections with it.
func killed(r *http.Request) bool {
	p, ok := r.Context().Value(incarnationKey{}).(*incarnation)
	if !ok {
		return false
	}
	select {
	case <-p.closed:
		return true
	default:
		return false
	}
}

// admit opens the address for a process, or closes it when there is none.
func (c *contender) admit(p *incarnation) {
	c.entrance.Store(p)
	if l, ok := c.listener.(*virtualnet.Listener); ok {
		l.SetRefusing(p == nil)
	}
}

// serve hands the connections of the address to the process that runs. Where none runs and the
// network cannot refuse them, they break at once.
func (c *contender) serve() error {
	for {
		conn, err := c.listener.Accept()
		if err != nil {
			return err
		}
		p := c.entrance.Load()
		if p == nil {
			sever(conn)
			continue
		}
		select {
		case p.conns <- conn:
		case <-p.closed:
			sever(conn)
		}
	}
}

// Accept, Close and Addr make the process a net.Listener.
func (p *incarnation) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return quietConn{c}, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *incarnation) Close() error   { return nil } // kill does it
func (p *incarnation) Addr() net.Addr { return p.contender.listener.Addr() }

// countConn is told of a new connection before its goroutine starts, and of a
// closed one at that goroutine's end.
func (m *Master) countConn(p *incarnation, c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		m.conns.Add(1)
		select {
		case <-p.closed: // accepted too late for Close to see it
			_ = c.Close()
		default:
		}
	case http.StateClosed, http.StateHijacked:
		m.conns.Done()
	}
}

// masterInfo returns the MasterInfo of a process. On a network without IPs it is 127.0.0.1, as in
// the recordings.
func (m *Master) masterInfo(addr net.Addr, id string) mesos.MasterInfo {
	ip, port, hostname := net.IPv4(127, 0, 0, 1), 5050, "localhost"
	if host, text, err := net.SplitHostPort(addr.String()); err == nil {
		if p, err := strconv.Atoi(text); err == nil {
			port = p
		}
		switch parsed := net.ParseIP(host); {
		case parsed.To4() != nil:
			ip = parsed
		case parsed == nil && host != "":
			hostname = host
		}
	}
	if m.config.Hostname != "" {
		hostname = m.config.Hostname
	}
	ip = ip.To4()
	return mesos.MasterInfo{
		ID:       id,
		IP:       uint32(ip[0]) | uint32(ip[1])<<8 | uint32(ip[2])<<16 | uint32(ip[3])<<24, // network order
		Port:     ptr(uint32(port)),
		PID:      ptr(fmt.Sprintf("master@%s:%d", ip, port)),
		Hostname: &hostname,
		Version:  &m.config.Version,
		Address:  &mesos.Address{Hostname: &hostname, IP: ptr(ip.String()), Port: int32(port)},
		Domain:   domainInfo(m.config.Domain),
		Capabilities: []mesos.MasterInfo_Capability{
			{Type: mesos.MasterInfo_Capability_AGENT_UPDATE},
			{Type: mesos.MasterInfo_Capability_AGENT_DRAINING},
			{Type: wirejson.QuotaV2},
		},
	}
}
