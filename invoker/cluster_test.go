package invoker

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/ha/electiontest"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// processes are several processes on one engine, each with an invoker that takes part in an election, and a dispatcher.
type processes struct {
	t        *testing.T
	engine   *fakeEngine
	election *electiontest.Election
	unfenced bool         // the leaders' writes are not: a control that must fail
	ttl      atomic.Int64 // a duration: what dispatchers are told in place of the lease, if it is set: a control that must fail

	mu      sync.Mutex
	all     []*process
	cut     map[int]bool
	paused  map[int]bool
	stuck   map[int]int // who asks this leader, whoever leads
	changed chan struct{}
	led     time.Time // when the last term began
}

// process is one of them. It is the engine of its invoker and the control of its dispatcher: both as over a network.
type process struct {
	cluster    *processes
	i          int
	host       *virtualnet.Host
	invoker    *Invoker
	dispatcher *Dispatcher
	dead       chan struct{}
	stop       context.CancelCauseFunc
	running    sync.WaitGroup
}

func newProcesses(t *testing.T, n int) *processes {
	c := &processes{
		t: t, engine: newFakeEngine(), election: electiontest.New(electiontest.Config{Members: n, Latency: 2 * ms}),
		all: make([]*process, n), cut: map[int]bool{}, paused: map[int]bool{}, stuck: map[int]int{}, changed: make(chan struct{}),
	}
	c.engine.single = true
	for i := range n {
		c.start(i)
	}
	return c
}

// start starts a process, in place of one that is dead.
func (c *processes) start(i int) {
	p := &process{cluster: c, i: i, host: c.engine.network.Host(fmt.Sprintf("10.9.0.%d", i+1)), dead: make(chan struct{})}
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		return p.host.DialContext(ctx, network, address)
	}
	log := slog.New(slog.DiscardHandler)
	var err error
	p.invoker, err = New(Config{Owner: "test", Engine: p, DialContext: dial, Logger: log})
	require.NoError(c.t, err)
	p.dispatcher, err = NewDispatcher(DispatcherConfig{Control: p, Name: fmt.Sprint(i), DialContext: dial, Logger: log})
	require.NoError(c.t, err)
	ctx, stop := context.WithCancelCause(context.Background())
	p.stop = stop
	p.running.Go(func() { _ = c.election.Member(i).Run(ctx, p.lead) })
	p.running.Go(func() { _ = p.dispatcher.Run(ctx) })
	c.change(func() { c.all[i] = p })
}

func (p *process) lead(ctx context.Context, t scheduler.Term) error {
	c := p.cluster
	c.change(func() { c.led = time.Now() })
	if c.unfenced {
		t.Store = slowStore{c.election.Store(), p}
	}
	return p.invoker.Lead(ctx, t)
}

// slowStore is a store that does not know terms; a process that is paused waits in its calls.
type slowStore struct {
	scheduler.Store
	of *process
}

