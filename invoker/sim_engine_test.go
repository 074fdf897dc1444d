package invoker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// simEngine is an engine with agents of limited memory. It outlives the leaders.
type simEngine struct {
	w          *simWorld
	agents     []*simAgent
	joined     int             // agents, ever
	containers []*simContainer // that run or may run once, in the order of their creation
	byID       map[string]*simContainer
	listings   int       // under way, of this leader
	lastChange time.Time // when the last change arrives that was told of
}

// simAgent is a machine.
type simAgent struct {
	id                         string
	memory, used               int // MiB
	unreachable, gone, drained bool
}

// simContainer is a container, from the command create on.
type simContainer struct {
	w         *simWorld
	id        string
	spec      Spec
	agent     *simAgent
	instance  Instance
	placed    bool // its memory is taken on the agent
	running   bool
	ended     bool // or will never run
	suspended bool
	strayed   time.Time // since when the pool does not know it, though it runs
	hangs     bool
	runtime   simRuntime
}

var errSim = errors.New("simulated")

func newSimEngine(w *simWorld) *simEngine {
	e := &simEngine{w: w, byID: map[string]*simContainer{}}
	for range w.scene.agents {
		e.join()
	}
	return e
}

// join adds an agent.
func (e *simEngine) join() {
	e.joined++
	e.agents = append(e.agents, &simAgent{id: fmt.Sprintf("agent%d", e.joined), memory: e.w.scene.memory})
}

// create carries out the command.
func (e *simEngine) create(id string, spec Spec) {
	w := e.w
	if e.byID[id] != nil {
		w.violate("I3", "the ID %s is used twice", id)
		return
	}
	c := &simContainer{w: w, id: id, spec: spec, agent: e.place(spec)}
	e.containers, e.byID[id] = append(e.containers, c), c
	w.book.creates[id] = func(err error) {
		delete(w.book.creates, id)
		w.book.answers[id] = true
		w.tell(0, created{id: id, instance: c.instance, err: err})
	}
	if c.agent == nil {
		c.end()
		e.createEnds(c, w.between(time.Millisecond, 50*time.Millisecond), ErrNoCapacity)
		return
	}
	c.take()
	took := w.between(20*time.Millisecond, 400*time.Millisecond)
	if w.fault(createLate, 50) {
		took = w.between(time.Second, 40*time.Second)
	}
	switch {
	case w.fault(createFails, 100):
		errs := []error{ErrImage, ErrStart, ErrUnavailable, ErrNoCapacity}
		err := errs[w.random.IntN(len(errs))]
		w.after(took, c.fail)
		e.createEnds(c, took, err)
	case w.fault(createLost, 40): // the engine gives up, but the container comes alive all the same
		e.createEnds(c, 45*time.Second, context.DeadlineExceeded)
		w.after(45*time.Second+w.between(0, 20*time.Second), c.start)
	default:
		w.inLane(id, func() {
			w.after(took, c.start)
			if w.fault(changesLate, 200) {
				took += w.between(0, 2*time.Second)
			}
			e.createEnds(c, took, nil)
		})
	}
}

// createEnds answers the command create after d, unless it was cancelled before.
func (e *simEngine) createEnds(c *simContainer, d time.Duration, err error) {
	e.w.inLeader(d, func() {
		answer := e.w.book.creates[c.id]
		if answer == nil {
			return
		}
		if err == nil && c.instance.ID == "" {
			err = ErrUnavailable // it was destroyed meanwhile, or its agent is gone
		}
		if err != nil {
			err = fmt.Errorf("%w: %w", err, errSim)
		}
		answer(err)
	})
}

// place returns the agent with the least room that suffices, or nil.
func (e *simEngine) place(spec Spec) *simAgent {
	var best *simAgent
	for _, a := range e.agents {
		free := a.memory - a.used
		if a.gone || a.unreachable || a.drained || free < spec.Memory || slices.Contains(spec.Avoid, a.id) {
			continue
		}
		if best == nil || free < best.memory-best.used {
			best = a
		}
	}
	return best
}

// take books the memory of the container on its agent.
func (c *simContainer) take() {
	c.placed = true
	c.agent.used += c.spec.Memory
}

