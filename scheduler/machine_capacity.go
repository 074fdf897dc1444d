package scheduler

import (
	"time"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// failForCapacity ends pending tasks for want of a place.
func (m *machine) failForCapacity(now time.Time, tasks []*entry) {
	for _, e := range tasks {
		if e.Info.State != task.Pending {
			continue // it was there twice: it was launched and pending again within an instant
		}
		err := &CapacityError{Cycles: m.backlog.cyclesOf(e), Waited: now.Sub(e.Info.Updated)}
		if f := e.class.findings; len(f) > 0 && err.Cycles > 0 {
			err.Rejection = task.Rejection{TaskID: e.Info.Spec.ID, Reasons: f[len(f)-1].Reasons}
		}
		for _, e := range e.members() {
			m.setState(now, e, task.Failed, err)
		}
	}
	m.backlog.removeAll(tasks)
}
