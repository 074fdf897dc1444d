package invoker

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/logguard"
	"github.com/mesos-actor/mesos-actor-go/invoker/internal/actionclient"
)

// DispatcherConfig configures a [Dispatcher]. Control is required.
type DispatcherConfig struct {
	// Control is asked for containers: that of whichever process leads. Required.
	Control Control
	// Name says to people which process this is. Default: none.
	Name string
	// Engine gives access to what containers print, if it is an [OutputReader]. Nothing else of it is used. Default: logs are not
	// collected.
	Engine Engine
	// DialContext makes the connections to containers. Default: that of a net.Dialer.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// Logger logs that no leader is reached, and that the session is over, as warnings. Default: slog.Default().
	Logger *slog.Logger
}

// Dispatcher runs activations in containers that another process keeps: an [Invoker] that leads. It holds containers by grants, and uses
// them without asking. Its methods may be called from any goroutine.
//
// While no leader is reached it goes on with what it holds, for as long as its session lasts, [SessionTTL] from the last time it was
// renewed; callers that need another container wait. A container that was not used for 2 s is given back, the last one of a key
// after a minute; one that others wait for, as soon as it is not in use.
type Dispatcher struct {
	config DispatcherConfig
	log    *slog.Logger
	client *actionclient.Client
	logs   *logCollector
	begun  chan struct{} // closed when Run is called
	work   sync.WaitGroup
	kicked chan struct{} // has a token if the session is to be renewed now
	more   chan struct{} // has a token if there is something to report

	mu       sync.Mutex // guards what follows
	running  bool
	over     error // why nothing is sent any more
	stopped  chan struct{}
	session  holderSession
	keys     map[Key]*heldKey
	held     map[GrantID]*heldContainer
	agents   map[string]int // how many containers are held of each
	leaving  map[GrantID]*heldContainer
	early    map[GrantID]Notice // about grants that have not arrived
	asking   int
	requests uint64
	waiting  int
	report   Report
	ended    ended
}

const (
	// maxDispatcherWaiting is how many callers may wait.
	maxDispatcherWaiting = 10_000
	// keepHeld is how long a container is held that is not used, and keepLast the last one of its key: it spares the next caller
	// the way to the leader. lookEvery is how often that is looked at.
	keepHeld  = 2 * time.Second
	keepLast  = time.Minute
	lookEvery = 500 * time.Millisecond
	// farewell is how long the end of Run may take that gives everything back.
	farewell = time.Second
)

// NewDispatcher checks the configuration and returns a Dispatcher that does nothing yet: see [Dispatcher.Run].
func NewDispatcher(c DispatcherConfig) (*Dispatcher, error) {
	if c.Control == nil {
		return nil, &ConfigError{Field: "Control", Value: nil, Reason: "is required"}
	}
	if len(c.Name) > maxHolderName {
		return nil, &ConfigError{Field: "Name", Value: abridged([]byte(c.Name)), Reason: fmt.Sprintf("must have at most %d bytes", maxHolderName)}
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	d := &Dispatcher{
		config: c, log: logguard.Logger(c.Logger), client: actionclient.New(c.DialContext),
		begun: make(chan struct{}), kicked: make(chan struct{}, 1), more: make(chan struct{}, 1), stopped: make(chan struct{}),
		keys: map[Key]*heldKey{}, held: map[GrantID]*heldContainer{}, agents: map[string]int{}, leaving: map[GrantID]*heldContainer{},
		early: map[GrantID]Notice{},
	}
	d.client.Until(d.until)
	d.logs = newLogCollector(c.Engine, d.log)
	d.session.name = newSession()
	return d, nil
}

// newSession makes up the identity of a session.
func newSession() string {
	var id [16]byte
	binary.LittleEndian.PutUint64(id[:8], rand.Uint64())
	binary.LittleEndian.PutUint64(id[8:], rand.Uint64())
	return hex.EncodeToString(id[:])
}

// Run keeps the session, until ctx ends, whose cause it returns. It then gives back what it holds; activations under way go on to
// their end. It can be called once: [ErrRunning].
func (d *Dispatcher) Run(ctx context.Context) error {
	d.mu.Lock()
	if d.running {
		d.mu.Unlock()
		return ErrRunning
	}
	d.running = true
	close(d.begun)
	d.mu.Unlock()
	defer logguard.Flush(ctx, d.log)
	d.work.Go(func() { d.keep(ctx) })
	d.work.Go(func() { d.listen(ctx) })
	d.work.Go(func() { d.reportAll(ctx) })
	d.work.Go(func() { _ = d.logs.run(ctx) })
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for ctx.Err() == nil {
		select {
		case <-look.C:
			d.look(time.Now())
		case <-ctx.Done():
		}
	}
	err := context.Cause(ctx)
	d.end(fmt.Errorf("%w: %w", ErrNotRunning, err))
	d.work.Wait()
	leave, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	d.leave(leave)
	return err
}

// Invoke runs an activation as [Invoker.Invoke] does.
func (d *Dispatcher) Invoke(ctx context.Context, a *Action, act Activation) (*Result, error) {
	return invoke(ctx, d.Acquire, a, act)
}

// Acquire waits for a container as [Invoker.Acquire] does. While no leader is known, and nothing is held that can run the action, it waits
// until ctx ends: the error is then [ErrNotLeading] as well. Before Run is called it waits for that.
func (d *Dispatcher) Acquire(ctx context.Context, a *Action) (*Lease, error) {
	began := time.Now()
	if err := a.check(); err != nil {
		return nil, err
	}
	select {
	case <-d.begun:
	default:
		select {
		case <-d.begun:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", ErrNotRunning, context.Cause(ctx))
		}
	}
	l := &Lease{grantor: d, action: a}
	if err := d.acquire(ctx, l); err != nil {
		return nil, err
	}
	l.wait = time.Since(began)
	return l, nil
}

// acquire gives the caller a container that is held, or waits for one.
func (d *Dispatcher) acquire(ctx context.Context, l *Lease) error {
	d.mu.Lock()
	if d.over != nil {
		d.mu.Unlock()
		return d.over
	}
	now := time.Now()
	d.expire(now)
	k := d.keyOf(l.action)
	if h := d.pick(k); h != nil {
		d.give(h, l)
		d.mu.Unlock()
		return nil
	}
	if d.waiting >= maxDispatcherWaiting {
		d.mu.Unlock()
		return &CapacityError{Waiting: maxDispatcherWaiting, Reason: "too many callers wait", RetryAfter: retryAfter}
	}
	l.answered = make(chan struct{})
	k.waiters = append(k.waiters, l)
	d.waiting++
	d.ask(k)
	d.mu.Unlock()
	select {
	case <-l.answered:
		return l.refused
	case <-ctx.Done():
		return d.giveUp(ctx, k, l)
	}
}

// giveUp ends the wait of a caller whose ctx has ended.
func (d *Dispatcher) giveUp(ctx context.Context, k *heldKey, l *Lease) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	cause := context.Cause(ctx)
	select {
	case <-l.answered:
		if l.refused == nil {
			d.free(l, reuse)
		}
		return cause
	default:
	}
	d.leaveQueue(k, l)
	d.ask(k)
	if !d.session.open {
		return fmt.Errorf("%w: %w", ErrNotLeading, cause)
	}
	return &CapacityError{Waiting: d.waiting + 1, Reason: "the leader has not granted a container yet", Err: cause}
}

