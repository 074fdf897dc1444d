package invoker

import (
	"slices"
	"time"
)

// supply has containers come for those who wait for a key, as far as this needs no start: marked ones are revived, suspended
// ones resumed, stem cells bound, and other processes asked for theirs.
func (m *machine) supply(now time.Time, k *keyState) {
	for m.listed && k.need > 0 && m.supplyOne(now, k) {
	}
	if k.need == 0 || !m.listed {
		return
	}
	for n, c := k.need-k.recalled.size, k.remote.tail; n > 0 && c != nil; {
		older := c.previous
		if c.slots[0].session != k.waiters.head.session {
			m.recall(c)
			n--
		}
		c = older
	}
	m.unsettled = true
}

// supplyOne has one container come, if there is one.
func (m *machine) supplyOne(now time.Time, k *keyState) bool {
	s := k.shape
	switch {
	case k.marked.head != nil:
		m.revive(now, k.marked.head)
	case k.suspended.head != nil:
		m.resume(k.suspended.head)
	case m.store.paused():
		return false
	case s.stems.head != nil:
		m.bind(now, oldestOnFullest(&s.stems), k, Prewarmed)
	case s.marked.head != nil:
		c := s.marked.head
		m.unmark(now, c)
		m.bind(now, c, k, Prewarmed)
	default:
		return false
	}
	return true
}

// oldestOnFullest returns the stem cell to use first, as far as it looks.
func oldestOnFullest(l *containerList) *container {
	best, n := l.tail, 0
	for c := l.tail; c != nil && n < reuseScan; c, n = c.previous, n+1 {
		if c.agent.used > best.agent.used {
			best = c
		}
	}
	return best
}

// supplyAll tries again for everybody who waits, after a time in which nothing could be bound.
func (m *machine) supplyAll(now time.Time) {
	for s := range m.allShapes {
		for s.need > 0 && (s.stems.head != nil || s.marked.head != nil) && !m.store.paused() {
			k, _ := s.unmet.first()
			m.supply(now, k)
		}
	}
	m.unsettled = true
}

// recall asks another process for a container.
func (m *machine) recall(c *container) {
	c.recalled = true
	m.reindex(c)
	m.emit(recall{session: c.slots[0].session, grant: GrantID{Container: c.id, Number: c.slots[0].number}})
}

// updateNeed takes into account that the waiters of a key, or what comes for them, have changed.
func (m *machine) updateNeed(k *keyState) {
	s, need := k.shape, k.missing()
	s.need += need - k.need
	k.need = need
	if need > 0 {
		k.lacks = k.firstLacking()
		s.unmet.put(k)
	} else {
		s.unmet.remove(k)
	}
	m.updateLack(s)
}

// updateLack takes into account that the need of a shape, or its starts, have changed.
func (m *machine) updateLack(s *shapeState) {
	lack, ahead := s.lack(), max(0, s.starting-s.need)
	s.size.lack += lack - s.lacking
	m.ahead += ahead - s.ahead
	s.lacking, s.ahead = lack, ahead
	m.updateStartable(s.size)
}

// updateStartable takes into account that the lack of a size has changed, or whether there is room.
func (m *machine) updateStartable(z *sizeState) {
	if startable := z.lack > 0 && !z.full; startable != z.startable {
		z.startable = startable
		m.startable += change(startable)
	}
}

// keyOf returns the state of a key.
func (m *machine) keyOf(key Key) *keyState {
	key.Concurrency = max(1, key.Concurrency)
	k := m.keys[key]
	if k == nil {
		k = &keyState{Key: key, shape: m.shapeOf(key.Shape)}
		k.guard.key, k.guard.shape = k, k.shape
		k.shape.keys++
		m.keys[key] = k
	}
	return k
}

// maxUnusedKeys is how many unused keys are remembered, for the idle times of their containers.
const maxUnusedKeys = 10_000

// tidyKey counts a key as unused if it has no container, waiter or reservation, and forgets the keys that have been unused longest
// if there are too many.
func (m *machine) tidyKey(k *keyState) {
	unused := k.bound == 0 && k.waiters.size == 0 && k.reserve == 0
	switch {
	case unused && k.unused == nil:
		k.unused = m.unusedKeys.PushBack(k)
	case !unused && k.unused != nil:
		m.unusedKeys.Remove(k.unused)
		k.unused = nil
	}
	for m.unusedKeys.Len() > maxUnusedKeys {
		oldest := m.unusedKeys.Remove(m.unusedKeys.Front()).(*keyState)
		delete(m.keys, oldest.Key)
		m.guards.remove(&oldest.guard)
		oldest.shape.keys--
		m.tidyShape(oldest.shape)
	}
}

// tidyShape forgets a shape that has no key, container or configured stem cells.
func (m *machine) tidyShape(s *shapeState) {
	if s.keys > 0 || s.containers > 0 || s.cells != (StemCells{}) {
		return
	}
	delete(m.shapes, s.Shape)
	m.guards.remove(&s.guard)
	m.shapeOrder.Remove(s.order)
	if s.size.shapes--; s.size.shapes == 0 {
		m.sizes = slices.DeleteFunc(m.sizes, func(z *sizeState) bool { return z == s.size })
	}
}

// shapeOf returns the state of a shape.
func (m *machine) shapeOf(shape Shape) *shapeState {
	s := m.shapes[shape]
	if s == nil {
		s = &shapeState{Shape: shape, size: m.sizeOf(shape.Memory)}
		s.guard.shape = s
		s.size.shapes++
		m.shapes[shape] = s
		s.order = m.shapeOrder.PushBack(s)
	}
	return s
}

// allShapes yields all shapes in the order in which they became known. One that is yielded may be forgotten meanwhile.
func (m *machine) allShapes(yield func(*shapeState) bool) {
	for e := m.shapeOrder.Front(); e != nil; {
		s := e.Value.(*shapeState)
		if e = e.Next(); !yield(s) {
			return
		}
	}
}

// sizeOf returns the state of a size.
func (m *machine) sizeOf(memory int) *sizeState {
	i, found := slices.BinarySearchFunc(m.sizes, memory, func(z *sizeState, memory int) int { return z.memory - memory })
	if !found {
		m.sizes = slices.Insert(m.sizes, i, &sizeState{memory: memory})
	}
	return m.sizes[i]
}
