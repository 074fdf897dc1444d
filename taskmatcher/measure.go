package taskmatcher

// measure is a scalar resource that rooms are compared by: what is not revocable, or all of it.
type measure struct {
	kind      int
	revocable bool
}

// left gives what a room has left.
func (m *match) left(at int32, by measure) thousandths {
	firm, revocable := m.amount(at, by.kind)
	if by.revocable {
		return firm + revocable
	}
	return firm
}

// order is all rooms by what they offered of something, and then in the cluster's order.
type order struct {
	rooms   []int32
	amounts []thousandths
}

// orderBy makes the order. That must be before anything is placed.
func (m *match) orderBy(by measure) *order {
	if known := m.orders[by]; known != nil {
		return known
	}
	sorted := make([]numbered, len(m.rooms))
	for at := range sorted {
		sorted[at] = numbered{uint64(m.left(int32(at), by)), int32(at)}
	}
	sortNumbered(sorted)
	o := &order{rooms: make([]int32, len(sorted)), amounts: make([]thousandths, len(sorted))}
	for i, k := range sorted {
		o.rooms[i], o.amounts[i] = k.at, thousandths(k.by)
	}
	m.orders[by] = o
	return o
}

// total gives what all rooms offer together.
func (m *match) total(by measure) float64 {
	sum, known := m.totals[by]
	if !known {
		for at := range m.rooms {
			sum += float64(m.left(int32(at), by))
		}
		m.totals[by] = sum
	}
	return sum
}

// choosesBy finds the scalar of which a shape wants the largest share of what all rooms offer. A task that
// wants ports alone goes by memory.
func (m *match) choosesBy(s *shape) {
	s.measure = measure{mem, s.spec.Revocable}
	largest := -1.0
	for _, n := range s.needs {
		by := measure{n.kind, s.spec.Revocable}
		if share := float64(n.amount) / m.total(by); share > largest {
			largest, s.measure, s.wanted = share, by, n.amount
		}
	}
	s.order = m.orderBy(s.measure)
}
