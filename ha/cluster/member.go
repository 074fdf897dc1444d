package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/internal/logguard"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// Member is one member of a cluster, an ha.Elector. [New] makes it.
type Member struct {
	config Config
	turn   chan struct{} // has an element during Run
	// departures hands a Leave over to Run.
	departures chan *departure

	mu        sync.Mutex
	status    ha.Status
	changed   chan struct{} // closed and replaced when status changes
	addresses Addresses
	node      *node // of the Run that goes on; nil: none does
	// leaderChanges is how many terms of leaders it has learned of, and term the last of them.
	leaderChanges, term uint64

	counts counts
}

// String returns the names of the cluster and of the member.
func (m *Member) String() string { return m.config.String() }

// Format prints the same as String with every verb, so that no secret is logged.
func (m *Member) Format(to fmt.State, _ rune) { fmt.Fprint(to, m.String()) }

// Addresses are the addresses, "host:port", at which other members reach a member.
type Addresses struct{ Gossip, Raft string }

var (
	_ ha.Elector  = (*Member)(nil)
	_ ha.Replica  = (*Member)(nil)
	_ ha.Measured = (*Member)(nil)
)

// New returns a member, or a [*ConfigError]. Nothing is opened before Run.
func New(c Config) (*Member, error) {
	c, err := c.normalize()
	if err != nil {
		return nil, err
	}
	return &Member{config: c, turn: make(chan struct{}, 1), departures: make(chan *departure), changed: make(chan struct{})}, nil
}

// Addresses returns the addresses of the member, which are known while it runs; before, it returns empty ones.
func (m *Member) Addresses() Addresses {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.addresses
}

// present keeps what the methods need of the Run that begins, or zeros when it ends.
func (m *Member) present(a Addresses, n *node) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.addresses, m.node = a, n
}

// Run takes part in the election until ctx ends, see [ha.Elector]. When it returns because ctx ended, or because lead said
// so, it has handed the leadership over, if there is another member that can take it; a member without a directory
// has left the cluster. All its goroutines have ended. Errors: the cause of ctx's end, [ErrRunning], [ErrLocked],
// [ErrFormat], [ErrCorrupt], [ErrExpect], [ErrStalled], [ErrCopied], [ErrLeft], and those of the network and the file system.
func (m *Member) Run(ctx context.Context, lead func(ctx context.Context, t scheduler.Term) error) error {
	select {
	case m.turn <- struct{}{}:
		defer func() { <-m.turn }()
		defer logguard.Flush(ctx, m.config.Logger)
	default:
		return ErrRunning
	}
	n, err := open(&m.config, &m.counts)
	if err != nil {
		return err
	}
	m.present(Addresses{Gossip: n.gossip.net.advertise.String(), Raft: n.stream.Addr().String()}, n)
	r := &runner{node: n, member: m, lead: lead}
	err = r.run(ctx)
	left := errors.Is(err, ErrLeft)
	failed := n.close(left)
	if failed != nil {
		err = errors.Join(err, failed)
	}
	m.present(Addresses{}, nil)
	close(n.state.ended)
	m.publish(ha.Status{})
	switch d := r.departure; {
	case d == nil:
	case left:
		d.done <- failed
	default:
		d.done <- errors.Join(errNotLeft, err)
	}
	return err
}

// runner is the loop of one Run. It owns the terms.
type runner struct {
	*node
	member *Member
	lead   func(ctx context.Context, t scheduler.Term) error

	elected  bool          // Raft has elected this member
	silent   time.Duration // since it had heard of another leader or candidate, then
	term     *term         // that which runs, nil: none
	late     bool          // elected again, while the lead of a term that is over has not returned
	leads    bool          // lead was called for it
	number   uint64
	until    time.Time // no new term before
	wake     *time.Timer
	look     *time.Ticker  // who votes changes without a sign
	handover chan struct{} // closed when a hand-over has ended, nil: there is none
	// departure is a Leave under way, nil: none.
	departure *departure
}

