package scheduler

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/logguard"
	"github.com/mesos-actor/mesos-actor-go/internal/printable"
)

// Term is one term of leadership among several processes that could run the framework. Its zero value is for a
// process that is alone.
type Term struct {
	// Number is higher in each term of an election than in the one before. It appears in the log, and is on record
	// before the term's first SUBSCRIBE. 0: there is no election.
	Number uint64
	// Store has the records. It refuses writes of earlier terms with an error whose method Fenced returns true, see
	// [FencedError]. Nil: [Config.Store].
	Store Store
	// Confirm returns nil if this process leads. It must find that out after it was called, such as by asking a majority. It
	// is called before each SUBSCRIBE and again after SUBSCRIBED: a process that was paused must not evict the process that
	// leads now. The context ends after 10 s at the latest, and Confirm must return then: until it does the subscription is
	// not tried again, and Lead leaves its goroutine behind if its own context ends. An error with a method Fenced() bool
	// that returns true ends Lead; after any other the subscription is tried again later. It is called on a goroutine of
	// Lead, one call at a time. Nil: nothing is asked.
	Confirm func(ctx context.Context) error
}

// Lead is [Scheduler.Run] for one term of leadership. The caller ends ctx when the term ends; no call and no write outlives
// ctx, unless the store ignores it. Lead returns a [*FencedError] as soon as the term's store or Confirm says that another
// process leads, and sends nothing after that. Otherwise it returns what Run returns. The records are loaded when Lead
// begins, since another process may have written them. A Scheduler leads one term at a time: while another Lead or Run has
// not returned, Lead returns [ErrRunning].
func (s *Scheduler) Lead(ctx context.Context, t Term) error {
	var m *machine
	select {
	case m = <-s.idle:
	default:
		return ErrRunning
	}
	if t.Store == nil {
		t.Store = s.config.Store
	}
	r := &run{
		requests: make(chan *request), limited: make(chan struct{}),
		stopped: make(chan struct{}), left: make(chan struct{}), done: make(chan struct{}),
	}
	defer context.AfterFunc(ctx, r.leaveSoon)()
	s.present.Store(r)
	s.closeOnce.Do(func() { close(s.begun) })
	p := s.leadAside(ctx, m, r, t)
	s.watchers.end()
	s.agents.Close() // the connections that ReadFile keeps
	s.idle <- m      // what a term without a store goes on with; before anybody can see the end, and run again
	r.end()
	if p != nil {
		panic(p)
	}
	return r.err
}

// leadAside leads on a goroutine of its own, which user code may end by runtime.Goexit, as a failed test does, and waits for
// its end. It returns the value of a panic, nil if there was none.
func (s *Scheduler) leadAside(ctx context.Context, m *machine, r *run, t Term) (p any) {
	r.err = errExited
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.userCode.begin()
		defer s.userCode.call(func() { logguard.Flush(ctx, s.config.Logger) })
		defer func() {
			if p = recover(); p != nil {
				s.userCode.call(func() { s.config.Logger.Error("the scheduler panicked", "error", p, "stack", string(debug.Stack())) })
			}
		}()
		r.err = printable.Error(s.leadTerm(ctx, m, r, t))
	}()
	<-ended
	return p
}

// leadTerm does what Lead does, with the machine of a term that has no store.
func (s *Scheduler) leadTerm(ctx context.Context, m *machine, r *run, t Term) (err error) {
	if t.Store == nil {
		close(r.limited)
		return serve(ctx, s, m, r, t, storeTurn{})
	}
	store := s.turnOf(t.Store)
	if m, err = s.begin(ctx, store, r, t); err != nil {
		return err
	}
	return serve(ctx, s, m, r, t, store)
}

// begin asks the store of a term how much it takes, and returns a machine with what it holds.
func (s *Scheduler) begin(ctx context.Context, store storeTurn, r *run, t Term) (m *machine, err error) {
	slow := time.AfterFunc(storeTimeout, func() {
		s.config.Logger.Warn("the run waits: the store has not been read yet, or an earlier call of it has not returned", "waited", storeTimeout)
	})
	defer slow.Stop()
	if r.limit, err = store.limit(ctx); err != nil {
		return nil, fmt.Errorf("scheduler: the store does not say how much it takes: %w", err)
	}
	close(r.limited)
	return load(ctx, store, t.Number, s.takePreloaded(), s.settings)
}

// errConfirmHangs is what Confirm gets that takes too long.
var errConfirmHangs = fmt.Errorf("scheduler: Confirm took longer than %v", callTimeout)

// prover asks for proofs of leadership.
type prover struct {
	ask  func(context.Context) error // nil: there is nothing to prove
	turn turn                        // for calls of ask, of which an older stream may have made one
}

// confirm asks for a proof. Without one it is not known whether this process leads.
func (p prover) confirm(ctx context.Context) error {
	if p.ask == nil {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, callTimeout, errConfirmHangs)
	defer cancel()
	if err := p.turn.call(ctx, "Confirm", p.ask); err != nil {
		return asFenced(fmt.Errorf("scheduler: leadership is not confirmed: %w", err))
	}
	return nil
}
