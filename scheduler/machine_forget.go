package scheduler

import (
	"fmt"
	"slices"
	"time"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// forget takes a task off the record, with all members of its pod.
func (m *machine) forget(now time.Time, in forget) {
	info, known := m.tasks.info(in.id)
	if !known {
		m.emit(reply{ref: in.ref, err: unknown(in.id)})
		return
	}
	var members []*entry // that are not only remembered
	if p := m.tasks.pods[info.Spec.Pod()]; p != nil {
		members = slices.DeleteFunc(slices.Clone(p.members), func(e *entry) bool { return m.tasks.byID[e.Info.Spec.ID] != e })
	} else if e := m.tasks.byID[in.id]; e != nil {
		members = e.members()
	}
	for _, e := range members {
		if state := e.Info.State; !state.Terminal() && state != task.StateUnreachable && state != task.StateUnknown {
			m.emit(reply{ref: in.ref, err: &ForgetError{ID: e.Info.Spec.ID, State: state}})
			return
		}
	}
	for _, e := range members {
		m.forgetEntry(now, e)
	}
	for _, id := range m.tasks.remembered.forget(in.id, info.Spec.Pod()) {
		m.touch(id)
	}
	m.tellRemoved(now) // before the answers, so that whoever lists the tasks after one does not find these
	for _, e := range members {
		for _, caller := range e.takeAllCallers() {
			m.whenStored(now, reply{ref: caller, err: fmt.Errorf("%w was forgotten", unknown(e.Info.Spec.ID))})
		}
	}
	m.whenStored(now, reply{ref: in.ref})
}

// forgetEntry takes one task off the record.
func (m *machine) forgetEntry(now time.Time, e *entry) {
	if m.census.forget(e) {
		m.demand.TaskArrived("") // others of its group may have a place now
	}
	m.tasks.forget(e)
	m.noteRemoved(e)
	m.leaveClass(e)
	m.timers.forget()
	m.unknown.remove(e)
	m.touch(e.Info.Spec.ID)
	if m.reconciliation.markReconciled(e) && m.conn.connected() { // otherwise the next subscription begins another round
		m.reconciled(now)
	}
}

// noteRemoved notes that a task has left the record.
func (m *machine) noteRemoved(e *entry) { m.removed = append(m.removed, e.Info.Spec.ID) }

// takeRemoved returns the tasks that have left the record since it was last called.
func (m *machine) takeRemoved() []string {
	removed := m.removed
	m.removed = nil
	return removed
}

// tellRemoved tells watchers which tasks have left the record in this step.
func (m *machine) tellRemoved(now time.Time) {
	if removed := m.takeRemoved(); len(removed) > 0 {
		m.whenStored(now, notify{RemovedEvent{Tasks: removed, Version: m.tasks.nextVersion()}})
	}
}

// trimRemembered forgets those IDs that are to be remembered no longer.
func (m *machine) trimRemembered(now time.Time) {
	for _, id := range m.tasks.remembered.trim(now) {
		m.touch(id)
	}
}
