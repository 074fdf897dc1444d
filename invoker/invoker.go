package invoker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/logguard"
	"github.com/mesos-actor/mesos-actor-go/internal/logkey"
	"github.com/mesos-actor/mesos-actor-go/invoker/internal/actionclient"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// Invoker runs actions in containers that it keeps. Its methods may be called from any goroutine.
//
// Most need a run, a call of [Invoker.Run] or [Invoker.Lead]: Acquire, Invoke, Reserve, Containers, Stats and Output wait for the first
// one to begin, until their ctx ends. Between runs and after the last one they do not wait: Acquire, Invoke, Reserve and Stats return
// [ErrNotRunning], and Containers yields nothing. Events needs no run, and goes on over all of them.
type Invoker struct {
	config   Config
	client   *actionclient.Client
	watchers watchers
	begun    chan struct{} // closed when the first run begins

	mu      sync.Mutex
	closed  bool
	present *term          // the run under way, or the last one; nil before the first
	stores  []*recordStore // whose calls may not have returned
	memory  *memory
}

// term is one run of an Invoker.
type term struct {
	pool    *pool
	alone   bool // there is no election
	cancel  context.CancelCauseFunc
	closing chan context.Context // has that of Close
	ended   chan struct{}
	torn    bool // Close has had all containers removed, or err
	err     error
}

// New checks the configuration and returns an Invoker that does nothing yet: see [Invoker.Run]. Its error is a [*ConfigError] for
// each field that is invalid, joined.
func New(c Config) (*Invoker, error) {
	c, err := c.complete()
	if err != nil {
		return nil, err
	}
	return &Invoker{config: c, client: actionclient.New(guarded(c.DialContext)), begun: make(chan struct{}), memory: &memory{records: map[string]record{}}}, nil
}

// Run is [Invoker.Lead] for a process that is alone.
func (v *Invoker) Run(ctx context.Context) error { return v.Lead(ctx, scheduler.Term{}) }

// Lead keeps the containers for one term of leadership, until ctx ends or [Invoker.Close] is called. It begins with the containers that
// the engine lists and the store knows, and they go on running after it. It can be passed to the Run of package ha.
//
// It returns the cause of the end of ctx; a [*scheduler.FencedError] as soon as the store says that another process leads; an error of
// the store if that cannot be read and written at the beginning; [ErrRunning] while another Lead or Run has not returned; and
// [ErrClosed] after Close.
func (v *Invoker) Lead(ctx context.Context, t scheduler.Term) error {
	run, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r, err := v.begin(t, cancel)
	if err != nil {
		return err
	}
	defer close(r.ended)
	defer logguard.Flush(ctx, v.config.Logger)
	err = r.pool.run(run, cancel, t)
	if ctx.Err() != nil || !errors.Is(err, ErrClosed) {
		return err
	}
	if *v.config.TeardownOnClose {
		until, stop := context.WithCancelCause(<-r.closing)
		defer stop(nil)
		defer context.AfterFunc(ctx, func() { stop(context.Cause(ctx)) })()
		r.torn, r.err = true, v.teardown(until, r.pool)
	}
	return nil
}

// begin notes that a run begins.
func (v *Invoker) begin(t scheduler.Term, cancel context.CancelCauseFunc) (*term, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed {
		return nil, ErrClosed
	}
	if r := v.present; r == nil {
		close(v.begun)
	} else {
		select {
		case <-r.ended:
		default:
			return nil, ErrRunning
		}
	}
	r := &term{pool: v.newPool(t), alone: t.Number == 0, cancel: cancel, closing: make(chan context.Context, 1), ended: make(chan struct{})}
	v.present = r
	return r, nil
}

// newPool returns the pool of a run. The mutex is held.
func (v *Invoker) newPool(t scheduler.Term) *pool {
	log := v.config.Logger
	if t.Number > 0 {
		log = log.With(logkey.Term, t.Number)
	}
	_, suspends := v.config.Engine.(Suspender)
	p := &pool{
		engine: v.config.Engine, client: v.client, config: v.config.Pool, log: log, watchers: &v.watchers, memory: v.memory,
		confirm: t.Confirm, remotes: newRemotes(),
		logs: newLogCollector(v.config.Engine, log), machine: newMachine(settings{
			PoolConfig: v.config.Pool, owner: v.config.Owner, env: v.config.Env, canSuspend: suspends, elected: t.Number > 0,
		}),
		begun: make(chan struct{}), watching: make(chan struct{}), known: make(chan struct{}), stopped: make(chan struct{}),
		more: make(chan struct{}, 1), timer: time.NewTimer(0), ordering: make(chan struct{}, 1),
		callers: map[ref]*Lease{}, leases: map[uint64]*Lease{}, creating: map[string]creation{}, reserved: map[Key]*reservation{}, live: map[string]*actionclient.Container{},
	}
	p.timer.Stop()
	store := t.Store
	if store == nil {
		store = v.config.Store
	}
	if store != nil {
		p.store, v.stores = storeOf(store, v.stores)
		p.writer = newWriter(p.store, func(id string, err error) { p.input(stored{id, err}) })
	}
	return p
}

// pool returns the pool of the present run, the first of which it waits for.
func (v *Invoker) pool(ctx context.Context) (*pool, error) {
	select {
	case <-v.begun:
	default:
		select {
		case <-v.begun:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", ErrNotRunning, context.Cause(ctx))
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.present.pool, nil
}

// Close ends the run under way, and refuses further ones. With [Config.TeardownOnClose] all containers of the owner are removed: Close
// returns when none is left, or an error when ctx ends before. Activations that they are running are lost. A process that
// took part in an election removes them only while it leads. Otherwise the containers go on running for the next process.
func (v *Invoker) Close(ctx context.Context) error {
	v.mu.Lock()
	r := v.present
	if !v.closed && r != nil {
		r.closing <- ctx
		r.cancel(ErrClosed)
	}
	v.closed = true
	v.mu.Unlock()
	defer v.watchers.end()
	if r == nil {
		return nil
	}
	select {
	case <-r.ended:
	case <-ctx.Done():
		select {
		case <-r.ended: // with what is left
		case <-time.After(2 * returnTime):
			return fmt.Errorf("invoker: not closed yet: %w", context.Cause(ctx))
		}
	}
	if r.torn && (r.err == nil || !r.alone) {
		return r.err
	}
	if *v.config.TeardownOnClose && r.alone {
		return v.teardown(ctx, r.pool)
	}
	return nil
}
