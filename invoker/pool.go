package invoker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/fenced"
	"github.com/mesos-actor/mesos-actor-go/invoker/internal/actionclient"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// pool is the machine of one run, with what surrounds it. Whoever has an input takes the mutex, steps the machine and carries
// out its commands: callers are answered and watchers told at once; what takes time is left to the goroutine of the run, in
// order. So a caller that finds a warm container has it without waiting for another goroutine.
type pool struct {
	engine   Engine
	client   *actionclient.Client
	config   PoolConfig
	log      *slog.Logger
	logs     *logCollector
	watchers *watchers
	confirm  func(context.Context) error // returns nil if this process leads; nil: it is alone
	store    *recordStore                // nil: records are in memory
	writer   *writer                     // to the store
	loaded   []record                    // from the store
	ordering chan struct{}               // full while an order is given
	orders   orders                      // the present ones; guarded by ordering, once begun is closed
	begun    chan struct{}               // closed when the machine has started
	watching chan struct{}               // closed when the engine is watched
	known    chan struct{}               // closed when the machine knows which containers there are
	stopped  chan struct{}               // closed when over is set
	more     chan struct{}               // has a token if something is in later
	timer    *time.Timer
	work     sync.WaitGroup // all goroutines of the run

	mu       sync.Mutex // guards what follows
	machine  *machine
	memory   *memory // used without a store
	over     error   // why nothing is decided any more; nil while the run is under way
	armed    time.Time
	again    []input   // caused by carrying out commands
	later    []command // for the goroutine of the run
	lastRef  ref
	calling  ref // the caller that steps the machine at the moment
	callers  map[ref]*Lease
	leases   map[uint64]*Lease // which are granted, by the number of the grant
	creating map[string]creation
	live     map[string]*actionclient.Container // those that leases were granted of
	reserved map[Key]*reservation
	ended    ended
	remotes  remotes

	// What a warm container is had and given back with, so that nothing is allocated for it.
	acquiring acquire
	releasing release
}

type (
	// releaseLater gives a lease back when its container may be used again.
	releaseLater struct{ lease *Lease }
	// fillReservation keeps the containers of a reservation.
	fillReservation struct{ of *reservation }
	// gone lets go of what is kept for a container.
	gone struct {
		id        string
		container *actionclient.Container // may be nil
	}
)

func (releaseLater) isCommand()    {}
func (fillReservation) isCommand() {}
func (gone) isCommand()            {}

// run does all that belongs to a run until ctx ends. It returns why.
func (p *pool) run(ctx context.Context, cancel context.CancelCauseFunc, t scheduler.Term) error {
	defer p.closeAll()
	defer p.work.Wait()
	term, err := p.load(ctx, t)
	if err != nil {
		p.end(fmt.Errorf("%w: %w", ErrNotRunning, err))
		return err
	}
	p.input(start{term, p.orders})
	close(p.begun)
	p.work.Go(func() { p.watch(ctx) })
	p.work.Go(func() { p.lookAtAgents(ctx) })
	p.work.Go(func() { _ = p.logs.run(ctx) })
	if p.writer != nil {
		p.work.Go(func() {
			if err := p.writer.run(ctx); err != nil {
				cancel(&scheduler.FencedError{Err: err})
			}
		})
	}
	p.loop(ctx)
	err = context.Cause(ctx)
	switch {
	case errors.Is(err, ErrClosed):
		p.end(ErrClosed)
	default:
		p.end(fmt.Errorf("%w: %w", ErrNotRunning, err))
	}
	return err
}

// load returns the number of this run.
func (p *pool) load(ctx context.Context, t scheduler.Term) (term uint64, err error) {
	if p.store == nil {
		p.memory.run = max(p.memory.run+1, uint64(time.Now().UnixMilli()), t.Number)
		p.orders = p.memory.orders
		return p.memory.run, nil
	}
	c, err := p.store.load(ctx, t.Number)
	if fenced.Is(err) {
		err = &scheduler.FencedError{Err: err}
	}
	p.loaded, p.orders = c.records, c.orders
	return c.run, err
}

// closeAll closes the connections that nobody uses.
func (p *pool) closeAll() {
	p.mu.Lock()
	live := p.live
	p.live = nil
	p.mu.Unlock()
	for _, c := range live {
		c.Close()
	}
}

// input steps the machine. It does nothing when the run is over.
func (p *pool) input(in input) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.step(in)
}

