package scheduler

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
)

var chaosSeeds = flag.Uint64("chaos", 4, "seeds of TestChaos, each an hour of cluster time; two at most with -short")

// TestChaos disturbs a cluster, its users and the scheduler's process for an hour, in every way that
// chaos_faults_test.go has, then lets it run undisturbed, and checks all the time what a scheduler promises:
//
//   - a launch, an acknowledgement and the answer to a caller come after what they depend on is durable;
//   - no task runs twice at a time, and none runs after Kill has returned;
//   - a task ends only because of the cluster or a user;
//   - in the end the scheduler and the cluster agree on every task, every task that can run runs, no two tasks of a
//     group with UNIQUE are on one agent, no caller waits for an answer, no update waits for an acknowledgement, and no
//     offer is held;
//   - a process that is told that another one leads ends at that instant with a FencedError and sends nothing more;
//   - no goroutine is left behind;
//   - calls, lines of the log and what the machine keeps are bounded (chaos_bounds_test.go), also while the master lies.
func TestChaos(t *testing.T) {
	seeds := *chaosSeeds
	if testing.Short() {
		seeds = min(seeds, 2)
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			if h := runChaos(t, seed, *chaosLies, (*machine).step); len(h.violations) > 0 {
				require.Fail(t, fmt.Sprintf("again: go test ./scheduler -run 'TestChaos/^%d$' -chaos %d\n%s", seed, seed+1, h.report()))
			}
		})
	}
}

const (
	chaosTime = time.Hour
	// restTime is the longest time that it may take to find out that a task is lost: the master must not have known it
	// for ten minutes, and is asked every 15 min or so.
	restTime = 45 * time.Minute
)

// chaos is the cluster, the process and the users of one seed.
type chaos struct {
	seed    uint64
	decide  func(*machine, time.Time, input) []action
	history *history
	network virtualnet.Network
	masters []string // their addresses
	master  *mesostest.Master
	store   *chaosStore
	hostile *hostileMaster
	meter   *meter
	users   sync.WaitGroup

	crash   chan struct{} // the process is to be killed
	another chan struct{} // another process is to lead beside it

	mu       sync.Mutex
	sched    *Scheduler // of the present process
	leading  int        // processes that have not ended
	calm     bool       // the faults are over
	ended    []error    // what Run returned since then
	refusing bool       // connections are refused
	faults   callFaults
	wanted   map[string]*wantedTask
	order    []*wantedTask
	waiting  map[string]int // calls of users under way
	cluster  clusterState
}

// runChaos runs one seed, with these lies of the master, and decide in place of machine.step.
func runChaos(t *testing.T, seed uint64, lies string, decide func(*machine, time.Time, input) []action) *history {
	h := newHistory()
	synctest.Test(t, func(t *testing.T) {
		h.began = time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		var services sync.WaitGroup
		defer services.Wait()
		defer cancel()
		c := &chaos{
			seed: seed, decide: decide, history: h, crash: make(chan struct{}, 1), another: make(chan struct{}, 1),
			wanted: map[string]*wantedTask{}, waiting: map[string]int{},
			store: newChaosStore(source(seed, 1), h.violate), meter: newMeter(h.violate),
		}
		c.hostile = newHostileMaster(source(seed, 7), h, c.meter)
		c.faults = callFaults{random: source(seed, 2), offers: map[string]bool{}}
		c.begin(t, ctx, &services)
		services.Go(func() { c.process(ctx, source(seed, 3)) })
		if c.elects() {
			services.Go(func() { c.electOthers(ctx, source(seed, 6)) })
		}
		services.Go(func() { c.lieNowAndThen(ctx, lies, source(seed, 8)) })
		synctest.Wait()
		c.disturb(ctx, source(seed, 4))
		c.waitIdle(ctx)
		c.compare(ctx)
		cancel()
		c.users.Wait()
	})
	return h
}

// source returns a random source for one part of a seed. Each part has its own, so that what it draws does not depend
// on the order of events.
func source(seed, part uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, part)) }

// begin runs the master, or three of them.
func (c *chaos) begin(t *testing.T, ctx context.Context, services *sync.WaitGroup) {
	random := source(c.seed, 0)
	cluster := mesostest.Config{
		Version: map[uint64]string{6: "1.10.0"}[c.seed%7], Seed: c.seed, AgentReregisterTimeout: 10 * time.Minute, Front: c.hostile.front,
	}
	for n := range 5 + random.IntN(4) {
		cluster.Agents = append(cluster.Agents, c.cluster.add(fmt.Sprintf("agent%d.example", n+1), 6001+n))
	}
	var err error
	c.master, err = mesostest.New(cluster)
	require.NoError(t, err)
	var listeners []net.Listener
	for n := range 1 + 2*random.IntN(2) {
		c.masters = append(c.masters, fmt.Sprintf("master%d.example:5050", n))
		l, err := c.network.Listen(c.masters[n])
		require.NoError(t, err)
		listeners = append(listeners, l)
	}
	services.Go(func() { _ = c.master.Run(ctx, listeners[0], listeners[1:]...) })
	c.master.Intercept(c.seen)
}