// start lets a container run that has not been destroyed yet.
func (c *simContainer) start() {
	w := c.w
	if c.ended || c.running {
		return
	}
	c.running = true
	c.instance = Instance{
		ID: c.id, Incarnation: fmt.Sprintf("%s/%d", c.id, w.number), Agent: c.agent.id, Address: c.id + ":8080",
		Labels: c.spec.Labels, Started: w.now,
	}
	c.hangs = w.fault(runtimeHangs, 40)
	if w.fault(containerDies, 150) {
		w.after(w.between(0, 40*time.Second), func() { c.die(errSimEnded) })
	}
}

// fail ends a container that has not run.
func (c *simContainer) fail() {
	if !c.running {
		c.end()
	}
}

// die ends a container by itself, and tells of it.
func (c *simContainer) die(err error) {
	if !c.running {
		return
	}
	c.end()
	c.w.engine.tellLater(Change{ID: c.id, Agent: c.agent.id, State: Gone, Reason: "it ended", Err: err})
}

// end ends a container for good.
func (c *simContainer) end() {
	if c.ended {
		return
	}
	c.running, c.ended = false, true
	e := c.w.engine
	e.containers = slices.DeleteFunc(slices.Clone(e.containers), func(other *simContainer) bool { return other == c })
	if c.placed {
		c.placed = false
		c.agent.used -= c.spec.Memory
	}
}

// answers reports whether a connection to the container is accepted, by somebody who can reach its agent.
func (c *simContainer) answers() bool { return c.running && !c.agent.unreachable && !c.suspended }

// probe carries out the command.
func (e *simEngine) probe(in Instance, ping bool) {
	w := e.w
	limit := 10 * time.Second
	if ping {
		limit = time.Second
	}
	took := w.between(time.Millisecond, 80*time.Millisecond)
	c := e.byID[in.ID]
	w.book.probes[in.ID]++
	w.inLeader(took, func() {
		switch {
		case c.answers() && !c.hangs && c.instance.Incarnation == in.Incarnation:
			w.tell(0, probed{id: in.ID})
		default:
			w.tell(limit-took, probed{id: in.ID, err: errSim})
		}
	})
}

// destroy carries out the command.
func (e *simEngine) destroy(id string) {
	w := e.w
	w.book.destroys[id]++
	took := w.between(5*time.Millisecond, 150*time.Millisecond)
	if w.fault(destroyLate, 150) {
		took = w.between(time.Second, 9*time.Second)
	}
	fails := w.fault(destroyFails, 200)
	run, c := w.run, e.byID[id]
	w.after(took, func() {
		if run != w.run && w.random.IntN(2) == 0 {
			return // the leader died before it was sent
		}
		switch {
		case c == nil:
		case c.agent != nil && c.agent.unreachable:
			fails = true
		case !fails || w.random.IntN(2) == 0:
			was := c.running
			c.end()
			if was && w.random.IntN(2) == 0 { // engines may tell of these too
				e.tellLater(Change{ID: id, Agent: c.agent.id, State: Gone, Reason: "it was destroyed"})
			}
		}
		if run != w.run {
			return
		}
		err := error(nil)
		if fails {
			err = errSim
		}
		w.inLeader(0, func() {
			if cancel := w.book.creates[id]; cancel != nil && !fails { // a container is certainly gone only when nobody starts it
				cancel(fmt.Errorf("%w: %w", context.Canceled, errSim))
			}
			w.tell(0, destroyed{id: id, err: err})
		})
	})
}

// suspend carries out suspend, or resume.
func (e *simEngine) suspend(id string, on bool) {
	w := e.w
	w.book.freezes[id]++
	fails := w.fault(suspendFails, 200)
	w.inLeader(w.between(time.Millisecond, 30*time.Millisecond), func() {
		c := e.byID[id]
		fails = fails || c == nil || !c.running || c.agent.unreachable
		if !fails {
			c.suspended = on
		}
		err := error(nil)
		if fails {
			err = errSim
		}
		if on {
			w.tell(0, suspended{id: id, err: err})
		} else {
			w.tell(0, resumed{id: id, err: err})
		}
	})
}