// step steps the machine with an input, and those that its commands cause. The mutex is held.
func (p *pool) step(in input) {
	if p.over != nil {
		return
	}
	now := time.Now()
	p.decide(now, in)
	for len(p.again) > 0 {
		next := p.again[0]
		p.again = p.again[1:]
		p.decide(now, next)
	}
	p.arm(now)
}

func (p *pool) decide(now time.Time, in input) {
	for _, c := range p.machine.step(now, in) {
		p.carryOut(c)
	}
}

// carryOut carries out a command, or puts it off. It never blocks.
func (p *pool) carryOut(c command) {
	switch c := c.(type) {
	case *grant:
		p.granted(c)
	case refuse:
		if call := p.remotes.calls[c.ref]; call != nil {
			p.refused(call, c.err)
			return
		}
		p.answer(c.ref, c.err)
	case revoke:
		if c.session != 0 {
			p.revoked(c)
		} else if l := p.leases[c.grant.Number]; l != nil {
			delete(p.leases, c.grant.Number)
			l.revoked()
		}
	case recall: // a caller in this process gives its lease back as soon as it can by itself
		if c.session != 0 {
			p.tell(c.session, Notice{Grant: c.grant})
		}
	case notify:
		p.watchers.publish(c.event)
		if id := c.event.Container.ID; c.event.Kind == EventGone {
			p.putOff(gone{id, p.live[id]})
			delete(p.live, id)
			if r := p.reserved[c.event.Container.Key]; r != nil {
				signal(r.lacks)
			}
			delete(p.memory.records, id)
		}
	case bind, note, forget:
		p.record(c)
	default:
		if c, creates := c.(create); creates && p.store == nil {
			p.memory.records[c.id] = record{ID: c.id}
		}
		p.putOff(c)
	}
}

// putOff leaves a command to the goroutine of the run.
func (p *pool) putOff(c command) {
	p.later = append(p.later, c)
	signal(p.more)
}

// record makes a change of the records, or has the writer make it.
func (p *pool) record(c command) {
	switch c := c.(type) {
	case bind:
		p.logs.bound(c.instance)
		if p.writer != nil {
			p.writer.put(c.record, true)
			return
		}
		p.memory.records[c.record.ID] = c.record
		p.again = append(p.again, stored{id: c.record.ID})
	case note:
		if p.writer != nil {
			p.writer.put(c.record, false)
			return
		}
		p.memory.records[c.record.ID] = c.record
	case forget:
		if p.writer != nil {
			p.writer.add(storeChange{id: c.id})
			return
		}
		delete(p.memory.records, c.id)
	}
}

// arm sets the timer if the machine has to be woken earlier than it is set to. When it comes too early it is set again: the
// deadline moves with each use of a container, the timer seldom.
func (p *pool) arm(now time.Time) {
	if at := p.machine.deadline(); !at.IsZero() && (p.armed.IsZero() || at.Before(p.armed)) {
		p.armed = at
		p.timer.Reset(at.Sub(now))
	}
}

// wake is called when the timer has fired.
func (p *pool) wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed = time.Time{}
	now := time.Now()
	if at := p.machine.deadline(); !at.IsZero() && !now.Before(at) {
		p.step(wake{})
	} else if p.over == nil {
		p.arm(now)
	}
}

// loop performs what was put off and wakes the machine until ctx ends. All goroutines that it starts belong to p.work.
func (p *pool) loop(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-p.more:
			for _, c := range p.take() {
				p.perform(ctx, c)
			}
		case <-p.timer.C:
			p.wake()
		case <-ctx.Done():
		}
	}
}

// take returns what was put off.
func (p *pool) take() []command {
	p.mu.Lock()
	defer p.mu.Unlock()
	later := p.later
	p.later = nil
	return later
}

// end has nothing decided any more. Callers get why.
func (p *pool) end(why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over != nil {
		return
	}
	p.over = why
	close(p.stopped)
	p.timer.Stop()
	for r := range p.callers {
		p.answer(r, why)
	}
	p.endRemotes()
}

// wait waits until the machine has started.
func (p *pool) wait(ctx context.Context) error {
	select {
	case <-p.begun:
		return nil
	case <-p.stopped:
		return p.over
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// succeeded takes that /init has succeeded.
func (p *pool) succeeded(l *Lease) { p.input(initialised{l.granted.id}) }

func (p *pool) collector() *logCollector { return p.logs }

// why returns why the run is over, or nil.
func (p *pool) why() error {
	select {
	case <-p.stopped:
		return p.over
	default:
		return nil
	}
}

// signal puts a token into a channel that holds one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
