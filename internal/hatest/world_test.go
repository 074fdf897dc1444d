package hatest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/ha/cluster"
	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
)

// flaws are the controls: what is done wrong on purpose.
type flaws struct {
	noBarrier  bool // a new leader does not wait for what was committed before it loads
	earlyAck   bool // the store says that something is durable before it is
	noProof    bool // nobody asks for a proof before SUBSCRIBE
	wholeMap   bool // each write replaces everything by what the process has written since it began
	lostMemory bool // a member comes back under its ID without its log
	lingers    bool // a leader goes on for some seconds after its term
	forgets    bool // each term finds an empty store
}

// setup is what differs between worlds.
type setup struct {
	seed    uint64
	members int // default 3
	masters int // default 1
	durable bool
	preset  cluster.Preset
	flaws   flaws
	enough  string // the kind of broken promise with which a control has had its effect
	// heartbeat is the master's, default 15 s, and missed after how many the master counts as gone, default 5.
	// Reregister is for how long it waits for agents after a failover, default 10 min.
	heartbeat  time.Duration
	missed     int
	reregister time.Duration
}

// world is a cluster of members and a Mesos cluster.
type world struct {
	testing.TB
	setup
	*history
	net     virtualnet.Network
	folder  string // of the members' directories, "" if they have none
	masters []string
	master  *mesostest.Master
	commits *commits
	users   users

	mu         sync.Mutex
	processes  []*member       // by number, from 1 on; nil: there was none
	running    map[*member]int // which lead functions run
	newest     uint64          // term
	subscribed []subscription
	evictions  int
	alarms     int            // members that stopped because they suspected a foreign scheduler
	refusing   bool           // the master answers 503
	calls      map[string]int // by type
	seesLaunch func()         // called when one arrives at the master, unless it is nil
}

const (
	agents    = 4
	agentCPUs = 16
)

// inWorld runs a test in a bubble, with all members running and links of about a millisecond.
func inWorld(t *testing.T, s setup, test func(w *world)) *history {
	t.Helper()
	h := &history{}
	synctest.Test(t, func(t *testing.T) {
		h.began = time.Now()
		w := newWorld(t, s, h)
		ctx, cancel := context.WithCancel(context.Background())
		var serving sync.WaitGroup
		w.beginMasters(ctx, &serving)
		for n := 1; n <= w.members; n++ {
			w.start(n)
		}
		defer func() { // also when the test has failed
			w.restoreLinks()
			for n := 1; n <= w.members; n++ {
				w.process(n).end()
			}
			cancel()
			serving.Wait()
			time.Sleep(2 * time.Minute) // memberlist ends its goroutines without waiting for them
		}()
		test(w)
	})
	return h
}

func newWorld(t *testing.T, s setup, h *history) *world {
	if s.members == 0 {
		s.members = 3
	}
	w := &world{TB: t, setup: s, history: h, running: map[*member]int{}, commits: newCommits(h.violate), processes: make([]*member, s.members+1)}
	w.net.Seed = s.seed
	w.users.world = w
	w.users.wanted = map[string]*wanted{}
	if s.durable {
		w.folder = tempDir(t)
	}
	return w
}

// memoryDir is where files are in memory, on Linux.
const memoryDir = "/dev/shm"

