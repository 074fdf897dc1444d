package invoker

import (
	"math"
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker/internal/victims"
)

// recentTime: what was used in the last 10 s is removed to make room only if nothing else suffices.
const recentTime = 10 * time.Second

// likelyStart is how long a start takes where none of the shape has been seen yet.
const likelyStart = time.Second

// removable reports whether a container may be removed to make room.
func (c *container) removable() bool {
	if c.unreachable || c.reserved || c.held() || c.agent == nil {
		return false
	}
	switch c.state {
	case StateMarked, StateStem, StateIdle:
		return true
	case StateSuspended:
		return !c.resumeWanted
	case StateBusy:
		return c.quarantined && !c.undeclared
	}
	return false
}

// value returns what it costs to remove a container: the seconds that those lose who would use it within the next minute.
func (m *machine) value(now time.Time, c *container) float64 {
	start := c.shape.demand.StartTime()
	if start == 0 {
		start = likelyStart
	}
	switch {
	case c.state == StateMarked || c.state == StateStem && c.surplus:
		return 0
	case c.state == StateStem:
		return start.Seconds()
	case c.state == StateBusy: // what it runs is not known: it goes last
		return math.MaxInt32
	}
	return c.key.idle.Soon(now.Sub(c.used)) * start.Seconds()
}

// indexVictim keeps a container among those that may be removed while it is one of them. What it is worth is looked at when its state
// changes, and in each review.
func (m *machine) indexVictim(c *container) {
	state := State("")
	if c.removable() {
		state = c.state
	}
	if state == c.indexed {
		return
	}
	c.indexed = state
	c.slot.Take()
	if state != "" {
		c.agent.idle.Put(&c.slot, victims.Candidate[*container]{
			Container: c, Memory: c.shape.Memory, Value: m.value(c.used, c), Used: c.used,
		})
		m.unsettled = m.unsettled || m.room.scarce // it may have to make room
	}
}

// victims returns containers that nobody holds, whose removal makes room for a container of so many MiB, all on one agent if agents
// are known. None: there are not enough.
func (m *machine) victims(now time.Time, memory int) []*container {
	limit := m.settings.Memory
	if limit > 0 && memory > limit {
		return nil
	}
	left := m.room.removing - m.room.claimed // MiB that may be used, soon
	switch {
	case limit > 0 && (m.agentsKnown || m.room.tooMuch == 0):
		left += limit - m.used
	case m.agentsKnown:
		left = math.MaxInt32
	}
	spare := now.Add(-recentTime)
	if !m.agentsKnown {
		chosen := m.idle.ChooseAnywhere(memory-left, spare)
		if chosen == nil && m.room.tooMuch > 0 && m.room.removing == 0 && !m.limited(memory) {
			// Less may do, since nobody knows what is free: the engine is asked again after each that is gone.
			chosen = m.idle.ChooseAnywhere(1, spare)
		}
		return chosen
	}
	for _, a := range m.agentOrder {
		a.idle.Free, a.idle.Busy = math.MinInt32, len(a.containers)-a.idle.Len()
		if a.usable() {
			a.idle.Free = min(a.free()+a.removing-a.claimed, left)
		}
	}
	if agent, chosen := m.idle.Choose(memory, spare); agent != nil || left >= memory {
		return chosen
	}
	return m.idle.ChooseAnywhere(memory-left, spare) // what is lacking is not on one agent
}
