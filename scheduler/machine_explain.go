package scheduler

import (
	"time"

	"github.com/mesos-actor/mesos-actor-go/task"
)

const (
	// findingsPerShape is how many cycles are remembered for each shape. Offers come a few at a time, so that
	// the last cycle alone may say little.
	findingsPerShape = 16
	// findingsInAll bounds what all shapes take together, at some 500 bytes each: with more than a thousand
	// shapes, there are fewer for each, down to one.
	findingsInAll = 16_000
)

// remember keeps what a cycle said. A matcher may say it task by task: those of a shape are alike, so that
// the first counts.
func (m *machine) remember(f Finding, rejections []task.Rejection) {
	limit := max(1, min(findingsPerShape, findingsInAll/max(1, len(m.shapes))))
	for _, rejection := range rejections {
		r := m.tasks[rejection.TaskID]
		if r == nil || r.info.State != task.Pending {
			continue
		}
		s := r.shape
		if n := len(s.findings); n > 0 && s.findings[n-1].round == m.cycles {
			continue
		}
		if extra := len(s.findings) + 1 - limit; extra > 0 {
			s.findings = append(s.findings[:0], s.findings[extra:]...)
		}
		f.Reasons, f.round = rejection.Reasons, m.cycles
		s.findings = append(s.findings, f)
	}
}

// explain tells what is known of why a task is where it is.
func (m *machine) explain(now time.Time, r *record) Explanation {
	e := Explanation{Task: r.info}
	if r.info.State != task.Pending {
		return e
	}
	e.Cycles = m.cyclesOf(r.head())
	for i := len(r.shape.findings) - 1; i >= 0; i-- {
		e.Findings = append(e.Findings, r.shape.findings[i])
	}
	e.Subscribed, e.LastOffers = m.conn.phase == connected, m.census.offersAt
	if !e.Subscribed {
		e.SubscribeErr = m.conn.lastErr
	}
	if r.heldBack(now) {
		e.NotBefore = r.former.notBefore
	}
	e.StoreErr = m.storage.journal.Err()
	e.Filtered = m.filter.Active()
	e.TearingDown, e.MatcherErr, e.Promised = m.tearing, m.matchErr, len(m.vacated)
	return e
}
