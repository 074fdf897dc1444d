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
}
