package scheduler

import (
	"time"

	"github.com/mesos-actor/mesos-actor-go/task"
)

const (
	// findingsPerClass is how many cycles are remembered for each class. Offers come a few at a time, so that
	// the last cycle alone may say little.
	findingsPerClass = 16
	// findingsInAll bounds what all classes take together, at some 500 bytes each: with more than a thousand
	// classes, there are fewer for each, down to one.
	findingsInAll = 16_000
)

// remember keeps what a cycle said. A matcher may say it task by task: those of a class are alike, so that
// the first counts.
func (m *machine) remember(f Finding, rejections []task.Rejection) {
	f.cycle = m.backlog.cycles
	limit := max(1, min(findingsPerClass, findingsInAll/max(1, len(m.backlog.classes))))
	for _, rejection := range rejections {
		e := m.tasks.byID[rejection.TaskID]
		if e == nil || e.Info.State != task.Pending {
			continue
		}
		f.Reasons = rejection.Reasons
		e.class.find(f, limit)
	}
}

// explain tells what is known of why a task is where it is.
func (m *machine) explain(now time.Time, r *entry) Explanation {
	e := Explanation{Task: r.Info}
	if r.Info.State != task.Pending {
		return e
	}
	e.Cycles = m.backlog.cyclesOf(r.head())
	for i := len(r.class.findings) - 1; i >= 0; i-- {
		e.Findings = append(e.Findings, r.class.findings[i])
	}
	e.Subscribed, e.LastOffers = m.conn.connected(), m.census.offersAt
	if !e.Subscribed {
		e.SubscribeErr = m.conn.lastErr
	}
	if r.heldBack(now) {
		e.NotBefore = r.former.notBefore
	}
	e.StoreErr = m.storage.journal.Err()
	e.Filtered = m.filter.Active()
	e.TearingDown, e.MatcherErr, e.Promised = m.teardown.wanted, m.matchErr, len(m.vacated)
	return e
}
