package taskmatcher

// dominantResource is the scalar resource by which BestFit compares candidates, for one class.
type dominantResource struct {
	kind      int
	revocable bool // revocable amounts are counted as well
}

// amountLeft returns how much a candidate has left of a resource.
func (m *match) amountLeft(at int32, d dominantResource) thousandths {
	free, revocable := m.amount(at, d.kind)
	if d.revocable {
		return free + revocable
	}
	return free
}

// offeredOrder is all candidates, sorted by how much they offered of a resource and then in the cluster's order.
type offeredOrder struct {
	candidates []int32
	amounts    []thousandths // of the candidates, in the same order
}

// orderByOffered returns the offeredOrder of a resource. It must first be called before anything is placed.
func (m *match) orderByOffered(d dominantResource) *offeredOrder {
	if known := m.offeredOrders[d]; known != nil {
		return known
	}
	items := make([]sortItem, len(m.allCandidates))
	for at := range items {
		items[at] = sortItem{uint64(m.amountLeft(int32(at), d)), int32(at)}
	}
	radixSort(items)
	o := &offeredOrder{candidates: make([]int32, len(items)), amounts: make([]thousandths, len(items))}
	for i, item := range items {
		o.candidates[i], o.amounts[i] = item.at, thousandths(item.by)
	}
	m.offeredOrders[d] = o
	return o
}

// totalOffered returns how much all candidates offer of a resource. It must first be called before anything is placed.
func (m *match) totalOffered(d dominantResource) float64 {
	sum, known := m.offeredTotals[d]
	if !known {
		for _, at := range m.allCandidates {
			sum += float64(m.amountLeft(at, d))
		}
		m.offeredTotals[d] = sum
	}
	return sum
}

// findDominant sets the dominant resource of a class: the one of which a task takes the largest share of all that is
// offered. For tasks that ask for ports alone it is memory.
func (m *match) findDominant(c *class) {
	c.dominant = dominantResource{mem, c.spec.Revocable}
	largest := -1.0
	for _, n := range c.needs {
		d := dominantResource{n.kind, c.spec.Revocable}
		if share := float64(n.amount) / m.totalOffered(d); share > largest {
			largest, c.dominant, c.dominantAmount = share, d, n.amount
		}
	}
	c.dominantOrder = m.orderByOffered(c.dominant)
}
