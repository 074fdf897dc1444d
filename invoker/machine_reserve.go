package invoker

import "time"

// reserve has so many containers of a key be kept, however long they are idle, and whoever needs room. It starts none: whoever
// reserves acquires as many, initialises them and releases them.
func (m *machine) reserve(now time.Time, in reserve) {
	k := m.keyOf(in.key)
	k.reserve = in.n
	for _, c := range m.inOrder() {
		if c.reserved && c.key == k && k.reserved > in.n {
			m.unreserve(c)
			if due(m.due(c), now) {
				m.fire(now, c)
			}
			m.arm(c)
		}
	}
	m.keepReserved(k)
	m.tidyKey(k)
	m.unsettled = true
}

// keepReserved reserves as many of the containers of a key as are to be, as far as there are.
func (m *machine) keepReserved(k *keyState) {
	if k.reserved >= k.reserve {
		return
	}
	for _, c := range m.inOrder() {
		if c.key == k && k.reserved < k.reserve {
			m.reserveContainer(c)
		}
	}
}

// reserveContainer makes a container one of those that are reserved for its key, if it can be used again and one is missing.
func (m *machine) reserveContainer(c *container) {
	k := c.key
	if c.reserved || c.retired || k.reserved >= k.reserve || c.state == StateMarked || c.state == StateRemoving || c.state == StateGone {
		return
	}
	c.reserved = true
	k.reserved++
	m.reindex(c)
}

// unreserve makes it none of them.
func (m *machine) unreserve(c *container) {
	if c.reserved {
		c.reserved = false
		c.key.reserved--
		m.reindex(c)
	}
}
