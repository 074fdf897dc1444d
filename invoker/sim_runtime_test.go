package invoker

import (
	"errors"
	"time"
)

// simRuntime is what runs in a container. It knows what it was given, and finds out what must never come.
type simRuntime struct {
	key    *Key // that got /init
	inited bool // and it has succeeded
	active int
}

// simAnswer is how a request to a runtime ends.
type simAnswer int

const (
	answerFine simAnswer = iota
	answerFailed
	answerBroke   // the connection
	answerRefused // nothing was sent
)

// send brings a request to the container and calls back in the end, unless the sender dies first. Nothing takes longer than the
// timeout of the action: then the sender gives up.
func (c *simContainer) send(a *simActivation, init bool, from sender, answer func(simAnswer)) {
	w := c.w
	w.book.checkSend(c, from.lease, from.session)
	w.within(from.transit+maxTransit, func() {
		w.after(from.transit, func() {
			if !c.answers() {
				answer(answerRefused)
				return
			}
			if init {
				c.init(a, answer)
			} else {
				c.run(a, answer)
			}
		})
	})
}

// maxTransit is less than the margin of leases: what is sent under one arrives before it is over at the pool.
const maxTransit = 50 * time.Millisecond

// sender is who sends, by which grant, and how long it takes to arrive.
type sender struct {
	session session
	lease   GrantID
	transit time.Duration
}

// init is POST /init.
func (c *simContainer) init(a *simActivation, answer func(simAnswer)) {
	w, r := c.w, &c.runtime
	switch {
	case r.key != nil && *r.key != a.key.Key:
		w.violate("I1", "%s belongs to %v and gets /init for %v", c.id, *r.key, a.key.Key)
	case r.key != nil:
		w.violate("init", "%s gets /init twice", c.id)
	}
	key := a.key.Key
	r.key = &key
	took := w.between(time.Millisecond, 300*time.Millisecond)
	fails := w.fault(actionsFail, 60)
	if w.fault(actionsFail, 30) {
		took, fails = a.key.timeout, true
	}
	w.within(a.key.timeout, func() {
		w.after(took, func() {
			switch {
			case !c.running:
				answer(answerBroke)
			case fails:
				answer(answerFailed)
			default:
				r.inited = true
				answer(answerFine)
			}
		})
	})
}

// run is POST /run.
func (c *simContainer) run(a *simActivation, answer func(simAnswer)) {
	w, r := c.w, &c.runtime
	w.sent[a.number]++
	switch {
	case w.sent[a.number] > 1:
		w.violate("I5", "activation %d is sent twice", a.number)
	case r.key == nil || !r.inited:
		w.violate("init", "%s gets /run before /init has succeeded", c.id)
	case *r.key != a.key.Key:
		w.violate("I1", "%s belongs to %v and gets /run for %v", c.id, *r.key, a.key.Key)
	case r.active >= a.key.Concurrency:
		w.violate("I2", "%s runs %d activations at once", c.id, r.active+1)
	}
	r.active++
	took := w.between(time.Millisecond, 800*time.Millisecond)
	fails := w.fault(actionsFail, 50)
	if w.fault(actionsFail, 50) {
		took, fails = a.key.timeout, true
	}
	if a.key.poison && w.fault(containerDies, 800) || w.fault(containerDies, 20) {
		w.after(w.between(0, took), func() { c.die(ErrMemory) })
	}
	w.within(a.key.timeout, func() {
		w.after(took, func() {
			r.active--
			switch {
			case !c.running:
				answer(answerBroke)
			case fails:
				answer(answerFailed)
			default:
				w.served++
				answer(answerFine)
			}
		})
	})
}

// simActivation is something that is to run once.
type simActivation struct {
	number int
	key    simKey
	gone   bool // its caller has left
}

// waits is a caller that the machine has been asked by.
type waits interface {
	granted(*grant)
	refused()
}

// simCaller is a caller in the leader's process.
type simCaller struct {
	w     *simWorld
	a     *simActivation
	ref   ref
	grant *grant
}

// invoke begins an activation in the leader's process.
func (w *simWorld) invoke() {
	w.calls++
	c := &simCaller{w: w, a: &simActivation{number: w.calls, key: w.scene.keys[w.random.IntN(len(w.scene.keys))]}}
	c.ask()
	patience := time.Minute
	if w.fault(callersLeave, 300) {
		patience = w.between(0, 2*time.Second)
	}
	w.inLeader(patience, func() {
		if c.a.gone = true; c.grant == nil && w.book.callers[c.ref] != nil {
			delete(w.book.callers, c.ref)
			w.step(cancel{ref: c.ref})
		}
	})
}

// ask asks for a container.
func (c *simCaller) ask() {
	w := c.w
	if c.a.gone {
		return
	}
	w.refs++
	c.ref, c.grant = w.refs, nil
	w.book.callers[c.ref] = c
	k := c.a.key
	w.step(acquire{ref: c.ref, key: k.Key, timeout: k.timeout})
}

func (c *simCaller) refused() { c.w.refused++ }

func (c *simCaller) granted(g *grant) {
	copied := *g
	c.grant = &copied
	c.w.inLeader(c.w.between(0, 2*time.Millisecond), c.use)
}

// use sends what is to be sent.
func (c *simCaller) use() {
	w, g := c.w, c.grant
	switch {
	case !w.book.granted(g.id): // it was revoked, and nothing was sent
		c.ask()
	case c.a.gone || w.fault(callersLeave, 50):
		c.release(reuse)
	case g.init:
		w.engine.byID[g.id.Container].send(c.a, true, sender{lease: g.id}, c.here(c.inited))
	default:
		c.run()
	}
}

// here has the answer arrive only if the process still lives.
func (c *simCaller) here(then func(simAnswer)) func(simAnswer) {
	run := c.w.run
	return func(answer simAnswer) {
		if run == c.w.run {
			c.w.inLeader(0, func() { then(answer) })
		}
	}
}

func (c *simCaller) inited(answer simAnswer) {
	w := c.w
	switch {
	case !w.book.granted(c.grant.id): // revoked: only /init was sent
		c.ask()
	case answer == answerFine:
		w.step(initialised{grant: c.grant.id})
		if w.broken == nil && w.leading && w.book.granted(c.grant.id) {
			c.run()
		}
	default:
		c.ended(answer)
	}
}

func (c *simCaller) run() {
	c.w.engine.byID[c.grant.id.Container].send(c.a, false, sender{lease: c.grant.id}, c.here(c.ended))
}

// ended releases the container as the answer says, and looks for another one if nothing was sent.
func (c *simCaller) ended(answer simAnswer) {
	outcome := simOutcome(c.w, answer)
	c.release(outcome)
	again := answer == answerRefused || answer == answerBroke && c.w.mutation.sendAgain
	if again && c.w.leading {
		c.ask()
	}
}

// simOutcome returns what a holder says of a container after an answer.
func simOutcome(w *simWorld, answer simAnswer) outcome {
	switch answer {
	case answerFine:
		return reuse
	case answerRefused:
		return dead
	case answerBroke:
		return crashed
	}
	return discard
}

func (c *simCaller) release(o outcome) {
	c.w.step(release{grant: c.grant.id, outcome: o})
}

var errSimEnded = errors.New("exited")
