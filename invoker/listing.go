package invoker

import (
	"context"
	"iter"
	"slices"
	"sync"
	"time"
)

const (
	// listTimeout bounds a call of Instances: an engine may have to wait for the platform before it knows all containers.
	listTimeout = time.Minute
	// agentsTimeout bounds a call of Agents, and agentsEvery is how often it is made.
	agentsTimeout = 10 * time.Second
	agentsEvery   = 10 * time.Second
	// watchPause is the pause before an engine is watched again whose Watch has ended by itself.
	watchPause = time.Second
	// callsAtOnce is how many calls of the engine are made at once, where one is made for each container.
	callsAtOnce = 10
)

// memory is what a process without a store knows. It outlives a run.
type memory struct {
	run     uint64            // the number of the last one
	records map[string]record // of each container that it has started; of one that is not bound without a key
	orders  orders
}

// list lists all containers. The first listing has the records as well: that is what a run goes on with.
func (p *pool) list(ctx context.Context) {
	select {
	case <-p.watching: // or what changes in between would be missed
	case <-ctx.Done():
		return
	}
	instances, err := engineCall(ctx, listTimeout, p.engine.Instances, nil)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		p.log.WarnContext(ctx, "the containers cannot be listed", "error", err)
		p.input(listed{err: err})
		return
	}
	if !p.isKnown() {
		p.resumeAll(ctx, instances)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.isKnown() {
		p.step(listed{instances: instances})
		return
	}
	p.step(listed{instances: instances, records: p.recordsOf(instances)})
	close(p.known)
}

func (p *pool) isKnown() bool {
	select {
	case <-p.known:
		return true
	default:
		return false
	}
}

// recordsOf returns the records that a run begins with. Without a store nobody knows what a container was bound to that an
// earlier process has started: it gets a record without a key, with which it is destroyed. The mutex is held.
func (p *pool) recordsOf(instances []Instance) (records []record) {
	if p.store != nil {
		return p.loaded
	}
	for _, in := range instances {
		if r, ours := p.memory.records[in.ID]; !ours || r.Key != (Key{}) {
			r.ID = in.ID
			records = append(records, r)
		}
	}
	return records
}

// resumeAll resumes containers: nobody knows any more which ones were suspended.
func (p *pool) resumeAll(ctx context.Context, instances []Instance) {
	if _, able := p.engine.(Suspender); !able {
		return
	}
	forEach(instances, func(in Instance) {
		if err := p.suspending(ctx, func(ctx context.Context, s Suspender) error { return s.Resume(ctx, in.ID) }); err != nil {
			p.warn(ctx, "a container cannot be resumed", in.ID, err)
		}
	})
}

// forEach calls do for each container, callsAtOnce at once, and returns when all calls have returned.
func forEach(instances []Instance, do func(Instance)) {
	slots := make(chan struct{}, callsAtOnce)
	var all sync.WaitGroup
	for _, in := range instances {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			do(in)
		})
	}
	all.Wait()
}

// watch passes on what the engine tells of, once it is known which containers there are.
func (p *pool) watch(ctx context.Context) {
	for first := true; ctx.Err() == nil; first = false {
		_, err := call(ctx, "the engine", func(ctx context.Context) (none struct{}, err error) {
			changes := p.engine.Watch(ctx)
			if first {
				close(p.watching)
			} else {
				p.changed(Change{State: Lagged})
			}
			p.follow(ctx, changes)
			return none, nil
		}, nil)
		if ctx.Err() != nil {
			return
		}
		p.log.WarnContext(ctx, "the engine does not tell of changes any more: it is watched again", "error", err)
		select {
		case <-time.After(watchPause):
		case <-ctx.Done():
		}
	}
}

func (p *pool) follow(ctx context.Context, changes iter.Seq[Change]) {
	select {
	case <-p.known:
	case <-ctx.Done():
		return
	}
	for c := range changes {
		if ctx.Err() != nil {
			return
		}
		p.changed(c)
	}
}

// changed takes what the engine tells of.
func (p *pool) changed(c Change) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended.add(c)
	p.step(changed{c})
}

// lookAtAgents lists the agents now and then, if the engine knows them.
func (p *pool) lookAtAgents(ctx context.Context) {
	lister, able := p.engine.(AgentLister)
	if !able {
		return
	}
	again := time.NewTicker(agentsEvery)
	defer again.Stop()
	for {
		agents, err := engineCall(ctx, agentsTimeout, lister.Agents, nil)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			p.log.WarnContext(ctx, "the agents cannot be listed", "error", err)
		default:
			p.input(agentsSeen{agents})
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return
		}
	}
}

// endedKept is how many ends of containers are remembered, for callers whose connection has broken.
const endedKept = 256

// ended remembers the last containers and agents that do not run any more, or cannot be reached.
type ended struct {
	last []Change      // oldest first
	more chan struct{} // closed when another one is added; nil: nobody waits
}

func (e *ended) add(c Change) {
	switch c.State {
	case Unreachable:
		c.Err = ErrUnavailable
	case Reachable:
		e.last = slices.DeleteFunc(e.last, func(o Change) bool { return o.State == Unreachable && o.ID == c.ID && o.Agent == c.Agent })
		return
	case Lagged: // the engine tells again what cannot be reached
		e.last = slices.DeleteFunc(e.last, func(o Change) bool { return o.State == Unreachable })
		return
	case Gone:
	default:
		return
	}
	if len(e.last) == endedKept {
		e.last = append(e.last[:0], e.last[1:]...)
	}
	e.last = append(e.last, c)
	if e.more != nil {
		close(e.more)
		e.more = nil
	}
}

// of returns why a container does not run any more.
func (e *ended) of(in Instance) (c Change, found bool) {
	for _, c := range slices.Backward(e.last) {
		if c.ID == in.ID {
			return c, true
		}
		if c.ID == "" && c.Agent == in.Agent && c.Agent != "" {
			c.Err = ErrUnavailable
			return c, true
		}
	}
	return Change{}, false
}

// endTime is how long a caller whose connection has broken waits to be told why.
const endTime = time.Second

// whyEnded waits until the engine has said why a container ended whose connection broke. Not found: it did not, and may still run.
func (p *pool) whyEnded(ctx context.Context, in Instance) (c Change, found bool) {
	return p.ended.wait(ctx, &p.mu, in)
}

// wait waits until it is known why a container ended, for a while. It is called without the mutex that guards e.
func (e *ended) wait(ctx context.Context, mu *sync.Mutex, in Instance) (c Change, found bool) {
	timer := time.NewTimer(endTime)
	defer timer.Stop()
	for {
		mu.Lock()
		c, found = e.of(in)
		if e.more == nil {
			e.more = make(chan struct{})
		}
		more := e.more
		mu.Unlock()
		if found {
			return c, true
		}
		select {
		case <-more:
		case <-timer.C:
			return c, false
		case <-ctx.Done():
			return c, false
		}
	}
}
