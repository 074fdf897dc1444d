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

// numberAgents finds out which rooms are of one agent.
func (m *match) numberAgents() {
	m.agentOf = make([]int32, len(m.rooms))
	m.agents = make(map[string]int32, len(m.rooms))
	m.siblings = make(map[int32][]int32)
	alone := make([]int32, 0, len(m.rooms)) // by agent: its first room
	for at := range m.rooms {
		id := m.rooms[at].agent.ID
		number, known := m.agents[id]
		if !known || id == "" {
			number = int32(len(alone))
			m.agents[id] = number
			alone = append(alone, int32(at))
		} else if m.siblings[number] == nil {
			m.siblings[number] = []int32{alone[number], int32(at)}
		} else {
			m.siblings[number] = append(m.siblings[number], int32(at))
		}
		m.agentOf[at] = number
	}
	delete(m.agents, "") // of which nobody knows what runs there
}

// tasksOf gives the tasks of a group by agent, those that run and those placed.
func (m *match) tasksOf(group string) []int64 {
	if known := m.groups[group]; known != nil {
		return known
	}
	if m.agentOf == nil {
		m.numberAgents()
	}
	tasks := make([]int64, len(m.rooms)+1) // one more than needed: not nil without rooms
	for _, p := range m.presences(group) {
		if agent, offers := m.agents[p.Agent.ID]; offers {
			tasks[agent] += atMost31Bits(p.Tasks)
		}
	}
	for _, c := range m.log {
		if c.shape >= 0 && m.shapes[c.shape].spec.Group == group {
			tasks[m.agentOf[c.room]]++
		}
	}
	m.groups[group] = tasks
	return tasks
}

// atMost31Bits reads a number of tasks so that sums cannot overflow.
func atMost31Bits(tasks int) int64 { return int64(min(max(tasks, 0), 1<<31-1)) }
