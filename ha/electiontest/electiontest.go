package electiontest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// Cluster is a cluster to check.
type Cluster interface {
	// Members returns at least three electors, none of which runs.
	Members() []ha.Elector
	// Cut cuts a member off from all others and from the store, in both directions. Heal ends that.
	Cut(i int)
	Heal(i int)
	// Stop stops what is left when the members' Run have returned.
	Stop()
	// Patience returns how long an election may take, whatever happened before.
	Patience() time.Duration
}

// Run runs every check as a subtest with a cluster of its own. In starts a cluster and calls check with it, in a bubble
// of virtual time if the cluster lives in one. When in has returned, no goroutine of the cluster may be left: Run counts
// them, so that no other test may run at the same time.
func Run(t *testing.T, in func(t *testing.T, check func(t *testing.T, c Cluster))) {
	for _, c := range checks() {
		before := runtime.NumGoroutine()
		t.Run(c.name, func(t *testing.T) {
			in(t, func(t *testing.T, cluster Cluster) {
				if err := c.runOn(t.Context(), cluster); err != nil {
					t.Error(err)
				}
			})
		})
		if after := settled(before); after > before {
			t.Errorf("%s: %d goroutines before, %d after", c.name, before, after)
		}
	}
}

// settled returns the number of goroutines when it is not above a limit, or has been for seconds.
func settled(limit int) int {
	n := runtime.NumGoroutine()
	for i := 0; i < 500 && n > limit; i++ {
		time.Sleep(10 * time.Millisecond)
		n = runtime.NumGoroutine()
	}
	return n
}

// check is one promise. Its run returns an error that says how the elector breaks it.
type check struct {
	name string
	run  func(*trial) error
}

// runOn runs a check, and ends everything that it began.
func (c check) runOn(ctx context.Context, cluster Cluster) error {
	t := &trial{cluster: cluster, members: cluster.Members(), patience: cluster.Patience(), began: make(chan *lead, 100)}
	ctx, t.cancel = context.WithCancel(ctx)
	t.ctx = ctx
	t.entries = make([]entry, len(t.members))
	err := c.run(t)
	t.cancel()
	ended := make(chan struct{})
	go func() { t.running.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(t.patience):
		err = errors.Join(err, fmt.Errorf("Run has not returned %v after its context ended", t.patience))
		select {
		case <-ended:
		case <-time.After(10 * t.patience):
			return err // the cluster may not be stopped
		}
	}
	cluster.Stop()
	return errors.Join(err, t.broken())
}

// trial is a check under way.
type trial struct {
	cluster  Cluster
	members  []ha.Elector
	patience time.Duration
	ctx      context.Context // of all that the check does
	cancel   context.CancelFunc
	running  sync.WaitGroup
	entries  []entry
	began    chan *lead

	mu      sync.Mutex
	open    []*lead // that have not returned
	highest uint64
	errs    []error
}

// entry is a member's Run.
type entry struct {
	leave context.CancelCauseFunc
	left  chan error
}

// lead is a call of the function that leads.
type lead struct {
	member int
	ctx    context.Context
	term   scheduler.Term
	ends   chan error    // has it return
	slow   chan struct{} // unless nil: not before that is closed
}

// errLeft is why a member leaves.
var errLeft = errors.New("told to leave")

// enter has members take part.
func (t *trial) enter(members ...int) {
	for _, i := range members {
		ctx, leave := context.WithCancelCause(t.ctx)
		t.entries[i] = entry{leave, make(chan error, 1)}
		left := t.entries[i].left
		t.running.Go(func() {
			left <- t.members[i].Run(ctx, func(ctx context.Context, term scheduler.Term) error { return t.lead(i, ctx, term) })
		})
	}
}

func (t *trial) enterAll() {
	for i := range t.members {
		t.enter(i)
	}
}

