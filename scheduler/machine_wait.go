package scheduler

import (
	"time"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
)

// wait answers a caller when a task has come as far as he waits for.
func (m *machine) wait(now time.Time, in wait) {
	info, known := m.tasks.info(in.id)
	ended := info.State.Terminal()
	switch e := m.tasks.byID[in.id]; {
	case !known:
		m.emit(reply{ref: in.ref, err: unknown(in.id)})
	case ended && in.until == UntilRunning:
		m.whenStored(now, reply{ref: in.ref, info: info, err: &TaskError{Task: info, Err: info.Err}})
	case ended, in.until == UntilRunning && e.up():
		m.whenStored(now, reply{ref: in.ref, info: info})
	default:
		e.wait(caller{ref: in.ref, end: in.until == UntilEnded})
	}
}

// ensure puts a task on record that is not there, and compares it with what is there otherwise. Unlike a task that was
// submitted it stays on record if the caller gives up, since he is to ask again: it must not have ended then.
func (m *machine) ensure(now time.Time, in ensure) {
	info, known := m.tasks.info(in.spec.ID)
	answer := reply{ref: in.ref, info: info}
	switch e := m.tasks.byID[in.spec.ID]; {
	case !known:
		e, err := m.put(now, in.spec)
		if err != nil {
			m.emit(reply{ref: in.ref, err: err})
			return
		}
		answer.info = e.Info
	case e == nil:
		if m.tasks.remembered.record(in.spec.ID).Spec != record.Sum(&in.spec) {
			answer.err = &SpecDiffError{ID: in.spec.ID}
		}
	default:
		if different := record.Differences(&e.Info.Spec, &in.spec); len(different) > 0 {
			answer.err = &SpecDiffError{ID: in.spec.ID, Fields: fieldDiffs(different)}
		}
	}
	m.whenStored(now, answer)
}
