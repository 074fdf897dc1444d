package electiontest

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// Member is a member of an [Election]. It is an [ha.Replica].
type Member struct {
	election *Election
	id       string

	// All below belong to the election's mutex.
	running     bool // in Run
	stands      bool // waits to be elected
	handsOver   bool // was asked to
	cut, paused bool
	lostAt      time.Time // when it was cut off or paused last
	resumedAt   time.Time
	standsAt    time.Time // not before
	alive       bool
	since       time.Time // of alive
	status      ha.Status
	version     int // of status
}

var (
	errTwice = errors.New("electiontest: this member takes part already")
	errOver  = errors.New("electiontest: this member does not lead any more")
)

// Run takes part in the election, as [ha.Elector] says.
func (m *Member) Run(ctx context.Context, lead func(context.Context, scheduler.Term) error) error {
	if !m.take(true) {
		return errTwice
	}
	defer m.take(false)
	for {
		number, err := m.await(ctx)
		if err != nil {
			return err
		}
		err = m.serve(ctx, number, lead)
		var stop *ha.StopError
		switch {
		case err == nil:
			return nil
		case errors.As(err, &stop):
			return stop.Err
		}
	}
}

// take notes that Run begins or ends, and reports whether that is a change.
func (m *Member) take(part bool) bool {
	m.election.mu.Lock()
	defer m.election.mu.Unlock()
	if m.running == part {
		return false
	}
	m.running = part
	m.updateAlive()
	m.election.publish("")
	return true
}

// await waits until the member is elected, and returns the term.
func (m *Member) await(ctx context.Context) (uint64, error) {
	e := m.election
	e.mu.Lock()
	defer e.mu.Unlock()
	m.stands = true
	defer func() { m.stands = false }()
	for ctx.Err() == nil {
		term, again := e.elect(m, time.Now())
		if term > 0 {
			return term, nil
		}
		changed := e.changed
		e.mu.Unlock()
		wait(ctx, changed, again)
		e.mu.Lock()
	}
	return 0, context.Cause(ctx)
}

// serve calls lead for a term, and ends its context with the leadership.
func (m *Member) serve(ctx context.Context, number uint64, lead func(context.Context, scheduler.Term) error) error {
	ctx, end := context.WithCancelCause(ctx)
	var watch sync.WaitGroup
	defer watch.Wait()
	defer end(nil)
	watch.Go(func() { m.watchTerm(ctx, number, end) })
	// However lead ends: after it no other call is made, and the next one may lead.
	defer m.over(number)
	s := termStore{m, number}
	return lead(ctx, scheduler.Term{Number: number, Store: s, Confirm: s.confirm})
}

// watchTerm ends the context of a term when the member is not to lead any more.
func (m *Member) watchTerm(ctx context.Context, number uint64, end context.CancelCauseFunc) {
	e := m.election
	for {
		e.mu.Lock()
		leads, again := e.leadsStill(m, number, time.Now())
		changed := e.changed
		e.mu.Unlock()
		if !leads {
			end(errOver)
			return
		}
		if !wait(ctx, changed, again) {
			return
		}
	}
}

// over notes that lead has returned.
func (m *Member) over(number uint64) {
	e := m.election
	e.mu.Lock()
	defer e.mu.Unlock()
	m.standsAt = time.Now().Add(e.config.Pause)
	if e.term == number {
		e.vacate(m, time.Now(), m.id+" handed over")
	}
}

// Status returns what the member knows of the election.
func (m *Member) Status() ha.Status {
	m.election.mu.Lock()
	defer m.election.mu.Unlock()
	return m.copied()
}

// Watch yields the present status and then each change, until ctx ends.
func (m *Member) Watch(ctx context.Context) iter.Seq[ha.Status] {
	return func(yield func(ha.Status) bool) {
		e := m.election
		for seen := -1; ctx.Err() == nil; {
			e.mu.Lock()
			status, version, changed := m.copied(), m.version, e.changed
			e.mu.Unlock()
			if version == seen {
				wait(ctx, changed, time.Time{})
				continue
			}
			seen = version
			if !yield(status) {
				return
			}
		}
	}
}

// Follow yields the records, see [ha.Replica]. A member that is cut off gets what it missed later.
func (m *Member) Follow(ctx context.Context) iter.Seq[map[string][]byte] {
	return func(yield func(map[string][]byte) bool) {
		e := m.election
		e.mu.Lock()
		records, err := e.store.Load(ctx)
		f := &follower{missed: records}
		e.followers[f] = true
		e.mu.Unlock()
		defer func() {
			e.mu.Lock()
			defer e.mu.Unlock()
			delete(e.followers, f)
		}()
		for err == nil && ctx.Err() == nil {
			e.mu.Lock()
			running, changed := m.running, e.changed
			var missed map[string][]byte
			if m.reachable() {
				missed, f.missed = f.missed, nil
			}
			e.mu.Unlock()
			if !running || missed != nil && !yield(missed) {
				return
			}
			wait(ctx, changed, time.Time{})
		}
	}
}

// follower is a call of Follow. It belongs to the election's mutex.
type follower struct {
	missed map[string][]byte // what it was not told yet; nil: nothing
}

func (f *follower) miss(changes map[string][]byte) {
	if f.missed == nil {
		f.missed = map[string][]byte{}
	}
	maps.Copy(f.missed, changes)
}

// Awake waits while the member is paused, and returns nil or the cause of ctx's end. Call it before anything that a
// paused process would not do, such as in the scheduler's DialContext.
func (m *Member) Awake(ctx context.Context) error {
	e := m.election
	e.mu.Lock()
	defer e.mu.Unlock()
	for m.paused {
		changed := e.changed
		e.mu.Unlock()
		awake := wait(ctx, changed, time.Time{})
		e.mu.Lock()
		if !awake {
			return context.Cause(ctx)
		}
	}
	return nil
}

// reachable reports whether the others and the store can be reached.
func (m *Member) reachable() bool { return !m.cut && !m.paused }

func (m *Member) updateAlive() {
	if alive := m.running && m.reachable(); alive != m.alive {
		m.alive, m.since = alive, time.Now()
	}
}

// learn changes what the member knows. Members is nil if it learns nothing of them.
func (m *Member) learn(leader *Member, term uint64, reason string, members []ha.Member) {
	next := m.status
	next.Self, next.Leader, next.Term = m.id, "", term
	if leader != nil {
		next.Leader = leader.id
	}
	if next.Leader != m.status.Leader || term != m.status.Term || m.version == 0 {
		next.Since, next.Reason = time.Now(), reason
	}
	if members != nil {
		next.Members = members
	}
	changed := next.Leader != m.status.Leader || term != m.status.Term || !slices.Equal(next.Members, m.status.Members)
	if m.status = next; changed {
		m.version++
	}
}

// copied returns the status for a caller, who may change it.
func (m *Member) copied() ha.Status {
	status := m.status
	status.Members = slices.Clone(status.Members)
	return status
}
