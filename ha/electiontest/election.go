package electiontest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// Config configures an [Election]. Every zero value stands for the default.
type Config struct {
	// Members is the number of members. Default 3.
	Members int
	// API are the addresses at which the members serve requests, in their order, see [ha.Member]. Default: none.
	API []string
	// StepDown is after how long a leader that is cut off stops leading, and after how long one that was paused notices
	// that another leads. Default 250 ms.
	StepDown time.Duration
	// ElectAfter is after how long the others elect another leader. It must not be shorter than StepDown. Default 1 s.
	ElectAfter time.Duration
	// Pause is how long a member waits that has handed over before it takes part again. Default 2 s.
	Pause time.Duration
	// Latency is how long a call of the store takes, and a proof. What a call writes is written after half of it. Default
	// no time at all.
	Latency time.Duration
}

// Election is an election among members of one process. Its methods may be called from any goroutine.
type Election struct {
	config  Config
	store   ha.Memory
	members []*Member

	mu      sync.Mutex
	term    uint64        // the newest
	leader  *Member       // of the newest term, until the others give it up
	freeAt  time.Time     // without leader: when the next may be elected
	changed chan struct{} // closed and replaced at each change

	followers map[*follower]bool
}

// New returns an election. It starts nothing.
func New(c Config) *Election {
	c.Members = cmp.Or(c.Members, 3)
	c.StepDown = cmp.Or(c.StepDown, 250*time.Millisecond)
	c.ElectAfter = max(c.StepDown, cmp.Or(c.ElectAfter, time.Second))
	c.Pause = cmp.Or(c.Pause, 2*time.Second)
	e := &Election{config: c, changed: make(chan struct{}), followers: map[*follower]bool{}}
	for i := range c.Members {
		id := fmt.Sprintf("member-%d", i)
		e.members = append(e.members, &Member{election: e, id: id, since: time.Now()})
	}
	e.publish("nobody was elected yet")
	return e
}

// Members returns all members in order of their IDs.
func (e *Election) Members() []ha.Elector {
	all := make([]ha.Elector, len(e.members))
	for i, m := range e.members {
		all[i] = m
	}
	return all
}

// Member returns a member by its number.
func (e *Election) Member(i int) *Member { return e.members[i] }

// Store returns the store of all terms, without their fences.
func (e *Election) Store() *ha.Memory { return &e.store }

// Patience returns how long a change of leader may take.
func (e *Election) Patience() time.Duration {
	return e.config.ElectAfter + e.config.Pause + time.Second
}

// Stop does nothing: what an election starts ends with the members' Run.
func (e *Election) Stop() {}

// Cut cuts a member off from the others and from the store. If it leads, it stops after [Config.StepDown].
func (e *Election) Cut(i int) { e.fault(i, func(m *Member) { m.cut = true }) }

// Heal ends a cut.
func (e *Election) Heal(i int) { e.fault(i, func(m *Member) { m.cut = false }) }

// Pause pauses a member: its calls of the store and Confirm wait, it does not notice that another one leads, and the
// others elect another one.
func (e *Election) Pause(i int) { e.fault(i, func(m *Member) { m.paused = true }) }

// Resume ends a pause.
func (e *Election) Resume(i int) {
	e.fault(i, func(m *Member) { m.paused, m.resumedAt = false, time.Now() })
}

func (e *Election) fault(i int, change func(*Member)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m := e.members[i]
	was := m.reachable()
	change(m)
	if now := time.Now(); was && !m.reachable() {
		m.lostAt = now
	}
	m.updateAlive()
	e.publish("heard of late")
}

// HandOver makes the leader hand over, as if it was asked to. Another member leads as soon as the lead of this one has
// returned.
func (e *Election) HandOver() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.leader != nil {
		e.leader.handsOver = true
		e.publish("")
	}
}

// publish tells each member that can be reached how things are, and wakes all who wait. A reason is given when the leader
// has changed.
func (e *Election) publish(reason string) {
	members := make([]ha.Member, len(e.members))
	for i, m := range e.members {
		members[i] = ha.Member{ID: m.id, Alive: m.alive, Voter: true, Since: m.since}
		if i < len(e.config.API) {
			members[i].API = e.config.API[i]
		}
	}
	for _, m := range e.members {
		if m.reachable() {
			m.learn(e.leader, e.term, reason, members)
		}
	}
	e.wake()
}

// wake wakes all who wait for a change.
func (e *Election) wake() {
	close(e.changed)
	e.changed = make(chan struct{})
}

