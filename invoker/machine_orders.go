package invoker

import (
	"slices"
	"time"
)

// setStemCells replaces the stem cells. Those that are as before go on following the demand.
func (m *machine) setStemCells(all []StemCells) {
	before := m.stemmed
	m.cells, m.stemmed = all, nil
	for _, cells := range all {
		s := m.shapeOf(Shape{Kind: cells.Kind, Image: cells.Image, Memory: cells.Memory})
		m.stemmed = append(m.stemmed, s)
		if s.cells != cells {
			s.cells, s.want = cells, cells.Initial
		}
	}
	for _, s := range before {
		if !slices.Contains(m.stemmed, s) {
			s.cells, s.want = StemCells{}, 0
			m.tidyShape(s)
		}
	}
	m.unsettled = true
}

// drainAgent drains an agent, or has it be used again.
func (m *machine) drainAgent(now time.Time, id string, on bool) {
	a := m.agents[id]
	if a == nil && on {
		a = m.agentOf(id)
	}
	if a == nil || a.drained == on {
		return
	}
	a.drained = on
	m.drained = nil
	for _, o := range m.agentOrder {
		if o.drained {
			m.drained = append(m.drained, o.id)
		}
	}
	for _, c := range a.inOrder() {
		m.drain(now, c)
	}
	m.tidyAgent(a)
	m.unsettled = true
}