// lead leads until the check says how it is to end, or its context does.
func (t *trial) lead(i int, ctx context.Context, term scheduler.Term) error {
	l := &lead{member: i, ctx: ctx, term: term, ends: make(chan error, 1)}
	if term.Store == nil || term.Confirm == nil || term.Number == 0 {
		t.fail("member %d got an incomplete term: %+v", i, term)
	}
	t.mu.Lock()
	for _, other := range t.open {
		if other.member == i {
			t.errs = append(t.errs, fmt.Errorf("member %d got term %d before its lead of term %d had returned", i, term.Number, other.term.Number))
		} else if other.ctx.Err() == nil {
			t.errs = append(t.errs, fmt.Errorf("member %d leads in term %d while member %d leads in term %d", i, term.Number, other.member, other.term.Number))
		}
	}
	if term.Number <= t.highest {
		t.errs = append(t.errs, fmt.Errorf("term %d follows term %d", term.Number, t.highest))
	}
	t.highest = max(t.highest, term.Number)
	t.open = append(t.open, l)
	t.mu.Unlock()
	t.began <- l
	defer func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.open = slices.DeleteFunc(t.open, func(o *lead) bool { return o == l })
	}()
	select {
	case err := <-l.ends:
		return err
	case <-ctx.Done():
	}
	t.mu.Lock()
	slow := l.slow
	t.mu.Unlock()
	if slow != nil {
		<-slow
	}
	return context.Cause(ctx)
}

func (t *trial) fail(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.errs = append(t.errs, fmt.Errorf(format, args...))
}

// broken returns what was found wrong while the check ran.
func (t *trial) broken() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return errors.Join(t.errs...)
}

// next waits for the next lead.
func (t *trial) next() (*lead, error) {
	select {
	case l := <-t.began:
		return l, nil
	case <-time.After(t.patience):
		return nil, fmt.Errorf("nobody was elected within %v", t.patience)
	}
}

// nobody requires that for a while no lead begins.
func (t *trial) nobody(long time.Duration) error {
	select {
	case l := <-t.began:
		return fmt.Errorf("member %d leads in term %d, and should not", l.member, l.term.Number)
	case <-time.After(long):
		return nil
	}
}

// over waits until the context of a lead has ended.
func (t *trial) over(l *lead) error {
	select {
	case <-l.ctx.Done():
		return nil
	case <-time.After(t.patience):
		return fmt.Errorf("the context of term %d has not ended after %v", l.term.Number, t.patience)
	}
}

// leaves waits until a member's Run has returned, and requires its error to be of one kind; nil stands for none.
func (t *trial) leaves(i int, want error) error {
	select {
	case err := <-t.entries[i].left:
		if want == nil && err != nil || want != nil && !errors.Is(err, want) {
			return fmt.Errorf("Run of member %d returned %v, should be %v", i, err, want)
		}
		return nil
	case <-time.After(t.patience):
		return fmt.Errorf("Run of member %d has not returned after %v", i, t.patience)
	}
}

// eventually waits until a member's state is as it should be.
func (t *trial) eventually(i int, what string, is func(ha.Status) bool) error {
	ctx, cancel := context.WithTimeout(t.ctx, t.patience)
	defer cancel()
	last := ha.Status{}
	for last = range t.members[i].Watch(ctx) {
		if is(last) {
			return nil
		}
	}
	return fmt.Errorf("member %d does not say that %s: %+v", i, what, last)
}

// fenced requires that the store of a term that is over refuses everything.
func (t *trial) fenced(l *lead) error {
	ctx, cancel := context.WithTimeout(t.ctx, t.patience)
	defer cancel()
	says := func(err error) bool {
		var f interface{ Fenced() bool }
		return errors.As(err, &f) && f.Fenced()
	}
	if err := l.term.Store.Apply(ctx, map[string][]byte{"late": []byte("x")}); !says(err) {
		return fmt.Errorf("Apply of the store of term %d, which is over, returned %w", l.term.Number, errOr(err))
	}
	if _, err := l.term.Store.Load(ctx); !says(err) {
		return fmt.Errorf("Load of the store of term %d, which is over, returned %w", l.term.Number, errOr(err))
	}
	if err := l.term.Confirm(ctx); err == nil {
		return fmt.Errorf("term %d, which is over, was confirmed", l.term.Number)
	}
	return nil
}

var errNone = errors.New("no error")

func errOr(err error) error {
	if err == nil {
		return errNone
	}
	return err
}
