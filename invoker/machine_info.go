package invoker

import "time"

// Stats is what a pool holds, and what it has done since the beginning of the run.
type Stats struct {
	Used, Limit int                  // MiB that containers take, and may take; Limit 0: what the engine has
	Waiting     int                  // callers
	Oldest      time.Time            // since when the caller waits that has waited longest; zero: none waits
	Containers  map[State]int        // how many there are; none of a state that is missing
	Starts      map[StartKind]uint64 // how many leases and grants were given
	Stems       []StemStats          // of each shape of which stem cells are wanted, or ready
	Waits       []WaitStats          // of the first 100 keys that callers wait for, who has waited longest first
}

// WaitStats says who waits for containers of a key, and why.
type WaitStats struct {
	Key
	Callers int
	Since   time.Time // of the first of them
	Reason  string    // why there is none for the first of them; for humans
}

// maxWaits is of how many keys it is said who waits: more do not help who reads it.
const maxWaits = 100

// StemStats is what there is of the stem cells of a shape.
type StemStats struct {
	Shape
	Want, Have, Starting int // containers; Starting includes those that callers wait for
}

// info returns what users see of a container.
func (c *container) info() Info {
	i := Info{
		Instance: c.instance, State: c.state, Shape: c.shape.Shape, Initialised: c.initialised, Active: len(c.slots),
		Unreachable: c.unreachable, Created: c.created, Used: c.used,
	}
	if c.key != nil {
		i.Key = c.key.Key
	}
	return i
}

// infos returns all containers in the order in which they became known.
func (m *machine) infos() []Info {
	var all []Info
	for _, c := range m.inOrder() {
		all = append(all, c.info())
	}
	return all
}

// stats returns the figures of the pool.
func (m *machine) stats() Stats {
	s := Stats{Used: m.used, Limit: m.settings.Memory, Waiting: len(m.waiters), Containers: map[State]int{}, Starts: map[StartKind]uint64{}}
	for _, c := range m.containers {
		s.Containers[c.state]++
	}
	for kind, n := range m.started {
		s.Starts[StartKind(kind)] = n
	}
	if first := m.queue.head; first != nil {
		s.Oldest = first.since
	}
	for w := m.queue.head; w != nil && len(s.Waits) < maxWaits; w = m.queue.next(w) {
		if k := w.key; w == k.waiters.head {
			s.Waits = append(s.Waits, WaitStats{Key: k.Key, Callers: k.waiters.size, Since: w.since, Reason: m.reason(w)})
		}
	}
	for shape := range m.allShapes {
		if shape.want > 0 || shape.ready > 0 {
			s.Stems = append(s.Stems, StemStats{Shape: shape.Shape, Want: shape.want, Have: shape.ready, Starting: shape.starting})
		}
	}
	return s
}

// agentInfos returns all agents in the order in which they became known.
func (m *machine) agentInfos() []AgentInfo {
	var all []AgentInfo
	for _, a := range m.agentOrder {
		all = append(all, AgentInfo{
			ID: a.id, Used: a.used, Memory: a.memory, Containers: len(a.containers), Draining: a.drains(), Drained: a.drained, Unreachable: a.unreachable,
		})
	}
	return all
}
