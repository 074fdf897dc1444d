package invoker

import "context"

// acquire has the machine grant a lease to the caller, and waits for that.
func (p *pool) acquire(ctx context.Context, l *Lease) error {
	if err := p.wait(ctx); err != nil {
		return err
	}
	p.mu.Lock()
	if p.over != nil {
		p.mu.Unlock()
		return p.over
	}
	p.lastRef++
	r := p.lastRef
	p.acquiring = acquire{ref: r, key: l.action.key(), timeout: l.action.timeout()}
	p.callers[r], p.calling = l, r
	p.step(&p.acquiring)
	p.calling = 0
	if p.callers[r] == nil {
		p.mu.Unlock()
		return l.refused
	}
	l.answered = make(chan struct{})
	p.mu.Unlock()
	select {
	case <-l.answered:
		return l.refused
	case <-ctx.Done():
		return p.cancel(ctx, l, r)
	}
}

// granted gives a caller its lease.
func (p *pool) granted(g *grant) {
	if call := p.remotes.calls[g.ref]; call != nil {
		p.remoteGranted(call, g)
		return
	}
	l := p.callers[g.ref]
	if l == nil {
		return
	}
	l.granted, l.container = *g, p.live[g.to.ID]
	if l.container == nil {
		l.container = p.client.Container(g.to.Address, l.action.concurrency())
		p.live[g.to.ID] = l.container
	}
	p.leases[g.id.Number] = l
	p.answer(g.ref, nil)
}

// answer tells a caller that it has its lease, or why it has none.
func (p *pool) answer(r ref, err error) {
	l := p.callers[r]
	if l == nil {
		return
	}
	delete(p.callers, r)
	l.refused = err
	if r != p.calling {
		close(l.answered)
	}
}

// cancel ends the wait of a caller whose ctx has ended.
func (p *pool) cancel(ctx context.Context, l *Lease, r ref) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.callers[r] == nil {
		if l.refused == nil {
			p.free(l, reuse)
		}
		return context.Cause(ctx)
	}
	why := p.machine.explain(r)
	why.Err = context.Cause(ctx)
	delete(p.callers, r)
	p.step(cancel{ref: r})
	return why
}

// release gives a lease back that its caller does not use any more: when there is room for the logs of more activations, if the
// container is used again.
func (p *pool) release(l *Lease) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l.room != nil && l.outcome == reuse {
		select {
		case <-l.room:
		default:
			p.putOff(releaseLater{l})
			return
		}
	}
	p.free(l, l.outcome)
}

// free gives a lease back. One that was revoked, or given back before, the machine ignores. The mutex is held.
func (p *pool) free(l *Lease, o outcome) {
	id := l.granted.id
	delete(p.leases, id.Number)
	p.releasing = release{grant: id, outcome: o}
	p.step(&p.releasing)
}