// term is one term of this member, from its election on.
type term struct {
	end  context.CancelCauseFunc
	gone <-chan struct{} // closed before its context ends
	led  chan uint64     // gets its number when lead is called
	done chan result     // gets how it ended
	// silent is for how long no leader was heard of when it was elected.
	silent time.Duration
}

// over reports whether the term has ended. Its lead may not have returned.
func (t *term) over() bool {
	select {
	case <-t.gone:
		return true
	default:
		return false
	}
}

// result is how a term ended.
type result struct {
	led bool // lead was called
	err error
}

// run is the loop. It returns when the member has stopped taking part, and everything that it started has ended.
func (r *runner) run(ctx context.Context) error {
	helpers, endHelpers := context.WithCancel(context.WithoutCancel(ctx))
	var background sync.WaitGroup
	defer background.Wait()
	defer endHelpers()
	joined := make(chan struct{})
	background.Go(func() {
		r.gossip.rejoin(helpers, &r.config, r.timing.rejoin, sync.OnceFunc(func() { close(joined) }))
	})
	failed := make(chan error, 1)
	background.Go(func() {
		if err := (&maintainer{node: r.node, joined: joined}).run(helpers); err != nil {
			failed <- err
		}
	})
	observed := make(chan raft.Observation, 16)
	observer := raft.NewObserver(observed, false, func(o *raft.Observation) bool { _, is := o.Data.(raft.LeaderObservation); return is })
	r.raft.RegisterObserver(observer)
	defer r.raft.DeregisterObserver(observer)

	err := r.loop(ctx, failed, observed)
	r.endTerm(errStopping)
	r.publish()
	if r.departure != nil && !errors.Is(err, ErrLeft) {
		r.sayLeaving(false)
	}
	if r.term != nil {
		if last := <-r.term.done; last.stops() && ctx.Err() == nil {
			err = errors.Join(err, last.cause()) // nil, if its context ended: that is not why the member stops
		}
		r.term, r.leads = nil, false
	}
	if errors.Is(err, ErrStalled) {
		_ = r.stream.Close() // Raft's heartbeats end, which would go on although nothing is stored; again in close
	} else {
		r.leave()
	}
	return err
}

var (
	errStopping = errors.New("ha/cluster: the member stops")
	errNotLeft  = errors.New("ha/cluster: the member has ended before it left")
	errLost     = errors.New("ha/cluster: the leadership was lost")
	errNoReturn = errors.New("ha/cluster: the function that leads ended its goroutine")
)

// stops reports whether lead has said that this member shall lead no more.
func (r result) stops() bool {
	var stop *ha.StopError
	return r.led && (r.err == nil || errors.As(r.err, &stop))
}

// cause returns what Run returns if the result stops it.
func (r result) cause() error {
	var stop *ha.StopError
	if errors.As(r.err, &stop) {
		return stop.Err
	}
	return nil
}

// loop runs terms until the member shall stop, and returns why.
func (r *runner) loop(ctx context.Context, failed <-chan error, observed <-chan raft.Observation) error {
	r.wake = time.NewTimer(time.Hour)
	defer r.wake.Stop()
	r.look = time.NewTicker(2 * r.timing.tick)
	defer r.look.Stop()
	for {
		r.publish()
		departures, impatient := r.member.departures, (<-chan struct{})(nil)
		if r.departure != nil && r.depart() {
			return ErrLeft
		}
		if r.departure != nil {
			departures, impatient = nil, r.departure.ctx.Done()
		}
		r.begin(ctx)
		var done <-chan result
		var led <-chan uint64
		if r.term != nil {
			done, led = r.term.done, r.term.led
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case err := <-failed:
			return err
		case err := <-r.state.failed:
			return err
		case r.elected = <-r.raft.LeaderCh():
			// True after true: it was lost and won again meanwhile.
			r.silent = time.Since(r.raft.LastContact())
			r.endTerm(errLost)
			r.late = r.elected && r.term != nil
			if r.elected && time.Now().Before(r.until) {
				r.handOver()
			}
		case r.number = <-led:
			r.leads = true
		case result := <-done:
			r.term, r.leads, r.late = nil, false, false
			if result.stops() {
				return result.cause()
			}
			if err := r.ended(result); err != nil {
				return err
			}
		case r.departure = <-departures:
			r.sayLeaving(true)
			r.look.Reset(r.timing.election / 4)
		case <-impatient:
		case <-r.wake.C:
		case <-r.look.C:
			if r.late {
				r.handOver()
			}
		case <-observed:
		case <-r.gossip.changed:
		case <-r.state.began:
		}
	}
}

