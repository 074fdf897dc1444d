package invoker

import (
	"cmp"
	"slices"
	"time"
)

// reserveAfter is how long a caller waits for room before what becomes free is kept for it.
const reserveAfter = 2 * time.Second

// room is what the machine knows about memory besides what it counts.
type room struct {
	removing int // MiB of containers that are being removed
	remote   int // MiB of containers that other processes hold
	recalled int // MiB of those that they have been asked to release
	claimed  int // MiB of what is free soon that somebody waits for, in the current step
	// The engine had no room for so many MiB, although it looked as if it did: until then it is not asked for as much again, unless
	// a container goes. 0: it has not said so.
	tooMuch int
	look    time.Time
	full    []*sizeState // for which there is none, in the current step
	scarce  bool         // somebody who waits for a start lacked room, when this was last decided
}

// refused notes that the engine had no room.
func (r *room) refused(now time.Time, memory int) {
	if r.tooMuch == 0 || memory < r.tooMuch {
		r.tooMuch = memory
	}
	r.look = now.Add(retryDelay(0))
}

// forget has the engine be asked again.
func (r *room) forget() { r.tooMuch, r.look = 0, time.Time{} }

// startWanted starts containers for those who wait and for whom nothing comes, the oldest first, where there is room. Where there is
// not, it makes some; who has waited for room for a while is not overtaken any more.
func (m *machine) startWanted(now time.Time) {
	m.room.scarce = false
	if m.engine.paused() || m.store.paused() {
		return
	}
	m.beginClaims()
	m.rounds++
	var reserved *agentState
	for w := m.queue.head; w != nil && m.starting < m.settings.MaxStarts && m.startable > 0; w = m.queue.next(w) {
		if !m.needsStart(w) {
			continue
		}
		z := w.key.shape.size
		if a, ok := m.place(z.memory, reserved); ok {
			m.create(now, w.key.shape, a)
			continue
		}
		m.setFull(z)
		if largest, known := m.largestAgent(); known && largest < z.memory {
			continue // to make room would not help
		}
		first := !m.room.scarce
		m.room.scarce = true
		m.makeRoom(now, z)
		if first && now.Sub(w.since) >= reserveAfter {
			if m.limited(z.memory) || !m.agentsKnown {
				break
			}
			reserved = m.agentToReserve(z.memory)
		}
	}
	m.forgetFull()
}

// setFull notes that there is no room for a size at the moment.
func (m *machine) setFull(z *sizeState) {
	z.full = true
	m.room.full = append(m.room.full, z)
	m.updateStartable(z)
}

// forgetFull notes that there may be room again.
func (m *machine) forgetFull() {
	for _, z := range m.room.full {
		z.full = false
		m.updateStartable(z)
	}
	m.room.full = m.room.full[:0]
}

// needsStart reports whether nothing that comes anyway is for the next waiter of the queue, and whether a start for it may be tried.
func (m *machine) needsStart(w *waiter) bool {
	k, s := w.key, w.key.shape
	if k.need == 0 || k.round.take(m.rounds, k.coming, w.slots()) {
		return false
	}
	k.round.add(k.Concurrency) // of the container that it needs
	return !s.round.take(m.rounds, s.starting, 1) && s.lacking > 0 && !s.size.full
}

// place reports whether a container fits now, and where it is expected to be started: on the agent that it fills best. The agent is
// nil if agents are not known.
func (m *machine) place(memory int, avoid *agentState) (*agentState, bool) {
	if m.limited(memory) {
		return nil, false
	}
	if m.room.tooMuch > 0 && memory >= m.room.tooMuch {
		return nil, false
	}
	var best *agentState
	for _, a := range m.agentOrder {
		if a == avoid || !a.usable() || a.free() < memory {
			continue
		}
		if best == nil || best.emptying && !a.emptying || best.emptying == a.emptying && a.free() < best.free() {
			best = a
		}
	}
	return best, best != nil || !m.agentsKnown
}

// largestAgent returns how many MiB a container can have that has an agent for itself, if that is known.
func (m *machine) largestAgent() (memory int, known bool) {
	known = m.agentsKnown
	for _, a := range m.agentOrder {
		switch {
		case a.usable():
			memory = max(memory, a.memory)
		case !a.drains() && !a.unreachable && len(a.containers) > 0:
			known = false // an engine may not know an agent that is full
		}
	}
	return memory, known
}

// limited reports whether a container would exceed the memory of the pool.
func (m *machine) limited(memory int) bool {
	return m.settings.Memory > 0 && m.used+memory > m.settings.Memory
}

// beginClaims forgets what was claimed in earlier steps.
func (m *machine) beginClaims() {
	m.room.claimed = 0
	for _, a := range m.agentOrder {
		a.claimed = 0
	}
}

// makeRoom has containers removed for as many of those who wait for a size as may start now, unless enough are being removed.
func (m *machine) makeRoom(now time.Time, z *sizeState) {
	for range min(m.settings.MaxStarts-m.starting, z.lack) {
		if m.claim(z.memory) {
			continue
		}
		chosen := m.victims(now, z.memory)
		if len(chosen) == 0 {
			m.recallForRoom(z.memory)
			return
		}
		for _, c := range chosen {
			m.evict(now, c)
		}
		if !m.claim(z.memory) {
			return
		}
	}
}

// claim sets aside what becomes free soon, and reports whether it suffices.
func (m *machine) claim(memory int) bool {
	soon, running := m.room.removing-m.room.claimed, 0
	if limit := m.settings.Memory; limit > 0 && limit-m.used+soon < memory {
		return false
	}
	for _, a := range m.agentOrder {
		running += a.removing
		if a.usable() && a.free()+a.removing-a.claimed >= memory {
			a.claimed += memory
			m.room.claimed += memory
			return true
		}
	}
	unknown := m.settings.Memory == 0 || m.room.tooMuch > 0 // what the engine has besides
	if m.agentsKnown || unknown && running-m.room.claimed < memory {
		return false
	}
	m.room.claimed += memory
	return true
}

// evict removes a container that nobody holds, to make room.
func (m *machine) evict(now time.Time, c *container) {
	if c.key != nil {
		c.key.evicted++
	}
	const reason = "its memory is needed"
	if c.state != StateMarked {
		m.notify(now, EventMarked, c, reason)
	}
	m.remove(now, c, reason)
}

// agentToReserve returns the agent that has most of what a container needs, so that what becomes free there is kept for it. Nil:
// agents are not known, or none is large enough.
func (m *machine) agentToReserve(memory int) *agentState {
	var best *agentState
	for _, a := range m.agentOrder {
		if a.usable() && a.memory >= memory && (best == nil || a.free()+a.removing > best.free()+best.removing) {
			best = a
		}
	}
	return best
}

// recallForRoom asks other processes for what they have held longest, until it is enough.
func (m *machine) recallForRoom(memory int) {
	memory -= m.room.recalled
	if m.room.remote == 0 || memory <= 0 {
		return
	}
	remote := slices.DeleteFunc(m.inOrder(), func(c *container) bool { return c.key == nil || c.inList != &c.key.remote || c.key.private() })
	slices.SortFunc(remote, func(a, b *container) int { return cmp.Compare(a.slots[0].number, b.slots[0].number) })
	for _, c := range remote {
		if memory <= 0 {
			return
		}
		m.recall(c)
		memory -= c.shape.Memory
	}
}
