package mesostest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/maintenance"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/shell"
)

// Master is a fake Mesos master with its agents. It is made by New, lives once,
// and all its methods may be called from any goroutine; except Run they
// wait until Run has begun.
type Master struct {
	config Config
	inbox  chan func()    // what the loop is to do
	ended  chan struct{}  // closed when the loop has ended
	conns  sync.WaitGroup // of net/http: one per connection, and one per master process
	begun  atomic.Bool
	known  atomic.Pointer[credentials] // nil: nobody is asked for any
	late   sync.Mutex                  // of who calls methods after the loop has ended

	programs sync.WaitGroup // their goroutines

	// What follows belongs to the loop; after it, to nobody.

	start  time.Time // of Run: allocations are at multiples of the interval since
	timers timers
	random *rand.Rand
	info   mesos.MasterInfo // of the leader, or the last one

	contenders     []*contender // the masters, in the order of Run's listeners
	nodes          []*node      // of the election: the first leads
	sequence       int          // of the last node
	leading        *incarnation // nil: there is no leader
	ready          bool         // it has recovered
	recovery       *timer       // until then; nil: it waits for a quorum, or has recovered
	reregistration *timer       // until agents that have not come back are unreachable
	zookeeperLost  *timer       // until the sessions end; nil: ZooKeeper is there
	candidates     func([]Candidate)

	frameworks map[string]*framework
	order      []*framework // by arrival, since nothing is done by ranging over a map
	removed    []*framework // as many of them as are remembered
	registered int          // frameworks ever registered: the next ID

	agents         []*agent          // by registration
	agentByID      map[string]*agent // also unreachable ones
	everRegistered []*agent          // also those that wait for a leader
	admitted       int               // agents that this leader gave an ID: the next

	gone          map[string]*agent // marked so
	machines      []*mesos.MachineInfo
	schedule      maintenance.Schedule
	inverseOffers []*inverseOffer // outstanding, by age
	quotas        map[string]quota
	weights       map[string]float64 // of roles

	offers      map[string]*offer
	offered     int                // offers ever made: the next ID
	ticks       map[int64]struct{} // allocations that are scheduled
	shares      map[shareKey]*share
	launched    uint64         // tasks ever launched: their order
	launches    map[string]int // of each task
	kept        []*task        // all that were launched, with Config.KeepTasks
	running     map[*program]struct{}
	waiting     []*waiter
	intercept   func(*scheduler.Call) Fault
	observe     func(Handled)
	disturbance disturbance
	silent      bool
	callCounts  map[scheduler.Call_Type]int
	deadly      []string // what a real master would have died of
}

// New makes a master. The error names the field of config that no flag could
// express, or that does not parse.
func New(config Config) (*Master, error) {
	config = config.withDefaults()
	if err := config.validate(); err != nil {
		return nil, err
	}
	m := &Master{
		config:      config,
		inbox:       make(chan func()),
		ended:       make(chan struct{}),
		random:      rand.New(rand.NewPCG(config.Seed, 0)),
		frameworks:  make(map[string]*framework),
		agentByID:   make(map[string]*agent),
		gone:        make(map[string]*agent),
		quotas:      make(map[string]quota),
		weights:     make(map[string]float64),
		offers:      make(map[string]*offer),
		ticks:       make(map[int64]struct{}),
		shares:      make(map[shareKey]*share),
		disturbance: disturbance{random: rand.New(rand.NewPCG(config.Seed, 1))},
		callCounts:  make(map[scheduler.Call_Type]int),
		launches:    make(map[string]int),
		running:     make(map[*program]struct{}),
	}
	if config.Credentials != nil || config.Tokens != nil {
		m.known.Store(newCredentials(config.Credentials, config.Tokens))
	}
	m.info.ID = m.newUUID().String()
	for i := range config.Agents {
		if _, err := m.newAgent(config.Agents[i]); err != nil {
			return nil, fmt.Errorf("mesostest: Config.Agents[%d]: %w", i, err)
		}
	}
	return m, nil
}

// Run serves the master on l until ctx ends or a listener fails, and closes all of them. With others
// it is several masters, one on each listener, of which the first begins as the leader and
// the others redirect to it; see LoseMaster. Like killed masters they then break
// every connection. It returns when all its goroutines have ended: nil when ctx was
// the reason, else the error of the listener; ErrRunning when the master was run before.
func (m *Master) Run(ctx context.Context, l net.Listener, others ...net.Listener) error {
	if !m.begun.CompareAndSwap(false, true) {
		return ErrRunning
	}
	listeners := append([]net.Listener{l}, others...)
	m.assemble(listeners)
	var accepting sync.WaitGroup
	broken := make(chan error, len(listeners))
	for _, c := range m.contenders {
		accepting.Go(func() { broken <- c.serve() })
	}
	err := m.loop(ctx, broken)
	m.disband()
	close(m.ended)
	for _, a := range m.everRegistered {
		a.closeAPI()
	}
	for p := range m.running {
		p.stop()
	}
	accepting.Wait()
	m.conns.Wait()
	m.programs.Wait()
	return err
}

// assemble runs a process on each listener, the first as the leader.
func (m *Master) assemble(listeners []net.Listener) {
	setDefault(&m.config.Quorum, len(listeners)/2+1)
	for _, l := range listeners {
		m.contenders = append(m.contenders, &contender{listener: l})
	}
	for i, c := range m.contenders {
		id := m.info.ID
		if i > 0 {
			id = m.newUUID().String()
		}
		m.join(m.begin(c, id))
	}
	m.leading = m.contenders[0].running
	m.info = m.leading.info
	m.recover()
	m.elect()
}

// disband kills all processes for good.
func (m *Master) disband() {
	for _, c := range m.contenders {
		_ = c.listener.Close()
		if c.running != nil {
			c.running.kill()
		}
		m.thaw(c)
	}
	m.contenders, m.nodes, m.leading = nil, nil, nil
}

// loop owns the state until ctx ends or a listener fails.
func (m *Master) loop(ctx context.Context, broken <-chan error) error {
	m.start = time.Now()
	for i := range m.config.Agents {
		a, err := m.newAgent(m.config.Agents[i])
		if err != nil {
			return err // cannot be: New has tried it
		}
		if err := m.openAPI(a); err != nil {
			return err
		}
		m.register(a)
	}
	alarm := time.NewTimer(0)
	defer alarm.Stop()
	for {
		m.timers.run(time.Now())
		m.release()
		var due <-chan time.Time
		if at, ok := m.timers.next(); ok {
			alarm.Reset(time.Until(at))
			due = alarm.C
		}
		select {
		case <-ctx.Done():
			return nil
		case err := <-broken:
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

// spawn starts a command in the shell's interpreter, on the timers of the loop.
func (m *Master) spawn(c *mesos.CommandInfo, o shell.Options) *shell.Process {
	o.After = func(d time.Duration, f func()) (stop func()) { return m.after(d, f).stop }
	return shell.Start(c, o)
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

func ptr[T any](v T) *T { return &v }
