package mesosengine

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// agentMemory is how long an agent counts with the most memory that it was seen to have, although later offers had less: those of
// an agent come one after the other.
const agentMemory = 5 * time.Minute

// agents is what is known of the agents by their offers. Mesos does not tell frameworks what there is.
type agents struct {
	mu  sync.Mutex
	all map[string]*estimate // by ID
}

// estimate is the memory of an agent that this framework takes or could have.
type estimate struct {
	memory float64   // MiB
	at     time.Time // of the offer that it was taken from; zero: there was none
	lostAt time.Time // since when it is away; zero: it is not
}

// Agents returns the agents that have made offers to this framework. Their memory is what the framework takes
// there and what was left of their last offers, so that another framework may have it meanwhile. Agents that never made an
// offer are not known, see [SchedulerConfig].
func (e *Engine) Agents(ctx context.Context) ([]invoker.Agent, error) {
	stats, err := e.scheduler.Agents(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", invoker.ErrUnavailable, err)
	}
	return e.agents.update(stats), nil
}

// update takes what the scheduler knows, and returns the agents in the same order.
func (a *agents) update(stats []scheduler.AgentStats) []invoker.Agent {
	a.mu.Lock()
	defer a.mu.Unlock()
	known := make(map[string]*estimate, len(stats))
	list := make([]invoker.Agent, 0, len(stats))
	for i := range stats {
		s := &stats[i]
		x := a.all[s.Agent.ID]
		if x == nil {
			x = &estimate{}
		}
		known[s.Agent.ID] = x
		x.take(s)
		// One that has tasks, and has made no offer since this process leads, has room or has not: to say that it has none would have
		// containers removed to make some.
		if x.lostAt.IsZero() && !x.at.IsZero() {
			list = append(list, invoker.Agent{ID: s.Agent.ID, Memory: int(x.memory), Draining: !s.Agent.Unavailable.IsZero()})
		}
	}
	a.all = known
	return list
}

// take takes what was offered last.
func (x *estimate) take(s *scheduler.AgentStats) {
	if s.OfferedAt.After(x.lostAt) {
		x.lostAt = time.Time{}
	}
	memory := s.Taken.Mem + s.Free.Mem
	if memory >= x.memory || s.OfferedAt.Sub(x.at) >= agentMemory {
		x.memory, x.at = memory, s.OfferedAt
	}
}

// lost notes that the master has lost an agent. It is back when it makes an offer.
func (a *agents) lost(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.all == nil {
		a.all = map[string]*estimate{}
	}
	a.all[id] = &estimate{lostAt: time.Now()}
}
