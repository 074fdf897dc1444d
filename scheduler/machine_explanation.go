package scheduler

import (
	"time"

	"github.com/mesos-actor/mesos-actor-go/task"
)

const (
	// findingsPerClass is how many findings are kept for each class. Offers come a few at a time, so that
	// the last cycle alone may have looked at few agents.
	findingsPerClass = 16
	// findingsInAll limits the findings of all classes together, which take some 500 bytes each, 8 MB in all. With
	// more than a thousand classes there are fewer for each class, down to one.
	findingsInAll = 16_000
)

// keepFindings keeps the rejections of a cycle. A matcher may return one for each task: the first one of a class is
// kept, since its tasks are alike.
func (m *machine) keepFindings(f Finding, rejections []task.Rejection) {
	f.cycle = m.backlog.cycles
	limit := max(1, min(findingsPerClass, findingsInAll/max(1, len(m.backlog.classes))))
	for _, rejection := range rejections {
		e := m.tasks.byID[rejection.TaskID]
		if e == nil || e.Info.State != task.StatePending {
			continue
		}
		f.Reasons = rejection.Reasons
		e.class.addFinding(f, limit)
	}
}

// explain returns why a task is not launched.
func (m *machine) explain(now time.Time, e *entry) Explanation {
	x := Explanation{Task: e.Info.Public()}
	if e.Info.State != task.StatePending {
		return x
	}
	x.NeverOffered = m.neverOffered(e)
	x.Cycles = m.backlog.cyclesOf(e.head())
	for i := len(e.class.findings) - 1; i >= 0; i-- {
		x.Findings = append(x.Findings, e.class.findings[i])
	}
	x.Subscribed, x.LastOffers = m.conn.connected(), m.census.offersAt
	if !x.Subscribed {
		x.SubscribeErr = m.conn.lastErr
	}
	if e.heldBack(now) {
		x.NotBefore = e.former.notBefore
	}
	x.StoreErr = m.storage.journal.Err()
	x.Filtered = m.filter.Active()
	x.TearingDown, x.MatcherErr, x.Maintenance = m.teardown.wanted, m.matchErr, len(m.vacated)
	return x
}
