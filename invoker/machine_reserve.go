package invoker

import "time"

// reserve has so many containers of a key be kept, however long they are idle, and whoever needs room. It starts none: its owner
// acquires as many, initialises them and gives them back.
func (m *machine) reserve(now time.Time, in reserve) {
	k := m.keyOf(in.key)
	k.reserved = in.n
	for _, c := range m.inOrder() {
		if c.kept && c.key == k && k.kept > in.n {
			m.letGo(c)
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

// keepReserved has as many containers of a key be kept as are reserved, as far as there are.
func (m *machine) keepReserved(k *keyState) {
	if k.kept >= k.reserved {
		return
	}
	for _, c := range m.inOrder() {
		if c.key == k && k.kept < k.reserved {
			m.keep(c)
		}
	}
}

// keep has a container be kept, if it can be used again.
func (m *machine) keep(c *container) {
	k := c.key
	if c.kept || c.doomed || k.kept >= k.reserved || c.state == StateMarked || c.state == StateRemoving || c.state == StateGone {
		return
	}
	c.kept = true
	k.kept++
	m.file(c)
}

// letGo has a container not be kept any more.
func (m *machine) letGo(c *container) {
	if c.kept {
		c.kept = false
		c.key.kept--
		m.file(c)
	}
}