// DispatcherStats is what a [Dispatcher] holds now.
type DispatcherStats struct {
	Epoch   uint64    // of the leader where the session is open; 0: of none
	Until   time.Time // when the session ends; zero: it has not begun, or is over
	Held    int       // containers
	Active  int       // activations that they run, or are reserved for
	Waiting int       // callers
}

// Stats returns what the dispatcher holds now.
func (d *Dispatcher) Stats() DispatcherStats {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := DispatcherStats{Until: d.session.until, Held: len(d.held), Waiting: d.waiting}
	if d.session.open {
		s.Epoch = d.session.epoch
	}
	for _, h := range d.held {
		s.Active += len(h.leases)
	}
	return s
}

// end refuses all who wait, and has nothing sent any more.
func (d *Dispatcher) end(why error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.over = why
	close(d.stopped)
	for _, k := range d.keys {
		for len(k.waiters) > 0 {
			d.refuse(k, why)
		}
	}
	d.session.leave(why)
}

// leave gives back what is not in use, and ends the session if that is all. Otherwise it ends by itself, so that the leader waits
// until what is in use has come to its end.
func (d *Dispatcher) leave(ctx context.Context) {
	d.mu.Lock()
	busy := false
	for _, h := range d.held {
		if len(h.leases) > 0 {
			busy = true
		} else {
			d.giveBack(h)
		}
	}
	report, name, epoch := d.report, d.session.name, d.session.epoch
	d.mu.Unlock()
	if epoch == 0 {
		return // nothing is held
	}
	report.Session, report.Epoch = name, epoch
	err := d.config.Control.Report(ctx, report)
	if err == nil && !busy {
		err = d.config.Control.End(ctx, name)
	}
	if err != nil {
		d.log.WarnContext(ctx, "what the dispatcher held is not given back: the leader takes it when the session is over", "error", err)
	}
}

// why returns why nothing may be sent any more, or nil.
func (d *Dispatcher) why() error {
	select {
	case <-d.stopped:
		return d.over
	default:
		return nil
	}
}

func (d *Dispatcher) collector() *logCollector { return d.logs }

func (d *Dispatcher) whyEnded(ctx context.Context, in Instance) (Change, bool) {
	return d.ended.wait(ctx, &d.mu, in)
}

// final reports whether a leader has refused a demand for good.
func final(err error) bool {
	var (
		capacity *CapacityError
		start    *StartError
		invalid  *ConfigError
	)
	return errors.As(err, &capacity) || errors.As(err, &start) || errors.As(err, &invalid)
}
