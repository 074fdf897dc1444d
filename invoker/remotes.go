package invoker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// remotes are the sessions of other processes, with what they are to be told. It is guarded by the mutex of the pool.
type remotes struct {
	byName   map[string]*remote
	byNumber map[session]*remote
	calls    map[ref]*remoteCall // that wait
	last     session
	notices  uint64        // the number of the last one
	changed  chan struct{} // closed when a session has acted on notices; nil: nobody waits for that
}

// remote is one session.
type remote struct {
	name      string
	number    session
	notices   []notice // on which it has not acted yet
	more      chan struct{}
	requests  map[uint64]*remoteCall // that wait, or whose grant is held
	granted   map[uint64]*remoteCall // by the number of the grant
	withdrawn map[uint64]struct{}    // the last requests that were withdrawn
}

// notice is a notice with the address of a container that is gone.
type notice struct {
	Notice
	address string
}

// remoteCall is a demand.
type remoteCall struct {
	remote   *remote
	ref      ref
	request  uint64
	callers  int           // of Acquire that wait for it
	answered chan struct{} // closed when what follows is set
	grant    Grant
	err      error
}

// maxWithdrawn is how many requests are remembered that were withdrawn.
const maxWithdrawn = 1000

func newRemotes() remotes {
	return remotes{byName: map[string]*remote{}, byNumber: map[session]*remote{}, calls: map[ref]*remoteCall{}}
}

func (r *remotes) remove(s *remote) {
	delete(r.byName, s.name)
	delete(r.byNumber, s.number)
	r.signal()
}

// signal wakes those who wait until sessions have acted on notices.
func (r *remotes) signal() {
	if r.changed != nil {
		close(r.changed)
		r.changed = nil
	}
}

// remote returns a session that is open. The mutex is held.
func (p *pool) remote(name string) (*remote, error) {
	if p.over != nil {
		return nil, p.notLeading()
	}
	s := p.remotes.byName[name]
	if s == nil || p.machine.session(time.Now(), s.number) == nil {
		return nil, ErrSession
	}
	return s, nil
}

// remoteOf is remote for a request to the leader of an epoch; 0: of any.
func (p *pool) remoteOf(name string, epoch uint64) (*remote, error) {
	s, err := p.remote(name)
	if err == nil && epoch != 0 && epoch != p.machine.epoch() {
		return nil, ErrSession
	}
	return s, err
}

// newRemote notes a session that is going to be opened. The mutex is held.
func (p *pool) newRemote(name string) (*remote, error) {
	if p.overfull() || len(p.remotes.byName) >= maxSessions {
		return nil, ErrTooManySessions
	}
	p.remotes.last++
	s := &remote{
		name: name, number: p.remotes.last, more: make(chan struct{}),
		requests: map[uint64]*remoteCall{}, granted: map[uint64]*remoteCall{}, withdrawn: map[uint64]struct{}{},
	}
	p.remotes.byName[name], p.remotes.byNumber[s.number] = s, s
	return s, nil
}

// demanded has the machine serve a demand, unless it does already.
func (p *pool) demanded(d Demand) (*remoteCall, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, err := p.remoteOf(d.Session, d.Epoch)
	if err != nil {
		return nil, err
	}
	if _, withdrawn := s.withdrawn[d.Request]; withdrawn {
		return nil, ErrWithdrawn
	}
	asked := s.requests[d.Request]
	if asked == nil {
		p.lastRef++
		asked = &remoteCall{remote: s, ref: p.lastRef, request: d.Request, answered: make(chan struct{})}
		s.requests[d.Request], p.remotes.calls[asked.ref] = asked, asked
		p.step(acquire{ref: asked.ref, session: s.number, key: d.Key, timeout: d.Timeout})
	}
	asked.callers++
	return asked, nil
}

// leaves ends the wait of a caller, and returns why it gets nothing.
func (p *pool) leaves(ctx context.Context, asked *remoteCall) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked.callers--
	if p.remotes.calls[asked.ref] == nil {
		return asked.err
	}
	why := p.machine.explain(asked.ref)
	why.Err = context.Cause(ctx)
	if asked.callers == 0 {
		p.refused(asked, why)
		p.step(cancel{asked.ref})
	}
	return why
}

// remoteGranted answers a demand. The mutex is held.
func (p *pool) remoteGranted(asked *remoteCall, g *grant) {
	delete(p.remotes.calls, asked.ref)
	asked.grant = Grant{GrantID: g.id, Instance: g.to, Start: g.start, Init: g.init}
	asked.remote.granted[g.id.Number] = asked
	close(asked.answered)
}

// refused answers a demand with an error, and forgets it. The mutex is held.
func (p *pool) refused(asked *remoteCall, err error) {
	delete(p.remotes.calls, asked.ref)
	delete(asked.remote.requests, asked.request)
	asked.err = err
	close(asked.answered)
}

// forgetGrant forgets the demand that a grant has answered.
func (s *remote) forgetGrant(number uint64) {
	if asked := s.granted[number]; asked != nil {
		delete(s.granted, number)
		delete(s.requests, asked.request)
	}
}

