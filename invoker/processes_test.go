package invoker

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
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
	late     bool         // leaders learn a second late that they do not lead any more
	unfenced bool         // and what they write until then is taken: a control that must fail
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

func newProcesses(t *testing.T, n int, faults ...func(*processes)) *processes {
	c := &processes{
		t: t, engine: newFakeEngine(), election: electiontest.New(electiontest.Config{Members: n, Latency: 2 * ms}),
		all: make([]*process, n), cut: map[int]bool{}, paused: map[int]bool{}, stuck: map[int]int{}, changed: make(chan struct{}),
	}
	c.engine.single = true
	for _, fault := range faults {
		fault(c)
	}
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
	c.change(func() { c.all[i] = p }) // before it leads: others ask who leads at once
	p.running.Go(func() { _ = c.election.Member(i).Run(ctx, p.lead) })
	p.running.Go(func() { _ = p.dispatcher.Run(ctx) })
}

func (p *process) lead(ctx context.Context, t scheduler.Term) error {
	c := p.cluster
	c.change(func() { c.led = time.Now() })
	if c.unfenced {
		t.Store = slowStore{c.election.Store(), p}
	}
	if c.late {
		own, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
		defer context.AfterFunc(ctx, func() {
			time.Sleep(time.Second)
			cancel(context.Cause(ctx))
		})()
		ctx = own
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
	err := p.cluster.engine.Destroy(ctx, id)
	if err == nil {
		p.cluster.engine.gone(id) // the others have not asked for it
	}
	return err
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
