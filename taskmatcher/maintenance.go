package taskmatcher

import (
	"slices"
	"time"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// rankMaintenance numbers the candidates by when their maintenance begins: the last one to begin has 1. Candidates without
// planned maintenance, or for which it is over, have 0. So the lower the number, the better for a task that may run
// for any time.
func (c *cluster) rankMaintenance(now time.Time) {
	if !c.unavailable {
		return
	}
	var planned []int32
	for at := range c.candidates {
		if ahead(c.candidates[at].agent, now) {
			planned = append(planned, int32(at))
		}
	}
	begin := func(at int32) time.Time { return c.candidates[at].agent.Unavailable }
	slices.SortFunc(planned, func(a, b int32) int { return begin(b).Compare(begin(a)) })
	for i, at := range planned {
		if i == 0 || !begin(at).Equal(begin(planned[i-1])) {
			c.maintenances++
		}
		c.candidates[at].maintenance = c.maintenances
	}
}

// ahead reports whether maintenance of an agent is planned, and not over.
func ahead(a *task.Agent, now time.Time) bool {
	return !a.Unavailable.IsZero() && a.Maintained(now, a.Unavailable)
}
