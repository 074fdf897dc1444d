package mesostest

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// Master is a fake Mesos master with its agents. It is made by New, lives once,
// and all its methods may be called from any goroutine; except Run they
// wait until Run has begun.
type Master struct {
	config Config
	inbox  chan func()    // what the loop is to do
	ended  chan struct{}  // closed when the loop has ended
	conns  sync.WaitGroup // one per connection, and per request on a hijacked one
	begun  atomic.Bool
	late   sync.Mutex // of who calls methods after the loop has ended

	// What follows belongs to the loop; after it, to nobody.

	start  time.Time // of Run: allocations are at multiples of the interval since
	timers timers
	random *rand.Rand
	info   mesos.MasterInfo

	frameworks map[string]*framework
	order      []*framework // by arrival, since nothing is done by ranging over a map
	removed    []*framework // as many of them as are remembered
	registered int          // frameworks ever registered: the next ID

	agents         []*agent          // by registration
	agentByID      map[string]*agent // also unreachable ones
	everRegistered []*agent          // their number is the next ID

	offers     map[string]*offer
	offered    int                // offers ever made: the next ID
	ticks      map[int64]struct{} // allocations that are scheduled
	shares     map[shareKey]*share
	launched   uint64 // tasks ever launched: their order
	intercept  func(*scheduler.Call) Fault
	silent     bool
	callCounts map[scheduler.Call_Type]int
}

// New makes a master. The error names the field of config that no flag could
// express, or that does not parse.
func New(config Config) (*Master, error) {
	config = config.withDefaults()
	if err := config.validate(); err != nil {
		return nil, err
	}
	m := &Master{
		config:     config,
		inbox:      make(chan func()),
		ended:      make(chan struct{}),
		random:     rand.New(rand.NewPCG(config.Seed, 0)),
		frameworks: make(map[string]*framework),
		agentByID:  make(map[string]*agent),
		offers:     make(map[string]*offer),
		ticks:      make(map[int64]struct{}),
		shares:     make(map[shareKey]*share),
		callCounts: make(map[scheduler.Call_Type]int),
	}
	m.info.ID = m.newUUID().String()
	for i := range config.Agents {
		if _, err := m.newAgent(config.Agents[i]); err != nil {
			return nil, fmt.Errorf("mesostest: Config.Agents[%d]: %w", i, err)
		}
	}
	return m, nil
}

// Run serves the master on l until ctx ends or l fails, and closes l. Like a
// killed master it then breaks every connection. It returns when all
// its goroutines have ended: nil when ctx was the reason, else the
// error of l; ErrRunning when the master was run before.
func (m *Master) Run(ctx context.Context, l net.Listener) error {
	if !m.begun.CompareAndSwap(false, true) {
		return ErrRunning
	}
	m.introduce(l.Addr())
	serving, stop := context.WithCancel(context.Background())
	defer stop()
	server := &http.Server{
		Handler:     http.HandlerFunc(m.ServeHTTP),
		BaseContext: func(net.Listener) context.Context { return serving },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, c.(quietConn).Conn)
		},
		ConnState: m.countConn,
		ErrorLog:  slog.NewLogLogger(m.config.Logger.Handler(), slog.LevelWarn),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(quietListener{l}) }()

	err := m.loop(ctx, served)
	close(m.ended)
	_ = server.Close() // its only error is that of closing l
	stop()             // requests with bytes behind them: net/http does not see the end of their connection
	if err == nil {
		<-served
	}
	m.conns.Wait()
	return err
}

// countConn is told of a new connection before its goroutine starts, and of a
// closed one at that goroutine's end.
func (m *Master) countConn(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		m.conns.Add(1)
		select {
		case <-m.ended: // accepted too late for Close to see it
			_ = c.Close()
		default:
		}
	case http.StateClosed, http.StateHijacked:
		m.conns.Done()
	}
}

// loop owns the state until ctx ends or the server fails.
func (m *Master) loop(ctx context.Context, served <-chan error) error {
	m.start = time.Now()
	for i := range m.config.Agents {
		a, err := m.newAgent(m.config.Agents[i])
		if err != nil {
			return err // cannot be: New has tried it
		}
		m.register(a)
	}
	alarm := time.NewTimer(0)
	defer alarm.Stop()
	for {
		m.timers.run(time.Now())
		var due <-chan time.Time
		if at, ok := m.timers.next(); ok {
			alarm.Reset(time.Until(at))
			due = alarm.C
		}
		select {
		case <-ctx.Done():
			return nil
		case err := <-served:
			return err
		case f := <-m.inbox:
			f()
		case <-due:
		}
	}
}

// must runs f on the loop or, when that has ended, on the caller's goroutine, one at a time.
func (m *Master) must(f func()) {
	if err := m.do(context.Background(), f); err != nil {
		m.late.Lock()
		defer m.late.Unlock()
		f()
	}
}

// after calls f on the loop in d.
func (m *Master) after(d time.Duration, f func()) *timer {
	return m.timers.add(time.Now().Add(d), f)
}

// newUUID makes a random (version 4) UUID from the seeded source.
func (m *Master) newUUID() uuid.UUID {
	var u uuid.UUID
	for i := range u {
		u[i] = byte(m.random.Uint32())
	}
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	return u
}

// introduce fills in what the master says of itself in SUBSCRIBED. On a network
// without IPs it is 127.0.0.1, as in the recordings.
func (m *Master) introduce(addr net.Addr) {
	ip, port := net.IPv4(127, 0, 0, 1), 5050
	if host, text, err := net.SplitHostPort(addr.String()); err == nil {
		if p, err := strconv.Atoi(text); err == nil {
			port = p
		}
		if parsed := net.ParseIP(host).To4(); parsed != nil {
			ip = parsed
		}
	}
	ip = ip.To4()
	m.info.IP = uint32(ip[0]) | uint32(ip[1])<<8 | uint32(ip[2])<<16 | uint32(ip[3])<<24 // network order
	m.info.Port = ptr(uint32(port))
	m.info.PID = ptr(fmt.Sprintf("master@%s:%d", ip, port))
	m.info.Hostname = &m.config.Hostname
	m.info.Version = ptr(mesosVersion)
	m.info.Address = &mesos.Address{Hostname: &m.config.Hostname, IP: ptr(ip.String()), Port: int32(port)}
	m.info.Domain = domainInfo(m.config.Domain)
	m.info.Capabilities = []mesos.MasterInfo_Capability{
		{Type: mesos.MasterInfo_Capability_AGENT_UPDATE},
		{Type: mesos.MasterInfo_Capability_AGENT_DRAINING},
		{Type: quotaV2},
	}
}

func ptr[T any](v T) *T { return &v }
