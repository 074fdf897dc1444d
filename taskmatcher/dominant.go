package taskmatcher

import (
	"cmp"
	"slices"
)

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

// offeredOrder is all candidates, sorted by how much they offered of a resource and then in the cluster's order. For
// endless tasks those with planned maintenance come after all others, in the order of candidate.maintenance.
type offeredOrder struct {
	candidates   []int32
	amounts      []thousandths // of the candidates, in the same order
	unmaintained int           // so many candidates are before those with planned maintenance
}

type offeredOrderKey struct {
	dominantResource
	endless bool
}

// orderByOffered returns the offeredOrder of a resource. It must first be called before anything is placed.
func (m *match) orderByOffered(d dominantResource, endless bool) *offeredOrder {
	key := offeredOrderKey{d, endless && m.maintenances > 0}
	if known := m.offeredOrders[key]; known != nil {
		return known
	}
	items := make([]sortItem, len(m.allCandidates))
	for at := range items {
		items[at] = sortItem{uint64(m.amountLeft(int32(at), d)), int32(at)}
	}
	radixSort(items)
	if key.endless {
		slices.SortStableFunc(items, func(a, b sortItem) int {
			return cmp.Compare(m.candidates[a.at].maintenance, m.candidates[b.at].maintenance)
		})
	}
	o := &offeredOrder{candidates: make([]int32, len(items)), amounts: make([]thousandths, len(items)), unmaintained: len(items)}
	for i, item := range items {
		o.candidates[i], o.amounts[i] = item.at, thousandths(item.by)
		if key.endless && m.candidates[item.at].maintenance > 0 {
			o.unmaintained = min(o.unmaintained, i)
		}
	}
	m.offeredOrders[key] = o
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
	c.dominantOrder = m.orderByOffered(c.dominant, c.endless)
}