// begin begins a term, if this member is elected, its last one is over, and it does not pause.
func (r *runner) begin(ctx context.Context) {
	if !r.elected || r.term != nil || r.departure != nil && r.others() > 0 {
		return
	}
	if pause := time.Until(r.until); pause > 0 {
		r.wake.Reset(pause)
		return
	}
	termCtx, end := context.WithCancelCause(ctx)
	over := make(chan struct{}) // closed before termCtx ends: the term's store refuses at once
	var once sync.Once
	t := &term{silent: r.silent, done: make(chan result, 1), led: make(chan uint64, 1), end: func(why error) { once.Do(func() { close(over) }); end(why) }, gone: over}
	r.term = t
	r.calls.Go(func() {
		last := result{led: true, err: errNoReturn}
		defer func() {
			t.end(errTermOver)
			t.done <- last
		}()
		last = r.serve(termCtx, t)
	})
}

// endTerm ends the context of the term that runs, if one does.
func (r *runner) endTerm(why error) {
	if r.term != nil {
		r.term.end(why)
	}
}

// ended decides what follows a term. Its error ends the member.
func (r *runner) ended(last result) error {
	switch {
	case errors.Is(last.err, ErrStalled):
		return last.err
	case !last.led && last.err != nil:
		r.log.Warn("A term could not begin", "error", last.err)
		r.until = time.Now().Add(r.timing.election)
	case last.led && r.elected && !errors.Is(last.err, errLost):
		r.log.Warn("A term has ended with an error, the leadership is handed over", "error", last.err)
		r.until = time.Now().Add(r.timing.pause)
		r.handOver()
	}
	return nil
}

// handOver has another member elected, if there is one.
func (r *runner) handOver() {
	select {
	case <-r.handover:
		r.handover = nil
	default:
	}
	if r.handover != nil || r.others() == 0 {
		return
	}
	done := make(chan struct{})
	r.handover = done
	r.calls.Go(func() {
		defer close(done)
		r.transfer()
	})
}

// transfer asks Raft to have another member elected, and waits for that.
func (r *runner) transfer() {
	if err := r.raft.LeadershipTransfer().Error(); err != nil {
		r.log.Debug("The leadership could not be handed over", "error", err)
	}
}

// leave ends taking part: it hands the leadership over, and without a directory leaves for good.
func (r *runner) leave() {
	patience, cancel := context.WithTimeout(context.Background(), 4*r.timing.election)
	defer cancel()
	if r.raft.State() == raft.Leader && r.others() > 0 {
		if answered, err := r.await(patience, func() error { return r.raft.LeadershipTransfer().Error() }); !answered || err != nil {
			r.log.Warn("The leadership could not be handed over", "error", err)
		}
	}
	if r.config.Dir != "" || r.others() == 0 {
		return
	}
	r.gossip.tell(func(own *meta) { own.leaving = true })
	// The leader removes it; it may not learn of that, being removed.
	ticker := time.NewTicker(r.timing.election / 4)
	defer ticker.Stop()
	for slices.Contains(idsOf(r.servers()), r.id) {
		select {
		case <-ticker.C:
		case <-patience.Done():
			return
		}
	}
}
