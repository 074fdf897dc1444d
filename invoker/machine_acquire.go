package invoker

import (
	"fmt"
	"slices"
	"time"
)

// reuseScan is how many of the idle containers of a key are compared for the fullest agent.
const reuseScan = 32

// acquire gives the caller a container that is idle, or lets it wait.
func (m *machine) acquire(now time.Time, in *acquire) {
	if in.session != 0 && m.session(now, in.session) == nil {
		m.emit(refuse{ref: in.ref, err: ErrSession})
		return
	}
	k := m.keyOf(in.key)
	k.timeout = max(k.timeout, in.timeout) // what runs already may have been given more
	if c := pick(k, in.session); c != nil {
		m.grant(now, c, in.ref, in.session)
		return
	}
	if err := m.admit(k); err != nil {
		m.emit(refuse{ref: in.ref, err: err})
		m.tidyKey(k)
		return
	}
	if k.bound == 0 && k.waiters.size == 0 && !k.used.IsZero() {
		k.idle.Add(now.Sub(k.used)) // it was kept too short a time
	}
	m.waited++
	w := &waiter{ref: in.ref, session: in.session, key: k, number: m.waited, since: now}
	m.waiters[w.ref] = w
	k.waiters.add(w)
	m.queue.add(w)
	m.tidyKey(k)
	m.updateNeed(k)
	m.supply(now, k)
}

// pick returns the idle container for a session: the most recently used one on the agent that has most of ours, so that those
// at the tail become old together, and whole agents empty. Containers with room for more are filled first.
func pick(k *keyState, s session) *container {
	var best *container
	n := 0
	for c := k.open.head; c != nil && n < reuseScan; c = c.next {
		if s != 0 && c.held() {
			continue // another process gets a whole one
		}
		if best == nil || c.held() && !best.held() || c.held() == best.held() && c.agent.used > best.agent.used {
			best = c
		}
		n++
	}
	return best
}

// admit returns why a caller who would have to wait must not.
func (m *machine) admit(k *keyState) error {
	full := &CapacityError{Used: m.used, Limit: m.settings.Memory, Waiting: len(m.waiters)}
	if limit := m.settings.Memory; limit > 0 && k.Memory > limit {
		full.Reason = fmt.Sprintf("a container of %d MiB is larger than the pool", k.Memory)
		return full
	}
	if len(m.waiters) >= m.settings.MaxWaiting {
		full.Reason, full.RetryAfter = "too many callers wait", retryAfter
		return full
	}
	return k.broken()
}

// retryAfter is when a caller who is refused had better come again.
const retryAfter = time.Second

// cancel forgets a caller that waits. Whatever was started because of it goes to others.
func (m *machine) cancel(r ref) {
	if w := m.waiters[r]; w != nil {
		m.removeWaiter(w)
		m.unsettled = true // who was behind it may be the first now
	}
}

// removeWaiter takes a caller out of the queue.
func (m *machine) removeWaiter(w *waiter) {
	delete(m.waiters, w.ref)
	w.key.waiters.remove(w)
	m.queue.remove(w)
	m.updateNeed(w.key)
	m.tidyKey(w.key)
}

// refuseWaiter refuses a caller that waits.
func (m *machine) refuseWaiter(w *waiter, err error) {
	m.removeWaiter(w)
	m.emit(refuse{ref: w.ref, err: err})
}

// grant gives a slot of an idle container, or all of it to another process.
func (m *machine) grant(now time.Time, c *container, r ref, s session) {
	m.grants++
	kind := Warm
	if !c.initialised {
		kind = c.start
	}
	m.started[kind]++
	if !c.held() && !c.released.IsZero() {
		c.key.idle.Add(now.Sub(c.released))
	}
	c.slots = append(c.slots, slot{number: m.grants, session: s})
	c.state, c.recalled = StateBusy, false
	m.reindex(c)
	m.granted = append(m.granted, grant{
		ref: r, id: GrantID{Container: c.id, Number: m.grants}, to: c.instance, start: kind, init: !c.initialised,
	})
	m.emit(&m.granted[len(m.granted)-1])
	if c.limit < c.key.timeout { // after a crash it may run something for so long
		m.emit(note{record: c.record(m.term)})
	}
	if s == 0 {
		return
	}
	m.notify(now, EventGranted, c, "")
	if c.key.need > 0 {
		m.recall(c) // others wait: it is to come back as soon as it is not used
	}
}

// release takes a slot back.
func (m *machine) release(now time.Time, in *release) {
	c := m.containers[in.grant.Container]
	if c == nil || !c.holds(in.grant.Number) {
		return // it was revoked
	}
	remote := c.remote()
	c.slots = slices.DeleteFunc(c.slots, func(s slot) bool { return s.number == in.grant.Number })
	c.used, c.released, c.key.used = now, now, now
	if remote {
		m.notify(now, EventRevoked, c, "its holder has released it")
	}
	switch in.outcome {
	case discard:
		m.retire(c, "its last activation forbids to use it again")
	case dead:
		m.retire(c, "it does not answer")
	case crashed:
		m.retire(c, "it ended while it served")
		m.guardFailed(now, &c.key.guard, c)
	default:
		m.guardSucceeded(now, &c.key.guard, c)
	}
	m.vacated(now, c)
}

// retire has a container removed as soon as nobody holds it. The first reason counts.
func (m *machine) retire(c *container, reason string) {
	if !c.retired {
		c.retired, c.reason = true, reason
	}
}

// vacated decides what becomes of a container after a grant of it has ended.
func (m *machine) vacated(now time.Time, c *container) {
	if !c.held() {
		c.recalled = false
		if c.retired {
			m.remove(now, c, c.reason)
			return
		}
		c.state = StateIdle
	}
	if c.inList == &c.key.open {
		c.inList.remove(c) // it is the most recently used one now
	}
	m.reindex(c)
	m.serve(now, c)
	m.arm(c)
	if c.state == StateIdle {
		m.markIfDraining(now, c)
	}
}

// serve gives what is free of a container to those who wait for its key, in order.
func (m *machine) serve(now time.Time, c *container) {
	for w := c.key.waiters.head; w != nil && c.hasRoom(); {
		next := c.key.waiters.next(w)
		if w.session == 0 || !c.held() {
			m.removeWaiter(w)
			m.grant(now, c, w.ref, w.session)
		}
		w = next
	}
}