func (s slowStore) Apply(ctx context.Context, changes map[string][]byte) error {
	if err := s.of.awake(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	return s.Store.Apply(context.WithoutCancel(ctx), changes)
}

func (c *processes) change(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
	close(c.changed)
	c.changed = make(chan struct{})
}

// kill ends a process as SIGKILL does. What it does from then on has no effect.
func (c *processes) kill(i int) {
	p := c.process(i)
	c.change(func() { close(p.dead) })
	p.host.Kill()
	c.election.Cut(i)
}

// restart starts a process that was killed.
func (c *processes) restart(i int) {
	p := c.process(i)
	p.stop(errStopped)
	p.running.Wait()
	c.election.Heal(i)
	c.start(i)
}

func (c *processes) process(i int) *process {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all[i]
}

// setCut cuts a process off from the others, not from the containers.
func (c *processes) setCut(i int, cut bool) {
	c.change(func() { c.cut[i] = cut })
	if cut {
		c.election.Cut(i)
	} else {
		c.election.Heal(i)
	}
}

// setPaused stops a process, as far as the outside is concerned, or has it go on.
func (c *processes) setPaused(i int, paused bool) {
	c.change(func() { c.paused[i] = paused })
	if p := c.process(i); paused {
		p.host.Pause()
		c.election.Pause(i)
	} else {
		p.host.Resume()
		c.election.Resume(i)
	}
}

func (c *processes) end() {
	for i, p := range c.all {
		c.setCut(i, false)
		c.setPaused(i, false)
		p.stop(errStopped)
	}
	for _, p := range c.all {
		p.running.Wait()
	}
	c.engine.closeAll()
}

// leader returns who leads, as a process knows it.
func (c *processes) leader(of int) int {
	c.mu.Lock()
	stuck, is := c.stuck[of]
	c.mu.Unlock()
	if is {
		return stuck
	}
	leader := c.election.Member(of).Status().Leader
	return slices.IndexFunc([]string{"member-0", "member-1", "member-2"}, func(id string) bool { return id == leader })
}

// awake waits while the process is paused, and for ever if it is dead.
func (p *process) awake(ctx context.Context) error {
	for {
		p.cluster.mu.Lock()
		paused, changed := p.cluster.paused[p.i], p.cluster.changed
		p.cluster.mu.Unlock()
		select {
		case <-p.dead:
			<-ctx.Done()
			return context.Cause(ctx)
		default:
		}
		if !paused {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// ask makes a call of the process that leads, over the network.
func ask[T any](ctx context.Context, p *process, do func(context.Context, Control) (T, error)) (none T, err error) {
	select {
	case <-p.dead:
		return none, errCut
	default:
	}
	if err := p.awake(ctx); err != nil {
		return none, err
	}
	leader := p.cluster.leader(p.i)
	if leader < 0 {
		return none, ErrNotLeading
	}
	to := p.cluster.process(leader)
	type answer struct {
		value T
		err   error
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	answers := make(chan answer, 1)
	go func() {
		a := answer{err: errCut}
		if to.awake(ctx) == nil && p.connected(ctx, to) {
			a.value, a.err = do(ctx, to.invoker.Control())
			if err := to.awake(ctx); err != nil || !p.connected(ctx, to) {
				a.err = errCut
			}
		}
		answers <- a
	}()
	select {
	case a := <-answers:
		if err := p.awake(ctx); err != nil {
			return none, err
		}
		return a.value, a.err
	case <-to.dead: // its connections are reset
	case <-p.dead:
	}
	cancel(errCut)
	<-answers
	return none, errCut
}

// connected waits while two processes are cut off from each other.
func (p *process) connected(ctx context.Context, to *process) bool {
	c := p.cluster
	for {
		c.mu.Lock()
		cut, changed := p.i != to.i && (c.cut[p.i] || c.cut[to.i]), c.changed
		c.mu.Unlock()
		if !cut {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// Create goes on when the process dies meanwhile.
func (p *process) Create(ctx context.Context, id string, spec Spec) (Instance, error) {
	if err := p.awake(ctx); err != nil {
		return Instance{}, err
	}
	create, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer context.AfterFunc(ctx, func() {
		select {
		case <-p.dead:
		default:
			cancel(context.Cause(ctx))
		}
	})()
	in, err := p.cluster.engine.Create(create, id, spec)
	if gone := p.awake(ctx); gone != nil {
		return Instance{}, gone
	}
	return in, err
}

func (p *process) Destroy(ctx context.Context, id string) error {
	if err := p.awake(ctx); err != nil {
		return err
	}
	return p.cluster.engine.Destroy(ctx, id)
}

func (p *process) Instances(ctx context.Context) ([]Instance, error) {
	if err := p.awake(ctx); err != nil {
		return nil, err
	}
	return p.cluster.engine.Instances(ctx)
}

func (p *process) Watch(ctx context.Context) iter.Seq[Change] { return p.cluster.engine.Watch(ctx) }

func (p *process) Renew(ctx context.Context, r Renewal) (Renewed, error) {
	renewed, err := ask(ctx, p, func(ctx context.Context, c Control) (Renewed, error) { return c.Renew(ctx, r) })
	if ttl := p.cluster.ttl.Load(); ttl > 0 {
		renewed.TTL = time.Duration(ttl)
	}
	return renewed, err
}

func (p *process) Acquire(ctx context.Context, d Demand) (Grant, error) {
	return ask(ctx, p, func(ctx context.Context, c Control) (Grant, error) { return c.Acquire(ctx, d) })
}

func (p *process) Report(ctx context.Context, r Report) error {
	_, err := ask(ctx, p, func(ctx context.Context, c Control) (none struct{}, err error) { return none, c.Report(ctx, r) })
	return err
}

func (p *process) Notices(ctx context.Context, session string, after uint64) ([]Notice, error) {
	return ask(ctx, p, func(ctx context.Context, c Control) ([]Notice, error) { return c.Notices(ctx, session, after) })
}

func (p *process) End(ctx context.Context, session string) error {
	_, err := ask(ctx, p, func(ctx context.Context, c Control) (none struct{}, err error) { return none, c.End(ctx, session) })
	return err
}

// load is what the callers of a cluster do and see.
type load struct {
	*processes
	until  time.Time
	random *rand.Rand
	tag    string // of the IDs of activations

	mu       sync.Mutex
	numbers  int
	outcomes map[int]map[string]int // by process
	failures []string               // at each process that lives
	late     time.Duration          // the longest wait for a container since the last term began
}

func (l *load) upTo(n int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.random.IntN(n)
}

// callers run activations of a few actions on a process, and one starts cold ones.
func (l *load) callers(i, n int, all *sync.WaitGroup) {
	for range n {
		all.Go(func() {
			for time.Now().Before(l.until) {
				l.call(i, fmt.Sprint("warm-", l.upTo(5)))
				time.Sleep(time.Duration(20+l.upTo(150)) * ms)
			}
		})
	}
	all.Go(func() {
		for n := 0; time.Now().Before(l.until); n++ {
			all.Go(func() { l.call(i, fmt.Sprint("cold-", i, "-", n)) })
			time.Sleep(500 * ms)
		}
	})
}

func (l *load) call(i int, action string) {
	p := l.process(i)
	l.mu.Lock()
	l.numbers++
	act := activation(fakeCall{Sleep: time.Duration(10+l.random.IntN(100)) * ms})
	act.ID = fmt.Sprint(l.tag, l.numbers)
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	began := time.Now()
	r, err := p.dispatcher.Invoke(ctx, sample(action), act)
	l.count(p, began, r, err)
}

func (l *load) count(p *process, began time.Time, r *Result, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.processes.mu.Lock()
	led := l.led
	l.processes.mu.Unlock()
	how := "error"
	var lost *LostError
	switch {
	case err == nil:
		how = r.Start.String()
		if got := began.Add(r.Wait); got.After(led) {
			since := led
			if began.After(led) {
				since = began
			}
			l.late = max(l.late, got.Sub(since))
		}
	case errors.As(err, &lost):
		how = "lost"
	}
	if l.outcomes[p.i] == nil {
		l.outcomes[p.i] = map[string]int{}
	}
	l.outcomes[p.i][how]++
	select {
	case <-p.dead:
	default:
		if err != nil {
			l.failures = append(l.failures, fmt.Sprintf("%v at %d, called at %v: %v", time.Now().Format("05.000"), p.i, began.Format("05.000"), err))
		}
	}
}

// inProcesses runs a test with three processes and callers at each of them, for a time.
func inProcesses(t *testing.T, seed uint64, during time.Duration, disturb func(t *testing.T, l *load), check func(t *testing.T, l *load)) {
	synctest.Test(t, func(t *testing.T) {
		c := newProcesses(t, 3)
		defer c.end()
		time.Sleep(2 * time.Second) // one leads
		l := &load{
			processes: c, until: time.Now().Add(during), random: rand.New(rand.NewPCG(seed, 7)), tag: fmt.Sprint(seed, "-"),
			outcomes: map[int]map[string]int{},
		}
		var all sync.WaitGroup
		for i := range 3 {
			l.callers(i, 4, &all)
		}
		disturb(t, l)
		all.Wait()
		check(t, l)
		if t.Failed() {
			t.Logf("seed %d: %v", seed, l.outcomes)
		}
	})
}

// calm waits until nothing is in doubt any more, and requires that all containers are known, and can be used.
func (l *load) calm(t *testing.T) {
	t.Helper()
	time.Sleep(3 * time.Minute)
	leader := l.process(l.leader(0))
	var known []string
	for info := range leader.invoker.Containers(t.Context()) {
		known = append(known, info.ID)
		require.Zero(t, info.Active, "nobody holds it any more: %v", info)
	}
	slices.Sort(known)
	require.Equal(t, l.engine.ids(), known)
	for i := range 3 {
		l.call(i, "warm-0")
	}
	require.Empty(t, l.engine.faults())
}

// TestLeaderIsKilledUnderLoad: the callers at the other processes see nothing of it but, for a container that has to be started, the
// time without a leader.
func TestLeaderIsKilledUnderLoad(t *testing.T) {
	first, last := seeds(t, 10)
	for seed := first; seed <= last; seed++ {
		inProcesses(t, seed, 30*time.Second, func(t *testing.T, l *load) {
			for range 3 {
				time.Sleep(time.Duration(3000+l.upTo(3000)) * ms)
				i := l.leader(0)
				l.kill(i)
				time.Sleep(2 * time.Second)
				l.restart(i)
			}
		}, func(t *testing.T, l *load) {
			require.Empty(t, l.failures)
			require.LessOrEqual(t, l.late, 400*ms, "a start takes 200 ms, a new leader 0.2 s more")
			l.calm(t)
			require.Empty(t, l.failures)
		})
	}
}

// disturbances are what may happen to a cluster.
func (l *load) disturbance() {
	i := l.upTo(3)
	pause := func() { time.Sleep(time.Duration(l.upTo(25_000)) * ms) }
	switch l.upTo(6) {
	case 0:
		l.kill(i)
		time.Sleep(2 * time.Second)
		l.restart(i)
	case 1:
		l.setCut(i, true)
		pause()
		l.setCut(i, false)
	case 2:
		l.setPaused(i, true)
		pause()
		l.setPaused(i, false)
	case 3:
		l.election.HandOver()
	case 4: // it goes on asking one that does not lead any more
		l.change(func() { l.stuck[i] = l.upTo(3) })
		pause()
		l.change(func() { delete(l.stuck, i) })
	case 5:
		if ids := l.engine.ids(); len(ids) > 0 {
			l.engine.end(ids[l.upTo(len(ids))], []error{nil, ErrMemory, ErrUnavailable}[l.upTo(3)], "ended by the test")
		}
	}
}

// TestAnythingHappensToACluster: no container gets the activations of two actions, or two at once, none is initialised twice, no activation
// is sent twice, and none is left behind.
func TestAnythingHappensToACluster(t *testing.T) {
	first, last := seeds(t, 10)
	for seed := first; seed <= last; seed++ {
		inProcesses(t, seed, 3*time.Minute, func(t *testing.T, l *load) {
			for time.Now().Before(l.until) {
				l.disturbance()
				time.Sleep(time.Duration(l.upTo(10_000)) * ms)
			}
		}, func(t *testing.T, l *load) { l.calm(t) })
	}
}

// TestLeaseIsNotChecked is a control: a dispatcher that believes that its lease lasts goes on with a container that others use as well.
func TestLeaseIsNotChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newProcesses(t, 3)
		defer c.end()
		c.ttl.Store(int64(time.Hour))
		time.Sleep(2 * time.Second)
		i := (c.leader(0) + 1) % 3
		run := func(i int) {
			_, _ = c.process(i).dispatcher.Invoke(t.Context(), sample("a"), activation(fakeCall{Sleep: 10 * time.Second}))
		}
		run(i)
		c.setCut(i, true)
		time.Sleep(30 * time.Second)
		go run(i) // it has no lease
		time.Sleep(50 * time.Second)
		var both sync.WaitGroup
		both.Go(func() { run(i) })
		both.Go(func() { run(c.leader((i + 1) % 3)) })
		both.Wait()
		require.Contains(t, strings.Join(c.engine.faults(), "\n"), "two at once")
	})
}
