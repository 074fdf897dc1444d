package taskmatcher

// expect fills expected and awaited. A user's filter is asked here, and not again: nothing is placed on these agents.
func (pq *partitionedQueues) expect(m *match, c *class) {
	pq.expected = make([][]int32, len(pq.known))
	for number, known := range pq.known {
		for _, at := range known {
			if m.expected(at, m.cycle.Now) && m.fits(c, at) && (m.filter == nil || m.filter(c.spec, m.viewOf(at))) {
				pq.expected[number] = append(pq.expected[number], at)
			}
		}
		if len(pq.expected[number]) > 0 {
			pq.awaited.setKeyed(int32(number), c.key(pq.expected[number][0]), rank{candidate: int32(number)})
		}
	}
}

// nextAwaited returns the partition with the lowest key in which a known agent may be waited for, and whether there
// is one.
func (pq *partitionedQueues) nextAwaited(m *match, c *class) (int32, bool) {
	for len(pq.awaited.entries) > 0 {
		top := pq.awaited.entries[0]
		for len(pq.expected[top.id]) > 0 && !m.fits(c, pq.expected[top.id][0]) {
			pq.expected[top.id] = pq.expected[top.id][1:]
		}
		if len(pq.expected[top.id]) == 0 {
			pq.awaited.remove(top.id)
			continue
		}
		pq.awaited.setKeyed(top.id, c.key(pq.expected[top.id][0]), top.rank)
		if pq.awaited.entries[0].id == top.id {
			return top.id, true
		}
	}
	return 0, false
}

// waitsFor returns which of the GROUP_BY constraints refuses a candidate because a known agent is awaited whose value has
// fewer tasks, and that value; -1 if none does.
func (m *match) waitsFor(c *class, at int32) (constraint int, value string) {
	if len(c.groupBy) == 0 {
		return -1, ""
	}
	number, found := c.queues.nextAwaited(m, c)
	if !found {
		return -1, ""
	}
	agent := c.queues.expected[number][0]
	for i := range c.groupBy {
		condition := &c.groupBy[i]
		if condition.values[at] < 0 {
			return -1, ""
		}
		switch here, there := condition.tasks(at), condition.tasks(agent); {
		case here > there:
			return i, condition.counter.attribute.values[condition.values[agent]].text
		case here < there:
			return -1, ""
		}
	}
	return -1, ""
}

// addLeast adds a partition to the heaps of pq.least, if it is not there.
func (pq *partitionedQueues) addLeast(c *class, number int32) {
	for i := range pq.least {
		h, p := &pq.least[i].partitions, &c.groupByPreferences[i]
		if candidates := pq.candidates[number]; len(candidates) > 0 && p.values[candidates[0]] >= 0 {
			h.set(number, rank{score: float64(p.tasks(candidates[0])), candidate: number})
		}
	}
}

// updateLeast finds the fewest tasks for each GROUP_BY preference, and reports whether any of these numbers has changed.
// Counts only grow, so that entries may be outdated as long as the top one is right.
func (pq *partitionedQueues) updateLeast(m *match, c *class) (changed bool) {
	for i := range pq.least {
		h, p, least := &pq.least[i].partitions, &c.groupByPreferences[i], int64(-1)
		for least < 0 && len(h.entries) > 0 {
			top := h.entries[0]
			tasks := p.tasks(pq.candidates[top.id][0])
			if _, fits := pq.queues[top.id].head(m, c); !fits {
				h.remove(top.id)
			} else if float64(tasks) != top.score {
				h.set(top.id, rank{score: float64(tasks), candidate: top.id})
			} else {
				least = tasks
			}
		}
		changed = changed || least != pq.least[i].tasks
		pq.least[i].tasks = least
	}
	return changed
}