// list carries out the command: what it sees, and what is on record, is of some moment before the answer comes.
func (e *simEngine) list() {
	w := e.w
	e.listings++
	first := !w.book.adopted
	w.inLeader(w.between(0, 20*time.Millisecond), func() {
		in := listed{}
		for _, c := range e.containers {
			if c.running {
				in.instances = append(in.instances, c.instance)
				c.suspended = c.suspended && !first // what is adopted is resumed before
			}
		}
		if first {
			in.records = w.store.all(in.instances)
		}
		if w.fault(listFails, 300) {
			in = listed{err: errSim}
		}
		w.inLeader(w.between(0, 30*time.Millisecond), func() {
			e.listings--
			w.step(in)
		})
	})
}

// tellLater brings a change to the leader, if nothing is lost on the way. Changes keep their order.
func (e *simEngine) tellLater(c Change) {
	w := e.w
	if w.book == nil || !w.leading {
		return // a listing will show it
	}
	if w.fault(changesLost, 200) {
		e.watched(Change{State: Lagged})
		for _, a := range e.agents {
			if a.unreachable {
				e.watched(Change{Agent: a.id, State: Unreachable, Reason: "it cannot be reached"})
			}
		}
		return
	}
	e.watched(c)
	if w.fault(changesDoubled, 200) {
		e.watched(c)
	}
}

// watched brings a change to the machine. Changes that come before the first listing are not watched for yet.
func (e *simEngine) watched(c Change) {
	w := e.w
	d := w.between(0, 20*time.Millisecond)
	if w.fault(changesLate, 300) {
		d = w.between(0, 3*time.Second)
	}
	if at := w.now.Add(d); at.After(e.lastChange) {
		e.lastChange = at
	}
	w.inLane("changes", func() {
		w.inLeader(e.lastChange.Sub(w.now), func() {
			if w.book.adopted {
				w.step(changed{change: c})
			}
		})
	})
}

// tellAgents tells what is free on the agents, again and again.
func (e *simEngine) tellAgents() {
	w := e.w
	w.inLeader(w.between(0, 6*time.Second), func() {
		var agents []Agent
		for _, a := range e.agents {
			if !a.gone && !a.unreachable {
				agents = append(agents, Agent{ID: a.id, Memory: a.memory, Draining: a.drained})
			}
		}
		w.step(agentsSeen{agents: agents})
		e.tellAgents()
	})
}

// disturb lets something happen to an agent.
func (e *simEngine) disturb() {
	w := e.w
	a := e.agents[w.random.IntN(len(e.agents))]
	switch {
	case w.leading && w.fault(operatorOrders, 200):
		w.order(a.id)
	case a.gone || a.unreachable || a.drained:
	case w.fault(agentUnreachable, 300):
		a.unreachable = true
		e.tellLater(Change{Agent: a.id, State: Unreachable, Reason: "it cannot be reached"})
		w.after(w.between(100*time.Millisecond, 20*time.Second), func() { e.reach(a) })
	case w.fault(agentGone, 150):
		e.lose(a)
	case w.fault(agentDrains, 150):
		a.drained = true
		e.tellLater(Change{Agent: a.id, State: Draining, Reason: "maintenance"})
		w.after(w.between(time.Second, 20*time.Second), func() {
			if !w.scene.lister || w.random.IntN(2) == 0 {
				e.lose(a)
			} else if !a.gone {
				a.drained = false
			}
		})
	}
}

// reach ends that an agent cannot be reached.
func (e *simEngine) reach(a *simAgent) {
	if a.unreachable && !a.gone {
		a.unreachable = false
		e.tellLater(Change{Agent: a.id, State: Reachable, Reason: "it is back"})
	}
}

// lose ends an agent and all that runs there. Another one comes.
func (e *simEngine) lose(a *simAgent) {
	if a.gone {
		return
	}
	a.gone = true
	for _, c := range e.containers {
		if c.agent == a {
			c.end()
		}
	}
	e.tellLater(Change{Agent: a.id, State: Gone, Reason: "it is gone"})
	e.agents = slices.DeleteFunc(e.agents, func(other *simAgent) bool { return other == a })
	e.join()
}

// leaderDied settles what becomes of the containers that were being created.
func (e *simEngine) leaderDied() {
	e.listings = 0
	for _, c := range e.containers {
		switch {
		case c.running || c.ended:
		case e.w.random.IntN(2) == 0:
			c.start()
		default:
			c.end()
		}
	}
}
