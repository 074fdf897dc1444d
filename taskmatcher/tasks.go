package taskmatcher

import "github.com/mesos-actor/mesos-actor-go/task"

// counter gives the counter of a group's tasks by an attribute.
func (m *match) counter(group string, a *attribute) *counter {
	key := counterKey{group, a.name}
	if known := m.counters[key]; known != nil {
		return known
	}
	c := newCounter(a, m.presences(group))
	m.counters[key] = c
	m.byGroup[group] = append(m.byGroup[group], c)
	return c
}

// presences gives the running tasks of a group.
func (m *match) presences(group string) []task.Presence {
	if m.running == nil {
		m.running = make(map[string][]task.Presence)
		for _, p := range m.cycle.Running {
			m.running[p.Group] = append(m.running[p.Group], p)
		}
	}
	return m.running[group]
}

// findSiblings lists the rooms of agents that have several.
func (m *match) findSiblings() {
	m.siblings = make(map[int32][]int32)
	first := make([]int32, len(m.rooms)) // by agent: 1 + its first room
	for at := range m.rooms {
		number := m.rooms[at].number
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

// tasksOf gives the tasks of a group by agent, those that run and those placed.
func (m *match) tasksOf(group string) []int64 {
	if known := m.groups[group]; known != nil {
		return known
	}
	tasks := make([]int64, len(m.rooms)+1) // one more than needed: not nil without rooms
	for _, p := range m.presences(group) {
		if agent, offers := m.agents[p.Agent.ID]; offers {
			tasks[agent] += atMost31Bits(p.Tasks)
		}
	}
	for _, c := range m.log {
		if c.shape >= 0 && m.shapes[c.shape].spec.Group == group {
			tasks[m.rooms[c.room].number]++
		}
	}
	m.groups[group] = tasks
	return tasks
}

// atMost31Bits reads a number of tasks so that sums cannot overflow.
func atMost31Bits(tasks int) int64 { return int64(min(max(tasks, 0), 1<<31-1)) }