// tempDir is in memory where that is possible: what is written need not survive the machine.
func tempDir(t *testing.T) string {
	dir, err := os.MkdirTemp(memoryDir, "hatest")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func masterIP(n int) string { return fmt.Sprintf("10.0.1.%d", n+1) }

func (w *world) beginMasters(ctx context.Context, serving *sync.WaitGroup) {
	c := mesostest.Config{
		Seed: w.seed, HeartbeatInterval: w.heartbeat, AgentPingTimeout: 20 * time.Second, AgentReregisterTimeout: w.reregister,
	}
	for n := range agents {
		c.Agents = append(c.Agents, mesostest.Agent{Hostname: fmt.Sprintf("agent%d", n), Resources: fmt.Sprintf("cpus:%d;mem:32768", agentCPUs)})
	}
	var err error
	w.master, err = mesostest.New(c)
	require.NoError(w, err)
	var listeners []net.Listener
	for n := range max(1, w.setup.masters) {
		w.masters = append(w.masters, masterIP(n)+":5050")
		l, err := w.net.Listen(w.masters[n])
		require.NoError(w, err)
		listeners = append(listeners, l)
	}
	w.restoreLinks()
	serving.Go(func() { _ = w.master.Run(ctx, listeners[0], listeners[1:]...) })
	w.master.Intercept(w.seen)
}

// hosts returns all hosts, the members first.
func (w *world) hosts() (hosts []string) {
	for n := 1; n <= w.members; n++ {
		hosts = append(hosts, ip(n))
	}
	for n := range w.masters {
		hosts = append(hosts, masterIP(n))
	}
	return hosts
}

// usual is a link that works.
func usual() virtualnet.Link {
	return virtualnet.Link{Delay: 300 * time.Microsecond, Jitter: 500 * time.Microsecond}
}

// restoreLinks has all links work.
func (w *world) restoreLinks() {
	for _, from := range w.hosts() {
		for _, to := range w.hosts() {
			w.net.SetLink(from, to, usual())
		}
	}
}

// cut cuts the links from some hosts to others.
func (w *world) cut(from, to []string) {
	for _, a := range from {
		for _, b := range to {
			if a != b {
				w.net.SetLink(a, b, virtualnet.Link{Cut: true})
			}
		}
	}
}

// source returns a random source for one part of a seed. Each part has its own, so that what it draws does not depend
// on the order of events.
func (w *world) source(part uint64) *rand.Rand { return rand.New(rand.NewPCG(w.seed, part)) }

func (w *world) process(n int) *member {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.processes[n]
}

// newestTerm returns the number of the newest term.
func (w *world) newestTerm() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.newest
}

// evicted returns how often a subscription was taken over by another one.
func (w *world) evicted() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.evictions
}

// leads notes that a member begins to lead a term, or with 0 that it has ended.
func (m *member) leads(term uint64) {
	m.note("member %d leads in term %d", m.n, term)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.term, m.unaware = term, false
	if term == 0 {
		delete(m.running, m)
		return
	}
	if term <= m.newest {
		m.violate("I5", "member %d leads in term %d after term %d", m.n, term, m.newest)
	}
	for other := range m.running {
		m.endsSoon(other, other.term)
	}
	m.newest, m.running[m] = term, m.n
}

// beside is how long two may lead. Raft's lease counts from when the answer to a heartbeat came, not from when it was asked for, so
// that an answer that a lossy link holds up makes it longer. What the earlier leader still does is refused by the store and by its
// proofs of leadership.
const beside = 2 * time.Second

// endsSoon has a term end while another one leads: it may last until its member has noticed. The mutex is held.
func (m *member) endsSoon(other *member, term uint64) {
	newest := m.term
	time.AfterFunc(beside, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if other.term == term && !other.unaware && !other.dead {
			m.violate("I1", "member %d leads in term %d, %v after member %d in term %d", other.n, term, beside, m.n, newest)
		}
	})
}

// leader returns the member that leads, nil if there is none that knows of no other.
func (w *world) leader() *member {
	w.mu.Lock()
	defer w.mu.Unlock()
	for m := range w.running {
		if m.term == w.newest && !m.unaware && !m.dead {
			return m
		}
	}
	return nil
}

// await waits until a condition holds, which it looks at every now and then, and reports whether it does in time.
func await(within, every time.Duration, holds func() bool) bool {
	for end := time.Now().Add(within); ; time.Sleep(every) {
		synctest.Wait()
		if holds() {
			return true
		}
		if !time.Now().Before(end) {
			return false
		}
	}
}
