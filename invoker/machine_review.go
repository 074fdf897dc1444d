package invoker

import "time"

// reviewEvery is how often the machine looks at all that does not change by itself: what idle containers are worth, how many stem
// cells are wanted, and which agents can become empty.
const reviewEvery = 10 * time.Second

// review looks at everything once in a while, as long as there are containers.
func (m *machine) review(now time.Time) {
	m.nextReview = time.Time{}
	if len(m.containers) > 0 {
		m.nextReview = now.Add(reviewEvery)
	}
	m.reviewStems(now)
	m.reviewAgents()
	var over []*container
	m.idle.Revalue(func(c *container) float64 {
		if c.state == StateIdle || c.state == StateSuspended {
			if k := c.key; !k.reviewed.Equal(now) {
				k.reviewed, k.keepFor = now, 0
			}
			if due(m.idleDue(c), now) {
				over = append(over, c)
			} else {
				m.arm(c)
			}
		}
		return m.value(now, c)
	})
	for _, c := range over {
		m.timers.remove(c)
		m.fire(now, c)
	}
}

// littleToLose is what the containers of an agent that is to become empty are worth at most: the time of a start, likely to be saved
// within the next minute.
const littleToLose = 1.0

// reviewAgents decides which agents are to become empty: those that serve nobody and have little to lose, while nobody waits, but
// not the fullest one. Nothing is moved. It is enough that nothing new is started there, and that what is idle ends sooner.
func (m *machine) reviewAgents() {
	var fullest *agentState
	for _, a := range m.agentOrder {
		if fullest == nil || a.used > fullest.used {
			fullest = a
		}
	}
	for _, a := range m.agentOrder {
		quiet := a != fullest && len(m.waiters) == 0 && len(a.containers) > 0 && a.idle.Len() == len(a.containers)
		a.emptying = quiet && a.idle.Value() <= littleToLose
	}
}