// freeRemote takes a grant back. The mutex is held.
func (p *pool) freeRemote(s *remote, g GrantID, o outcome) {
	if p.machine.heldBy(s.number, g) {
		s.forgetGrant(g.Number)
		p.step(release{grant: g, outcome: o})
	}
}

// withdraw ends a demand, whatever has become of it. The mutex is held.
func (p *pool) withdraw(s *remote, request uint64) {
	if len(s.withdrawn) >= maxWithdrawn {
		clear(s.withdrawn)
	}
	s.withdrawn[request] = struct{}{} // it may arrive later, or once more
	switch asked := s.requests[request]; {
	case asked == nil:
	case p.remotes.calls[asked.ref] != nil:
		p.refused(asked, ErrWithdrawn)
		p.step(cancel{asked.ref})
	default:
		p.freeRemote(s, asked.grant.GrantID, reuse)
	}
}

// revoked tells a session that a grant is void. The mutex is held.
func (p *pool) revoked(c revoke) {
	n := notice{Notice: Notice{Grant: c.grant, Revoked: true}, address: c.address}
	in := Instance{ID: c.grant.Container}
	if known := p.machine.containers[in.ID]; known != nil {
		in = known.instance
	}
	if change, found := p.ended.of(in); found {
		n.Reason, n.Err = change.Reason, change.Err
	}
	if s := p.remotes.byNumber[c.session]; s != nil {
		s.forgetGrant(c.grant.Number)
		p.notify(s, n)
	}
}

// tell tells a session something. The mutex is held.
func (p *pool) tell(number session, n Notice) {
	if s := p.remotes.byNumber[number]; s != nil {
		p.notify(s, notice{Notice: n})
	}
}

// awaitRevoked waits until no session can send to an address any more: each that held a container there has acted on the notice
// that it is gone, or has ended. Until then a new container with that address could get what was meant for the old one. It returns
// an error if a session goes on without acting on it.
func (p *pool) awaitRevoked(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, revokedWait, errAddress)
	defer cancel()
	for {
		p.mu.Lock()
		if !p.mayBeSentTo(address) {
			p.mu.Unlock()
			return nil
		}
		if p.remotes.changed == nil {
			p.remotes.changed = make(chan struct{})
		}
		changed := p.remotes.changed
		p.mu.Unlock()
		select {
		case <-changed:
		case <-time.After(time.Second): // sessions end without a signal
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// revokedWait is how long a container waits for those who may send to its address: a session that is not renewed has ended by then.
const revokedWait = SessionTTL + sessionMargin + 2*time.Second

// errAddress is why a container is given up whose address a session may still use for another one.
var errAddress = errors.New("a session has not acted on the notice that the container is gone which had the same address")

// mayBeSentTo reports whether a session does not know yet that a container at an address is gone. The mutex is held.
func (p *pool) mayBeSentTo(address string) bool {
	for _, s := range p.remotes.byName {
		revoked := func(n notice) bool { return n.Revoked && n.address == address }
		if slices.ContainsFunc(s.notices, revoked) && p.machine.session(time.Now(), s.number) != nil {
			return true
		}
	}
	return false
}

func (p *pool) notify(s *remote, n notice) {
	p.remotes.notices = max(p.remotes.notices, FirstNotice(p.machine.epoch())) + 1
	n.Number = p.remotes.notices
	s.notices = append(s.notices, n)
	close(s.more)
	s.more = make(chan struct{})
}

// tooManyNotices reports whether a session is not renewed that says it holds so many grants: each of them may become a notice.
func (p *pool) tooManyNotices(s *remote, held int) bool {
	return len(s.notices) >= maxNotices || len(s.notices)+held >= maxAllNotices/maxSessions && p.overfull()
}

// overfull forgets the sessions that have ended, and reports whether the others have as many notices as there may be.
func (p *pool) overfull() bool {
	all := 0
	for _, s := range p.remotes.byName {
		if p.machine.session(time.Now(), s.number) == nil {
			p.remotes.remove(s)
			continue
		}
		all += len(s.notices)
	}
	return all >= maxAllNotices
}

// acted takes that a session has acted on some of its notices.
func (r *remotes) acted(s *remote, on func(notice) bool) {
	known := len(s.notices)
	if s.notices = slices.DeleteFunc(s.notices, on); len(s.notices) < known {
		r.signal()
	}
}

// notices returns what a session has to be told, and a channel that is closed when there is more.
func (p *pool) notices(name string, after uint64) (notices []Notice, more <-chan struct{}, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, err := p.remoteOf(name, after>>32)
	if err != nil {
		return nil, nil, err
	}
	p.remotes.acted(s, func(n notice) bool { return n.Number <= after })
	for _, n := range s.notices {
		notices = append(notices, n.Notice)
	}
	return notices, s.more, nil
}

// endRemotes answers all demands at the end of the run. The mutex is held.
func (p *pool) endRemotes() {
	for _, asked := range p.remotes.calls {
		p.refused(asked, fmt.Errorf("%w: %w", ErrNotLeading, p.over))
	}
}