// elect makes a member the leader if it is its turn. Otherwise it returns when to ask again, unless something changes
// earlier; the zero time is never.
func (e *Election) elect(m *Member, now time.Time) (term uint64, again time.Time) {
	if l := e.leader; l != nil && !l.reachable() {
		if lapse := l.lostAt.Add(e.config.ElectAfter); now.Before(lapse) {
			return 0, lapse
		}
		e.leader, e.freeAt = nil, now
	}
	if e.leader != nil || !m.reachable() {
		return 0, time.Time{}
	}
	if at := latest(e.freeAt, m.standsAt); now.Before(at) {
		return 0, at
	}
	first := slices.IndexFunc(e.members, func(c *Member) bool { return c.stands && c.reachable() && !now.Before(c.standsAt) })
	if e.members[first] != m {
		return 0, time.Time{} // that one is awake as well
	}
	e.term++
	e.leader, m.stands, m.handsOver = m, false, false
	e.publish(fmt.Sprintf("%s was elected", m.id))
	return e.term, time.Time{}
}

// leadsStill reports whether a member is still to lead, and when to ask again.
func (e *Election) leadsStill(m *Member, term uint64, now time.Time) (leads bool, again time.Time) {
	switch {
	case m.paused:
		return true, time.Time{}
	case e.leader != m || e.term != term:
		noticed := m.resumedAt.Add(e.config.StepDown)
		return now.Before(noticed), noticed
	case m.handsOver:
		return false, time.Time{}
	case !m.cut:
		return true, time.Time{}
	}
	if at := m.lostAt.Add(e.config.StepDown); now.Before(at) {
		return true, at
	}
	e.vacate(m, now, "the leader was cut off")
	m.learn(nil, term, "cut off from the others", nil)
	return false, time.Time{}
}

// vacate ends the leadership of a member. The others notice at once, unless it is cut off.
func (e *Election) vacate(m *Member, now time.Time, reason string) {
	if e.leader != m {
		return
	}
	e.leader, e.freeAt = nil, now
	if !m.reachable() {
		e.freeAt = latest(now, m.lostAt.Add(e.config.ElectAfter))
	}
	e.publish(reason)
}

// wait waits for a change of the election, for a time unless it is zero, or for the end of ctx. It returns false for that.
func wait(ctx context.Context, changed <-chan struct{}, at time.Time) bool {
	var due <-chan time.Time
	if !at.IsZero() {
		timer := time.NewTimer(time.Until(at))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-changed:
	case <-due:
	case <-ctx.Done():
		return false
	}
	return true
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// termStore is the store as a member has it in one term. Its confirm is the proof of leadership.
type termStore struct {
	*Member
	term uint64
}

var errCutOff = errors.New("electiontest: this member is cut off")

// fencedError is what a member is told that does not lead any more.
type fencedError struct{ term, newest uint64 }

func (e *fencedError) Error() string {
	return fmt.Sprintf("electiontest: term %d is over; the newest is %d", e.term, e.newest)
}

// Fenced returns true: another member leads, or may.
func (e *fencedError) Fenced() bool { return true }

// confirm returns nil if the member leads now.
func (s termStore) confirm(ctx context.Context) error {
	if err := s.travel(ctx); err != nil {
		return err
	}
	if err := s.leads(ctx); err != nil {
		return err
	}
	return s.travel(ctx)
}

// travel waits for half the time that a call takes, and while the member is paused.
func (s termStore) travel(ctx context.Context) error {
	if s.election.config.Latency > 0 && !wait(ctx, nil, time.Now().Add(s.election.config.Latency/2)) {
		return context.Cause(ctx)
	}
	return s.Awake(ctx)
}

// leads returns nil if the member leads now and can say so.
func (s termStore) leads(ctx context.Context) error {
	e := s.election
	e.mu.Lock()
	defer e.mu.Unlock()
	return s.refusal(ctx)
}

// refusal is leads, for who has the election's mutex.
func (s termStore) refusal(ctx context.Context) error {
	e := s.election
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case s.cut:
		return errCutOff
	case e.leader != s.Member || e.term != s.term:
		return &fencedError{s.term, e.term}
	}
	return nil
}

// Load returns all records, if the member leads.
func (s termStore) Load(ctx context.Context) (map[string][]byte, error) {
	if err := s.confirm(ctx); err != nil {
		return nil, err
	}
	return s.election.store.Load(ctx)
}

// Apply writes records if the member leads. No other is elected between the question and the writing.
func (s termStore) Apply(ctx context.Context, changes map[string][]byte) error {
	if err := s.travel(ctx); err != nil {
		return err
	}
	if err := s.write(ctx, changes); err != nil {
		return err
	}
	if err := s.travel(ctx); err != nil {
		return err
	}
	return s.leads(ctx) // the answer may not arrive any more
}

func (s termStore) write(ctx context.Context, changes map[string][]byte) error {
	e := s.election
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := s.refusal(ctx); err != nil {
		return err
	}
	if err := e.store.Apply(ctx, changes); err != nil {
		return err
	}
	kept := maps.Clone(changes) // the caller may change the values
	for key, value := range kept {
		kept[key] = bytes.Clone(value)
	}
	for f := range e.followers {
		f.miss(kept)
	}
	e.wake()
	return nil
}

var (
	_ scheduler.Store = termStore{}
	_ ha.Replica      = (*Member)(nil)
)
