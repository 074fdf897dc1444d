package invoker

import (
	"context"
	"slices"
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker/internal/actionclient"
)

// heldContainer is a container that the dispatcher holds. It is guarded by the mutex of the dispatcher.
type heldContainer struct {
	grant       Grant
	key         *heldKey
	container   *actionclient.Container
	leases      []*Lease // that are given
	initialised bool
	recalled    bool
	reported    bool // a leader may know that it is given back, and have given it to others
	outcome     outcome
	used        time.Time
}

// heldKey is what the dispatcher holds for a key, and who waits for it.
type heldKey struct {
	key     Key
	timeout time.Duration
	free    []*heldContainer // with room for more, the one used last is at the end
	held    int
	waiters []*Lease
	asks    map[uint64]context.CancelFunc // demands, by request
}

// keyOf returns what is held for an action.
func (d *Dispatcher) keyOf(a *Action) *heldKey {
	key := a.key()
	k := d.keys[key]
	if k == nil {
		k = &heldKey{key: key, asks: map[uint64]context.CancelFunc{}}
		d.keys[key] = k
	}
	k.timeout = max(k.timeout, a.timeout())
	return k
}

// tidy forgets a key for which nothing and nobody is there.
func (d *Dispatcher) tidy(k *heldKey) {
	if d.keys[k.key] == k && k.held == 0 && len(k.waiters) == 0 && len(k.asks) == 0 {
		delete(d.keys, k.key)
	}
}

// room reports whether the container can serve one more: while the first one sends /init, none.
func (h *heldContainer) room() bool {
	return !h.recalled && h.outcome == reuse && len(h.leases) < h.key.key.Concurrency && (h.initialised || len(h.leases) == 0)
}

// file puts a container among those with room, or takes it from there.
func (h *heldContainer) file() {
	k := h.key
	if i := slices.Index(k.free, h); i >= 0 {
		k.free = slices.Delete(k.free, i, i+1)
	}
	if h.room() {
		k.free = append(k.free, h)
	}
}

// pick returns the container to use next: one that is in use already, else the one used last on the agent of which most are held.
func (d *Dispatcher) pick(k *heldKey) (best *heldContainer) {
	for i, n := len(k.free)-1, 0; i >= 0 && n < reuseScan; i, n = i-1, n+1 {
		h := k.free[i]
		inUse := len(h.leases) > 0
		switch {
		case best == nil, inUse && len(best.leases) == 0:
			best = h
		case inUse == (len(best.leases) > 0) && d.agents[h.grant.Instance.Agent] > d.agents[best.grant.Instance.Agent]:
			best = h
		}
	}
	return best
}

// give gives a caller a slot of a container. The mutex is held.
func (d *Dispatcher) give(h *heldContainer, l *Lease) {
	start := Warm
	if !h.initialised {
		start = h.grant.Start
	}
	l.granted = grant{id: h.grant.GrantID, to: h.grant.Instance, start: start, init: !h.initialised}
	l.container = h.container
	h.leases = append(h.leases, l)
	h.file()
}

// serve gives what is free to those who wait. The mutex is held.
func (d *Dispatcher) serve(k *heldKey) {
	for len(k.waiters) > 0 {
		h := d.pick(k)
		if h == nil {
			break
		}
		l := k.waiters[0]
		d.leaveQueue(k, l)
		d.give(h, l)
		close(l.answered)
	}
	d.ask(k)
}

// refuse answers who waits longest with an error. The mutex is held.
func (d *Dispatcher) refuse(k *heldKey, err error) {
	if len(k.waiters) > 0 {
		l := k.waiters[0]
		d.leaveQueue(k, l)
		l.refused = err
		close(l.answered)
	}
}

// leaveQueue takes a caller out of the queue.
func (d *Dispatcher) leaveQueue(k *heldKey, l *Lease) {
	if i := slices.Index(k.waiters, l); i >= 0 {
		k.waiters = slices.Delete(k.waiters, i, i+1)
		d.waiting--
	}
}

// ask demands as many containers as those who wait need, and withdraws demands that nobody needs any more. The mutex is held.
func (d *Dispatcher) ask(k *heldKey) {
	defer d.tidy(k)
	n := k.key.Concurrency
	need := (len(k.waiters) + n - 1) / n
	for request, cancel := range k.asks {
		if len(k.asks) <= need {
			break
		}
		cancel()
		delete(k.asks, request)
	}
	for d.session.open && d.over == nil && len(k.asks) < need {
		d.requests++
		request := d.requests
		ctx, cancel := context.WithCancel(d.session.ctx)
		k.asks[request] = cancel
		d.asking++
		demand := Demand{Session: d.session.name, Request: request, Epoch: d.session.epoch, Key: k.key, Timeout: k.timeout}
		d.work.Go(func() {
			defer cancel()
			g, err := d.config.Control.Acquire(ctx, demand)
			d.answered(ctx, k, demand, g, err)
		})
	}
}

// answered takes the answer to a demand.
func (d *Dispatcher) answered(ctx context.Context, k *heldKey, demand Demand, g Grant, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asking--
	delete(k.asks, demand.Request)
	if now := d.keys[k.key]; now != nil {
		k = now // it was forgotten meanwhile
	}
	if d.asking == 0 {
		defer clear(d.early)
	}
	if d.session.name != demand.Session { // that one is over
		d.tidy(k)
		return
	}
	switch {
	case err == nil:
		d.granted(k, demand, g)
		return
	case ctx.Err() == nil && final(err):
		d.refuse(k, err)
	default:
		d.report.Withdrawn = append(d.report.Withdrawn, demand.Request)
		signal(d.more)
		if ctx.Err() == nil {
			d.suspect()
		}
	}
	d.ask(k)
}