// process runs schedulers, one after the other, like a process that is killed now and then and started
// again, or that goes on beside the next one, since it does not know yet that another one leads. Only the store outlives
// it.
func (c *chaos) process(ctx context.Context, random *rand.Rand) {
	var p *process
	for ctx.Err() == nil {
		if p == nil || random.IntN(3) > 0 { // else the same one runs again
			p = c.newProcess()
		}
		c.history.note("the process begins")
		c.meter.reset()
		run, kill := context.WithCancelCause(ctx)
		events := p.sched.Watch(run)
		c.users.Go(func() { c.watch(events) })
		ended := p.lead(run, c.elect())
		var err error
		select {
		case <-c.crash:
			time.Sleep(time.Duration(random.IntN(3_000_000))) // in the middle of what comes next
			kill(errKilled)
			err = <-ended
		case err = <-ended:
		case <-c.another:
			c.history.note("another process leads")
			p = nil
			go func() { <-ended; kill(nil) }()
			continue
		}
		kill(nil)
		c.history.note("the process ends: %v", err)
		c.mu.Lock()
		if c.calm && !errors.Is(err, errKilled) {
			c.ended = append(c.ended, err)
		}
		c.mu.Unlock()
		select {
		case <-c.crash: // too late
		default:
		}
		pause := 3 * time.Second
		if random.IntN(20) == 0 {
			pause = time.Minute
		}
		time.Sleep(time.Duration(random.ExpFloat64() * float64(pause)))
	}
}

var errKilled = errors.New("killed")

func (c *chaos) newProcess() *process {
	p := &process{chaos: c}
	config := Config{
		Master: strings.Join(c.masters, ","), Framework: Framework{Name: "chaos", User: "nobody", Roles: c.roles()},
		DialContext: p.dial, Logger: slog.New(slog.NewTextHandler(c.meter, nil)),
		MaxLaunches: 1000, // how often is up to chance here
		JSON:        c.seed%5 == 4,
		Offers:      OfferPolicy{Hold: c.hold(), WaitPreferred: map[uint64]time.Duration{3: 2 * time.Second}[c.seed%5]},
	}
	if c.forgets() {
		config.History = -1
	}
	// Late updates about tasks that have ended adopt nothing, also without a history.
	config.UnknownTasks = map[uint64]UnknownTasks{1: AdoptUnknown, 3: KillUnknown, 7: AdoptUnknown}[c.seed%8]
	s, err := New(config)
	if err != nil {
		panic(err)
	}
	s.settings.random = source(c.seed, 5).Float64
	s.decide = func(m *machine, now time.Time, in input) []action {
		c.history.took(in)
		actions := c.decide(m, now, in)
		c.history.did(actions)
		return actions
	}
	p.sched = s
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sched = s
	return p
}

// roles returns the roles of this seed's framework.
func (c *chaos) roles() []string {
	if c.seed%2 == 0 {
		return []string{"*"}
	}
	return []string{"a", "b", "c"}
}

// hold returns for how long this seed's schedulers hold offers; 0: for a moment.
func (c *chaos) hold() time.Duration {
	return map[uint64]time.Duration{1: time.Minute, 2: 24 * time.Hour}[c.seed%6]
}

// forgets reports whether this seed's schedulers keep no history of ended tasks.
func (c *chaos) forgets() bool { return c.seed%4 == 3 }

func (c *chaos) current() *Scheduler {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sched
}

func (p *process) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c := p.chaos
	chance := c.delay("dial " + address)
	c.mu.Lock()
	refused := c.refusing && chance%2 == 0
	c.mu.Unlock()
	if refused {
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	conn, err := c.network.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &slowConn{Conn: conn, p: p}, nil
}

// slowConn delays reads and writes by up to a millisecond. Otherwise the order of most things that happen at the same
// instant would be up to the runtime, and differ between runs.
type slowConn struct {
	net.Conn
	p    *process
	last atomic.Pointer[string] // what was written last
}

func (s *slowConn) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	if last := s.last.Load(); last != nil {
		s.p.delay("read after " + *last)
	}
	return n, err
}

func (s *slowConn) Write(b []byte) (int, error) {
	text := string(b[:min(len(b), 8<<10)])
	s.last.Store(&text)
	if strings.HasPrefix(text, "POST") {
		s.p.checkSends()
	}
	s.p.delay("write " + text)
	return s.Conn.Write(b)
}

// delay sleeps for up to a millisecond. The time depends only on who calls it and when. It returns the number
// from which the time was derived.
func (c *chaos) delay(who string) uint64 {
	h := fnv.New64a()
	fmt.Fprint(h, c.seed, time.Since(c.history.began), who)
	time.Sleep(time.Duration(1 + h.Sum64()%1_000_000))
	return h.Sum64() / 1_000_000
}
