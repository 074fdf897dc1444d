package scheduler

import (
	"time"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// failForCapacity ends pending tasks for want of a place.
func (m *machine) failForCapacity(now time.Time, tasks []*entry) {
	for _, r := range tasks {
		if r.info.State != task.Pending {
			continue // it was there twice: it was launched and pending again within an instant
		}
		err := &CapacityError{Cycles: m.backlog.cyclesOf(r), Waited: now.Sub(r.info.Updated)}
		if f := r.class.findings; len(f) > 0 && err.Cycles > 0 {
			err.Rejection = task.Rejection{TaskID: r.info.Spec.ID, Reasons: f[len(f)-1].Reasons}
		}
		for _, r := range r.members() {
			m.change(now, r, task.Failed, err)
		}
	}
	m.backlog.removeAll(tasks)
}
