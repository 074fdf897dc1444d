package taskmatcher

import "github.com/mesos-actor/mesos-actor-go/task"

// counter returns the counter of a group's tasks by the values of an attribute.
func (m *match) counter(group string, a *attribute) *counter {
	key := counterKey{group, a.name}
	if known := m.counters[key]; known != nil {
		return known
	}
	c := newCounter(a, m.runningOf(group))
	m.counters[key] = c
	m.countersByGroup[group] = append(m.countersByGroup[group], c)
	return c
}

// runningOf returns the running tasks of a group.
func (m *match) runningOf(group string) []task.Presence {
	if m.running == nil {
		m.running = make(map[string][]task.Presence)
		for _, p := range m.cycle.Running {
			m.running[p.Group] = append(m.running[p.Group], p)
		}
	}
	return m.running[group]
}

// findSiblings fills m.siblings with the candidates of each agent that has several.
func (m *match) findSiblings() {
	m.siblings = make(map[int32][]int32)
	first := make([]int32, len(m.candidates)) // by agent: 1 + its first candidate
	for at := range m.candidates {
		number := m.candidates[at].agentNumber
		switch {
		case first[number] == 0:
			first[number] = int32(at + 1)
		case m.siblings[number] == nil:
			m.siblings[number] = []int32{first[number] - 1, int32(at)}
		default:
			m.siblings[number] = append(m.siblings[number], int32(at))
		}
	}
}

// tasksOf returns the number of tasks of a group by agent: those that run and those placed so far. Later placements are
// counted in the same slice.
func (m *match) tasksOf(group string) []int64 {
	if known := m.tasksByAgent[group]; known != nil {
		return known
	}
	tasks := make([]int64, len(m.candidates)+1) // one too many, so that it is not nil without candidates
	for _, p := range m.runningOf(group) {
		if agent, offers := m.agentNumbers[p.Agent.ID]; offers {
			tasks[agent] += atMost31Bits(p.Tasks)
		}
	}
	for _, c := range m.changes {
		if c.class >= 0 && m.classes[c.class].spec.Group == group {
			tasks[m.candidates[c.candidate].agentNumber]++
		}
	}
	m.tasksByAgent[group] = tasks
	return tasks
}

// atMost31Bits limits a number of tasks to the range from 0 to 1<<31-1, so that sums cannot overflow.
func atMost31Bits(tasks int) int64 { return int64(min(max(tasks, 0), 1<<31-1)) }
