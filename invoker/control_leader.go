package invoker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Control returns the [Control] of this process. All its methods return an error that wraps [ErrNotLeading] outside of Lead and Run.
func (v *Invoker) Control() Control { return control{v} }

type control struct{ invoker *Invoker }

// pool returns the pool of the run under way.
func (c control) pool(ctx context.Context) (*pool, error) {
	v := c.invoker
	v.mu.Lock()
	r := v.present
	v.mu.Unlock()
	if r == nil {
		return nil, ErrNotLeading
	}
	select {
	case <-r.pool.begun:
		return r.pool, nil
	case <-r.pool.stopped:
		return nil, r.pool.notLeading()
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrNotLeading, context.Cause(ctx))
	}
}

// notLeading is what a process is told that asks after the run has ended.
func (p *pool) notLeading() error { return fmt.Errorf("%w: %w", ErrNotLeading, p.why()) }

func (c control) Renew(ctx context.Context, r Renewal) (Renewed, error) {
	if err := r.check(); err != nil {
		return Renewed{}, err
	}
	p, err := c.pool(ctx)
	if err != nil {
		return Renewed{}, err
	}
	if p.confirm != nil {
		// The one that leads next waits for so long until it gives others what nobody has declared. So nobody may
		// renew a session with this one after that one has begun.
		if _, err := call(ctx, "Confirm", func(ctx context.Context) (none struct{}, err error) { return none, p.confirm(ctx) }, nil); err != nil {
			return Renewed{}, fmt.Errorf("%w: %w", ErrNotLeading, err)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s, err := p.remote(r.Session)
	switch {
	case errors.Is(err, ErrNotLeading), err != nil && !r.Open:
		return Renewed{}, err
	case err == nil && p.tooManyNotices(s, len(r.Held)):
		return Renewed{}, fmt.Errorf("%w for longer: it has not acted on %d notices", ErrSession, len(s.notices))
	case err != nil:
		if s, err = p.newRemote(r.Session); err != nil {
			return Renewed{}, err
		}
	}
	p.step(opened{session: s.number, name: r.Name, ttl: SessionTTL})
	if r.Open {
		p.step(r.declared(s.number))
	}
	p.declareOwn(s)
	return Renewed{Epoch: p.machine.epoch(), TTL: SessionTTL}, nil
}

func (r Renewal) declared(s session) declared {
	d := declared{session: s, namespace: namespaceOf(r.Session)}
	for _, h := range r.Held {
		d.grants = append(d.grants, h.GrantID)
		if h.Initialised {
			d.initialised = append(d.initialised, h.GrantID)
		}
	}
	return d
}

func (c control) Acquire(ctx context.Context, d Demand) (Grant, error) {
	key, err := d.check()
	if err != nil {
		return Grant{}, err
	}
	p, err := c.pool(ctx)
	if err != nil {
		return Grant{}, err
	}
	d.Key = key
	asked, err := p.demanded(d)
	if err != nil {
		return Grant{}, err
	}
	select {
	case <-asked.answered:
	case <-ctx.Done():
	}
	if err := p.leaves(ctx, asked); err != nil {
		return Grant{}, err
	}
	// What it prints until it is settled belongs to activations of this process.
	settling, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	p.logs.handOver(settling, asked.grant.Container)
	return asked.grant, nil
}

// settleTime is how long a container is not given to another process since its logs are not complete.
const settleTime = time.Second

func (c control) Report(ctx context.Context, r Report) error {
	p, err := c.pool(ctx)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s, err := p.remoteOf(r.Session, r.Epoch)
	if err != nil {
		return err
	}
	for _, g := range r.Initialised {
		if p.machine.heldBy(s.number, g) {
			p.step(initialised{g})
		}
	}
	for _, g := range r.Released {
		p.freeRemote(s, g.GrantID, g.Outcome.internal())
	}
	for _, request := range r.Withdrawn {
		p.withdraw(s, request)
	}
	return nil
}

// internal returns what the machine calls it. What is not known forbids to use the container again.
func (o Outcome) internal() outcome {
	switch o {
	case Reuse:
		return reuse
	case Dead:
		return dead
	case Crashed:
		return crashed
	default:
		return discard
	}
}

func (c control) Notices(ctx context.Context, session string, after uint64) ([]Notice, error) {
	p, err := c.pool(ctx)
	if err != nil {
		return nil, err
	}
	for {
		notices, more, err := p.notices(session, after)
		if err != nil || len(notices) > 0 {
			return notices, err
		}
		select {
		case <-more:
		case <-p.stopped:
			return nil, p.notLeading()
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (c control) End(ctx context.Context, session string) error {
	p, err := c.pool(ctx)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s, err := p.remote(session)
	switch {
	case errors.Is(err, ErrSession):
		return nil // it has ended
	case err != nil:
		return err
	}
	p.step(closed{s.number})
	p.remotes.remove(s)
	return nil
}

// check returns a *ConfigError if the request is not valid.
func (r Renewal) check() error {
	valid := func(c rune) bool {
		return c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
	}
	switch {
	case len(r.Session) < 16 || len(r.Session) > 64 || slices.ContainsFunc([]rune(r.Session), func(c rune) bool { return !valid(c) }):
		return &ConfigError{Field: "Renewal.Session", Value: abridged([]byte(r.Session)), Reason: `must be 16 to 64 letters, digits and "-"`}
	case len(r.Name) > maxHolderName:
		return &ConfigError{Field: "Renewal.Name", Value: abridged([]byte(r.Name)), Reason: fmt.Sprintf("must have at most %d bytes", maxHolderName)}
	case len(r.Held) > maxHeld:
		return &ConfigError{Field: "Renewal.Held", Value: len(r.Held), Reason: fmt.Sprintf("must have at most %d elements", maxHeld)}
	}
	for _, h := range r.Held {
		if len(h.Container) > maxContainerName {
			return &ConfigError{Field: "Renewal.Held", Value: abridged([]byte(h.Container)), Reason: fmt.Sprintf("must have IDs of at most %d bytes", maxContainerName)}
		}
	}
	return nil
}

const (
	// maxHolderName is how many bytes the name of a holder may have.
	maxHolderName = 256
	// maxContainerName is how many bytes the ID of a container may have in a renewal. Real ones have some 90 at most.
	maxContainerName = 128
	// maxHeld is how many grants a renewal may name. Each that is void is answered with a notice.
	maxHeld = 10_000
	// maxNotices is with how many notices that it has not acted on a session is not renewed any more. Until it is over it may
	// send to what it holds, so that it cannot be ended earlier.
	maxNotices = 10_000
	// maxSessions is how many sessions are open at once.
	maxSessions = 1000
	// maxAllNotices is how many of all sessions there may be, of some 250 bytes each. While there are as many, no session is opened, and one
	// is renewed only if it has less than its share, with the grants that it says it holds.
	maxAllNotices = 100_000
)

// check returns the key as it is used, or a *ConfigError.
func (d Demand) check() (Key, error) {
	k := d.Key
	a := Action{
		Namespace: k.Namespace, Name: k.Action, Revision: k.Revision, Kind: k.Kind, Image: k.Image, UserImage: k.Tenant != "",
		Memory: k.Memory, Concurrency: k.Concurrency, Timeout: d.Timeout,
	}
	if err := a.check(); err != nil {
		return Key{}, err
	}
	if k.Tenant != "" && k.Tenant != k.Namespace {
		return Key{}, &ConfigError{Field: "Demand.Key.Tenant", Value: abridged([]byte(k.Tenant)), Reason: "must be the namespace, or empty"}
	}
	if k.private() && k.Namespace != namespaceOf(d.Session) {
		return Key{}, &ConfigError{Field: "Demand.Key.Namespace", Value: abridged([]byte(k.Namespace)), Reason: "must not be that of another session's containers"}
	}
	return a.key(), nil
}
