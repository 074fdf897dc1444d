package zookeeper

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/internal/logguard"
	"github.com/mesos-actor/mesos-actor-go/internal/logkey"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// Elector is one member of an election. All methods may be called from any goroutine. Use [New].
type Elector struct {
	config     Config
	servers    []string
	auth       string // user:password, or empty
	path       string // of the framework
	election   string // whose children are the members
	state      string // below which the log of the records is
	acl, above []zk.ACL
	board      board
	replica    *replica

	running chan struct{} // of capacity 1: full during Run
	// Used by Run only.
	self  memberData
	stale []string     // nodes of earlier sessions, which may still be there
	slow  chan outcome // of a term that is over, whose lead has not returned; nil: none

	session  atomic.Pointer[session] // the present one; nil: there is none
	sessions atomic.Uint64           // how many have begun

	mu      sync.Mutex
	problem string // the last one logged
}

var (
	_ ha.Elector  = (*Elector)(nil)
	_ ha.Replica  = (*Elector)(nil)
	_ ha.Measured = (*Elector)(nil)
)

// New returns an Elector, or a [*ConfigError].
func New(c Config) (*Elector, error) {
	c, address, err := c.normalize()
	if err != nil {
		return nil, err
	}
	e := &Elector{
		config:   c,
		servers:  address.Servers,
		auth:     address.Auth,
		path:     address.Path,
		election: address.Path + "/election",
		state:    address.Path + "/state",
		running:  make(chan struct{}, 1),
		self:     memberData{ID: c.ID, API: c.API},
	}
	e.replica = newReplica(e.state, c.Logger)
	e.acl, e.above = aclOf(address.Auth)
	e.show(nil, nil, "", "not running")
	return e, nil
}

// String returns the address, without user and password.
func (e *Elector) String() string { return "zk://" + strings.Join(e.servers, ",") + e.path }

// Format prints the same as String with every verb, so that no secret is logged.
func (e *Elector) Format(to fmt.State, _ rune) { fmt.Fprint(to, e.String()) }

// Run takes part in the election, see [ha.Elector]. It returns an error that wraps [ErrDenied] or [ErrFormat] if the
// servers refuse access, or if the path is used by something else. All other problems with the servers are logged, and
// Run goes on. It returns when lead has returned and all goroutines have ended, at most two seconds after ctx and lead
// have.
func (e *Elector) Run(ctx context.Context, lead func(ctx context.Context, t scheduler.Term) error) error {
	select {
	case e.running <- struct{}{}:
	default:
		return ErrRunning
	}
	defer func() { <-e.running }()
	defer logguard.Flush(ctx, e.config.Logger)
	defer e.show(nil, nil, "", "not running")
	e.replica.run(true)
	defer e.replica.run(false)
	e.self.Start = time.Now()
	e.show(nil, nil, "", "not connected yet")
	for {
		err := e.takePart(ctx, lead)
		if e.slow != nil {
			out := e.waitOut(ctx)
			if err, stops := out.stops(); stops {
				return err
			}
		}
		var final *finalError
		switch {
		case errors.As(err, &final):
			return final.err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
		e.pause(ctx, err)
	}
}

// pause waits after a part in the election has ended by err, which it says.
func (e *Elector) pause(ctx context.Context, err error) {
	e.trouble(err)
	e.show(nil, nil, "", err.Error())
	pause := min(e.config.SessionTimeout/5, 2*time.Second)
	select {
	case <-time.After(pause/2 + rand.N(pause/2+1)):
	case <-ctx.Done():
	}
}

// waitOut follows the election, without being a candidate, until the lead of a term that is over has returned.
func (e *Elector) waitOut(ctx context.Context) outcome {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	slow, outcomes := e.slow, make(chan outcome, 1)
	e.slow = nil
	go func() {
		outcomes <- <-slow
		cancel(errReturned)
	}()
	for ctx.Err() == nil {
		err := e.takePart(ctx, nil)
		var final *finalError
		if errors.As(err, &final) {
			break // the next part as a candidate finds out as well
		}
		if ctx.Err() == nil {
			e.pause(ctx, err)
		}
	}
	return <-outcomes
}

// finalError ends Run, which returns err.
type finalError struct{ err error }

// Error implements error.
func (e *finalError) Error() string { return fmt.Sprint(e.err) }

// takePart takes part with one session and one node, for one term at most; not as a candidate if lead is nil. It returns
// why that is over. Nothing of it is left then, except for a lead that is slow to return.
func (e *Elector) takePart(ctx context.Context, lead func(context.Context, scheduler.Term) error) error {
	s, err := e.open(ctx)
	if err != nil {
		return err
	}
	e.session.Store(s)
	defer e.session.Store(nil)
	goodbye := true
	defer func() { s.close(goodbye) }()
	timeout, err := e.established(ctx, s)
	if err != nil {
		goodbye = false
		return err
	}
	e.sessions.Add(1)
	own, err := call(ctx, s, func() (candidate, error) {
		if err := e.prepare(s); err != nil {
			return candidate{}, err
		}
		return e.enter(s, lead != nil)
	})
	switch {
	case errors.Is(err, ErrDenied), errors.Is(err, ErrFormat):
		return &finalError{err}
	case err != nil:
		return err
	}
	e.clear()
	if timeout != e.config.SessionTimeout {
		e.config.Logger.Info("the servers grant another session timeout", "member", e.config.ID, "asked", e.config.SessionTimeout, "granted", timeout)
	}
	c := &candidacy{Elector: e, s: s, own: own, timeout: timeout, known: map[string]known{}}
	err = c.follow(ctx, lead)
	goodbye = c.leave()
	return err
}

// show publishes a Status. The first of the candidates leads, unless it is an earlier run of this member, which has
// another node than own. The reason is for a Status without a leader.
func (e *Elector) show(candidates, waiting []candidate, own, reason string) {
	s := ha.Status{Self: e.config.ID, Reason: reason, Members: members(slices.Concat(candidates, waiting), e.self)}
	if len(candidates) > 0 {
		first := candidates[0]
		switch s.Reason = fmt.Sprintf("its node is the first of %d", len(candidates)); {
		case first.data.ID != s.Self, first.node == own:
			s.Leader, s.Term = first.data.ID, uint64(first.czxid)
		default:
			s.Reason = "an earlier run of this member has not left the election yet"
		}
	}
	if e.board.show(s) {
		e.config.Logger.Info("election", "member", s.Self, "leader", s.Leader, logkey.Term, s.Term, "reason", s.Reason)
	}
}

// trouble logs a problem with ZooKeeper, unless it is the one that was logged last.
func (e *Elector) trouble(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err.Error() != e.problem {
		e.problem = err.Error()
		e.config.Logger.Warn("election", "member", e.config.ID, "zookeeper", e.String(), "problem", err)
	}
}

// clear forgets the last problem.
func (e *Elector) clear() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.problem != "" {
		e.problem = ""
		e.config.Logger.Info("ZooKeeper works again", "member", e.config.ID)
	}
}