// granted takes a container. The mutex is held.
func (d *Dispatcher) granted(k *heldKey, demand Demand, g Grant) {
	n, early := d.early[g.GrantID]
	delete(d.early, g.GrantID)
	switch {
	case g.Epoch() != d.session.epoch: // the leader of today does not know that this session holds it
		d.report.Withdrawn = append(d.report.Withdrawn, demand.Request)
		signal(d.more)
		d.ask(k)
		return
	case early && n.Revoked:
		d.ask(k)
		return
	}
	d.keys[k.key] = k
	h := &heldContainer{
		grant: g, key: k, initialised: !g.Init, used: time.Now(), container: d.client.Container(g.Instance.Address, k.key.Concurrency),
	}
	d.held[g.GrantID] = h
	d.agents[g.Instance.Agent]++
	k.held++
	h.file()
	d.serve(k)
	if early {
		d.notice(n)
	}
}

// remove lets go of a container: nobody is given it any more. The mutex is held.
func (d *Dispatcher) remove(h *heldContainer) {
	delete(d.held, h.grant.GrantID)
	if d.agents[h.grant.Instance.Agent]--; d.agents[h.grant.Instance.Agent] == 0 {
		delete(d.agents, h.grant.Instance.Agent)
	}
	k := h.key
	k.held--
	if i := slices.Index(k.free, h); i >= 0 {
		k.free = slices.Delete(k.free, i, i+1)
	}
	d.tidy(k)
}

// close closes the connections to a container that are not in use.
func (d *Dispatcher) close(h *heldContainer) {
	if d.over != nil {
		h.container.Close()
		return
	}
	d.work.Go(h.container.Close)
}

// giveBack releases a container that is not in use, when all that it has printed is read. The mutex is held.
func (d *Dispatcher) giveBack(h *heldContainer) {
	d.remove(h)
	d.close(h)
	id := h.grant.GrantID
	d.leaving[id] = h
	released := func() {
		d.report.Released = append(d.report.Released, Released{id, exported(h.outcome)})
		signal(d.more)
	}
	if d.over != nil || d.logs == nil || h.outcome != reuse {
		released()
		return
	}
	d.work.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), settleTime)
		defer cancel()
		d.logs.handOver(ctx, id.Container)
		d.mu.Lock()
		defer d.mu.Unlock()
		released()
	})
}

// exported is the opposite of internal.
func exported(o outcome) Outcome {
	switch o {
	case reuse:
		return Reuse
	case dead:
		return Dead
	case crashed:
		return Crashed
	}
	return Discard
}

// notice acts on a notice. The mutex is held.
func (d *Dispatcher) notice(n Notice) {
	h := d.held[n.Grant]
	switch {
	case h == nil:
		switch {
		case d.asking > 0:
			d.early[n.Grant] = n
		case !n.Revoked:
			d.deny(n.Grant)
		}
		if n.Revoked {
			delete(d.leaving, n.Grant)
		}
	case n.Revoked:
		in := h.grant.Instance
		d.ended.add(Change{ID: in.ID, Agent: in.Agent, State: Gone, Reason: n.Reason, Err: n.Err})
		for _, l := range h.leases {
			l.revoked()
		}
		d.remove(h)
		d.close(h)
		d.logs.gone(in.ID)
		d.ask(h.key)
	default:
		h.recalled = true
		h.file()
		if len(h.leases) == 0 {
			d.giveBack(h)
		}
	}
}

// succeeded takes that /init has succeeded.
func (d *Dispatcher) succeeded(l *Lease) {
	d.mu.Lock()
	defer d.mu.Unlock()
	h := d.containerOf(l)
	if h == nil {
		return
	}
	h.initialised = true
	d.report.Initialised = append(d.report.Initialised, h.grant.GrantID)
	signal(d.more)
	h.file()
	d.serve(h.key)
}

// containerOf returns the container of a lease that is not over, or nil.
func (d *Dispatcher) containerOf(l *Lease) *heldContainer {
	id := l.granted.id
	if h := d.held[id]; h != nil && slices.Contains(h.leases, l) {
		return h
	}
	return nil
}

// release takes a lease back: when there is room for the logs of more activations, if the container is used again.
func (d *Dispatcher) release(l *Lease) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if room := l.room; room != nil && l.outcome == reuse && d.over == nil {
		d.work.Go(func() {
			select {
			case <-room:
			case <-d.stopped:
			}
			d.mu.Lock()
			defer d.mu.Unlock()
			d.free(l, reuse)
		})
		return
	}
	d.free(l, l.outcome)
}

// free takes a lease back. The mutex is held.
func (d *Dispatcher) free(l *Lease, o outcome) {
	h := d.containerOf(l)
	if h == nil {
		return // it was revoked, or the session is over
	}
	h.leases = slices.DeleteFunc(h.leases, func(other *Lease) bool { return other == l })
	h.used = time.Now()
	if h.outcome == reuse {
		h.outcome = o
	}
	h.file()
	if len(h.leases) == 0 && (h.recalled || h.outcome != reuse) {
		d.giveBack(h)
	}
	d.serve(h.key)
}

// look gives back what is not used, and lets go of everything when the session is over.
func (d *Dispatcher) look(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.expire(now)
	for _, k := range d.keys {
		for _, h := range slices.Clone(k.free) { // the one used last is at the end
			unused := now.Sub(h.used)
			if len(h.leases) == 0 && (unused >= keepLast || unused >= keepHeld && k.held > 1) {
				d.giveBack(h)
			}
		}
	}
}
