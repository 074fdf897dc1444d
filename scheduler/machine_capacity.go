package scheduler

import (
	"slices"
	"time"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// endWaits ends the tasks that have been pending for too long.
func (m *machine) endWaits(now time.Time) {
	limit := m.settings.maxWait
	m.giveUp(now, m.waits.take(func(w waiter) bool { return now.Sub(w.since) >= limit }))
}

// endLooks ends the tasks that too many cycles looked at in vain.
func (m *machine) endLooks(now time.Time) {
	limit := m.settings.maxCycles
	m.giveUp(now, m.looked.take(func(w waiter) bool { return m.cyclesOf(w.record) >= limit }))
}

// giveUp ends pending tasks for want of a place.
func (m *machine) giveUp(now time.Time, tasks []*record) {
	for _, r := range tasks {
		if r.info.State != task.Pending {
			continue // it was in the lineup twice: it was launched and pending again within an instant
		}
		err := &CapacityError{Cycles: m.cyclesOf(r), Waited: now.Sub(r.info.Updated)}
		if f := r.shape.findings; len(f) > 0 && err.Cycles > 0 {
			err.Rejection = task.Rejection{TaskID: r.info.Spec.ID, Reasons: f[len(f)-1].Reasons}
		}
		for _, r := range r.members() {
			m.change(now, r, task.Failed, err)
		}
	}
	m.withdrawAll(tasks)
}

// withdrawAll takes tasks that are not pending any more out of the pending ones, a few one by one.
func (m *machine) withdrawAll(tasks []*record) {
	if len(tasks) > 16 {
		m.pending = slices.DeleteFunc(m.pending, func(r *record) bool { return r.info.State != task.Pending })
		return
	}
	for _, r := range tasks {
		m.withdraw(r)
	}
}
